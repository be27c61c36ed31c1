/* What a client has sent and what of it is a whole request: bytes that grow up to
 * a limit, and are wiped when they are no longer needed.
 *
 * Floor 6.  One thread.  Owns its bytes. */
#pragma once

#include "base/base.h"

/* All zero is an empty one. */
struct wr_uapi_inbox {
	uint8_t *data;
	size_t len;
	size_t capacity;
	size_t searched; /* no request ends before this */
};

void wr_uapi_inbox_done(struct wr_uapi_inbox *inbox);

/* Room for at least one byte more, at data + len; its size. 0 where there are
 * `limit` bytes already, or memory is short. */
size_t wr_uapi_inbox_room(struct wr_uapi_inbox *inbox, size_t limit);
/* `len` bytes were written to the room. */
void wr_uapi_inbox_add(struct wr_uapi_inbox *inbox, size_t len);

/* True if there is a whole request: up to and with the first empty line; valid
 * until the next call of another function. */
bool wr_uapi_inbox_peek(struct wr_uapi_inbox *inbox, struct wr_bytes *ret_request) WR_MUST_CHECK;
/* Drops `len` bytes from the front. */
void wr_uapi_inbox_drop(struct wr_uapi_inbox *inbox, size_t len);
