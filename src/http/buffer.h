/* Bytes that grow at one end and are taken from the other; wiped when they go, for they
 * may hold a password or a cookie.
 *
 * Floor 7.  One thread. All zero is an empty one. */
#pragma once

#include "base/base.h"

struct wr_buffer {
	uint8_t *data; /* the first that was not taken */
	size_t len;
	uint8_t *memory; /* the buffer's own */
	size_t room;
};

/* False where memory is short; then nothing was added. */
bool wr_buffer_add(struct wr_buffer *buffer, const void *data, size_t len) WR_MUST_CHECK;
/* Room for `len` more bytes behind the last; NULL where memory is short. What is written
 * there counts when it is added to `len`. */
uint8_t *wr_buffer_reserve(struct wr_buffer *buffer, size_t len) WR_MUST_CHECK;
/* Forgets the first `len` bytes. */
void wr_buffer_take(struct wr_buffer *buffer, size_t len);
/* Adds formatted text, without its NUL. */
bool wr_buffer_print(struct wr_buffer *buffer, const char *format, ...) WR_PRINTF(2, 3)
	WR_MUST_CHECK;
/* Wipes and frees; it is empty then. */
void wr_buffer_done(struct wr_buffer *buffer);
