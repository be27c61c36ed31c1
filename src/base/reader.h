/* Reads integers and byte runs out of a datagram, and cannot read past it.
 *
 * The first short read marks the reader bad; every later read yields zeros.
 * A decoder therefore reads all its fields and asks once, at the end.
 *
 * Floor 0.  Owns nothing: the bytes stay the caller's. */
#pragma once

#include "base/base.h"

struct wr_reader {
	struct wr_bytes left;
	bool bad;
};

static inline struct wr_reader wr_reader_of(struct wr_bytes bytes)
{
	return (struct wr_reader){ .left = bytes };
}

uint8_t wr_read_u8(struct wr_reader *reader);
uint32_t wr_read_be32(struct wr_reader *reader);
uint32_t wr_read_le32(struct wr_reader *reader);

/* `len` bytes that live as long as the datagram; an empty run once bad. */
struct wr_bytes wr_read_bytes(struct wr_reader *reader, size_t len);

/* Copies `len` bytes out; leaves *ret alone once bad. */
void wr_read_into(struct wr_reader *reader, void *ret, size_t len);

/* True if every read fitted and nothing is left over. */
bool wr_reader_done(const struct wr_reader *reader) WR_MUST_CHECK;
