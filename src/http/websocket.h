/* WebSocket (RFC 6455), both ends, on a libuv loop: whole messages in and out.
 *
 * Floor 7.  On the thread of its loop. Knows nothing of what it carries; libwslay reads and
 * writes the frames. A client's connection is made here too, over TLS with a pin or in the clear.
 * Everything the other side can make large has a limit. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "base/ip.h"
#include "http/server.h"

struct wr_websocket;

struct wr_websocket_handlers {
	/* A client's is open (not called for a server's: it is open when it was accepted). */
	void (*opened)(void *context);
	/* A whole message; `data` is the callee's for the time of the call, and has a NUL behind
	 * it. */
	void (*received)(void *context, bool is_text, const uint8_t *data, size_t len);
	/* A pong came for wr_websocket_ping(). May be NULL. */
	void (*ponged)(void *context);
	/* Once, at the end, whoever ended it; not called from within another call of this header.
	 * The websocket is gone afterwards. `status`: of the refusal of a client's request (401,
	 * 404), 0 if it was open or no answer came; `why` is one line, for people. */
	void (*closed)(void *context, unsigned status, const char *why);
};

struct wr_websocket_limits {
	size_t message; /* longest that is taken; a longer one closes with 1009 */
	size_t unsent;  /* so much waits to go out: send fails, and the caller should close */
	unsigned idle_seconds; /* nothing at all came for so long: closed; 0: no limit */
};

/* --- Server. --- */

/* True if the request asks for a WebSocket with this subprotocol ("warren.v1"). */
bool wr_http_is_websocket(const struct wr_http_request *request, const char *protocol);
/* Answers 101, and takes the connection over; the request is over. NULL where memory is short
 * or it is no such request: answer it in another way. wr_http_server_close() closes it with 1001.
 */
struct wr_websocket *wr_websocket_accept(struct wr_http_request *request, const char *protocol,
					 const struct wr_websocket_limits *limits,
					 const struct wr_websocket_handlers *handlers,
					 void *context);

/* --- Client. --- */

struct wr_websocket_target {
	const char *url;      /* "https://host:8443": HTTP's, for the server's address is one */
	const char *pin;      /* as in http/client.h; NULL: the system's authorities decide */
	const char *path;     /* "/api/v1/agent" */
	const char *protocol; /* "warren.v1" */
	const char *authorization; /* "Bearer ..."; NULL: none */
	unsigned timeout_seconds;  /* until it is open */
	uint32_t mark;             /* SO_MARK of the socket; 0: none */
	struct ssl_ctx_st *tls;    /* wr_tls_client_context(), for who has many; NULL: its own */
};

/* Begins to connect; all texts are copied. 0, or a negative errno and nothing was begun. */
int wr_websocket_connect(uv_loop_t *loop, const struct wr_websocket_target *target,
			 const struct wr_websocket_limits *limits,
			 const struct wr_websocket_handlers *handlers, void *context,
			 struct wr_websocket **ret_websocket) WR_MUST_CHECK;

/* --- Both. --- */

/* False where too much waits already, or it is closing: nothing was taken. */
bool wr_websocket_send(struct wr_websocket *websocket, bool is_text, const void *data, size_t len);
/* Asks for a pong. */
void wr_websocket_ping(struct wr_websocket *websocket);
/* What waits to go out, in bytes. */
size_t wr_websocket_unsent(const struct wr_websocket *websocket);
/* Closes with the code and one short line, once all that was sent has gone or two seconds have
 * passed; `closed` is called. */
void wr_websocket_close(struct wr_websocket *websocket, unsigned code, const char *why);
/* Who is at the other end; family none over a Unix socket. */
const struct wr_ip *wr_websocket_remote(const struct wr_websocket *websocket);
/* The local address of the connection, for a client that wants to know the way it takes. */
bool wr_websocket_local(const struct wr_websocket *websocket, struct wr_ip *ret_ip);
