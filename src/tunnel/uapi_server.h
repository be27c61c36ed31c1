/* Serves the configuration protocol of one interface to its clients.
 *
 * Floor 6.  On the thread of its loop.  At most WR_UAPI_CLIENTS at a time: more wait
 * to be accepted. All of them are its owner's own: the socket's file is. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "tunnel/interface.h"
#include "tunnel/uapi_client.h"

#define WR_UAPI_CLIENTS 32

struct wr_uapi_server {
	uv_poll_t poll;
	int fd;
	struct wr_interface *interface;
	void (*changed)(void *context); /* after a request that was a set */
	void *context;
	bool is_read_only; /* sets are refused; may be set after the start */
	struct wr_uapi_handler handler;
	struct wr_uapi_client *clients[WR_UAPI_CLIENTS];
	unsigned client_count;
};

/* Accepts on `fd`, which listens and does not block; borrowed. 0 or a negative
 * errno. */
int wr_uapi_server_start(struct wr_uapi_server *server, uv_loop_t *loop, int fd,
			 struct wr_interface *interface, void (*changed)(void *context),
			 void *context) WR_MUST_CHECK;
/* Closes all clients and stops; one that was not started, all zero, is fine. Done once
 * the loop has run the close callbacks. */
void wr_uapi_server_stop(struct wr_uapi_server *server);

enum wr_uapi_request_kind {
	WR_UAPI_ASKS_NONSENSE,
	WR_UAPI_ASKS_TO_TELL,
	WR_UAPI_ASKS_TO_SET
};

/* True if the request begins like one that changes something. */
bool wr_uapi_is_set(struct wr_bytes request);

/* Answers one request, "set=1\n...\n\n" or "get=1\n\n" or "stats=1\n\n", with what
 * it asks for and an "errno=" line, and says which kind it is. */
enum wr_uapi_request_kind wr_uapi_answer_request(struct wr_interface *interface,
						 struct wr_bytes request, struct wr_text *answer);
