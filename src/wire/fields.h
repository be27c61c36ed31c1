/* Fields that the formats of a mesh share, read and written: numbers (big-endian), keys, addresses,
 * names. Each has one way to be written, and a reader that meets another is bad for good.
 *
 *     endpoint: 4 or 6 (8) | address, 4 or 16 | port (16), not 0
 *     prefix:   4 or 6 (8) | address, 4 or 16 | length (8)
 *     word:     length (8) | letters
 *
 * Floor 2.  No state. */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "base/key.h"
#include "base/reader.h"

#define WR_LABEL_LEN 63 /* RFC 1035 section 2.3.4 */

/* What a word may be made of. */
enum wr_word_kind {
	WR_WORD_LABEL, /* a to z, 0 to 9, and '-' within */
	WR_WORD_TAG,   /* a to z, A to Z, 0 to 9, '-', '_', '.': as in the policy's language */
	WR_WORD_PLAIN, /* what ASCII prints */
};
/* At least one letter. */
bool wr_field_is_word(enum wr_word_kind kind, const char *text, size_t len);

/* --- Reading. --- */

uint16_t wr_read_be16(struct wr_reader *reader);
uint64_t wr_read_be64(struct wr_reader *reader);
struct wr_key wr_read_key(struct wr_reader *reader);
/* To an address of one host that is not this one: no multicast, loopback, or none at all. */
struct wr_endpoint wr_read_endpoint(struct wr_reader *reader);
/* Without bits behind its length. */
struct wr_prefix wr_read_prefix(struct wr_reader *reader);
/* With a NUL; `size` has space for it. "" is good if `is_optional`. */
void wr_read_word(struct wr_reader *reader, enum wr_word_kind kind, bool is_optional,
		  char *ret_word, size_t size);

/* --- Writing. --- */

/* The first that does not fit makes it bad, as with a reader. */
struct wr_writer {
	uint8_t *at, *end;
	bool bad;
};

static inline struct wr_writer wr_writer_of(uint8_t *bytes, size_t size)
{
	return (struct wr_writer){ .at = bytes, .end = bytes + size };
}

void wr_write_bytes(struct wr_writer *writer, const void *bytes, size_t len);
/* The lowest `bytes` of the number. */
void wr_write_number(struct wr_writer *writer, uint64_t number, unsigned bytes);
void wr_write_key(struct wr_writer *writer, const struct wr_key *key);
void wr_write_endpoint(struct wr_writer *writer, const struct wr_endpoint *endpoint);
void wr_write_prefix(struct wr_writer *writer, const struct wr_prefix *prefix);
/* `size` is the array's: a word without a NUL in it is bad. */
void wr_write_word(struct wr_writer *writer, const char *word, size_t size);
