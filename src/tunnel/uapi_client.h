/* One client of the configuration socket: reads its requests, has them answered
 * one after the other, and writes the answers when it reads them.
 *
 * Floor 6.  On the thread of its loop.  A client is bounded: WR_UAPI_REQUEST_MAX
 * for a request; while an answer waits to be read, no more is read from it. What
 * has been read and written is wiped: it holds keys. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "wire/uapi.h"

/* `wg setconf` of 10,000 peers with 100 allowed-ips each. A client that sends more
 * without an empty line is cut off. */
#define WR_UAPI_REQUEST_MAX (64u << 20)

struct wr_uapi_client;

/* A request up to and with the empty line that ends it; appends the whole answer.
 * False: the client is to be cut off once it has read that. */
typedef bool wr_uapi_answer(void *context, struct wr_bytes request, struct wr_text *answer);
/* The client and its memory are gone. */
typedef void wr_uapi_closed(void *context, struct wr_uapi_client *client);

struct wr_uapi_handler {
	wr_uapi_answer *answer;
	wr_uapi_closed *closed;
	void *context;
};

/* Takes `fd`, which does not block; the handler is borrowed. NULL where memory is
 * short: then the descriptor is closed. */
struct wr_uapi_client *wr_uapi_client_new(uv_loop_t *loop, int fd,
					  const struct wr_uapi_handler *handler);
/* Closes; memory goes in a later turn of the loop, which calls `closed`. May be
 * called again until then. */
void wr_uapi_client_close(struct wr_uapi_client *client);
