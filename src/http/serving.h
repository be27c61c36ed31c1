/* The server from inside: what listener, connections, protocols and requests share.
 *
 * Floor 7.  On the thread of its loop. Opaque to other folders.
 *
 * A connection moves on in turns (wr_connection_turn): bytes that came become requests, what
 * waits to go out goes. Everything that happens only marks what changed and asks for a
 * turn, so nothing is re-entered. A connection ends in one place, the callback of its
 * uv_close(). A request outlives its connection until its handler answers. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "base/ip.h"
#include "http/buffer.h"
#include "http/head.h"
#include "http/server.h"
#include "http/tls.h"

/* So much of an answer is handed to the kernel and not gone yet: then it waits. */
#define WR_HTTP_UNSENT (128 << 10)
/* One piece of an answer: what a TLS record holds. */
#define WR_HTTP_PIECE (16 << 10)
/* So much that came waits to be looked at: then no more is read. */
#define WR_HTTP_UNREAD (64 << 10)
/* Of one stream of events: more means that its reader is too slow. */
#define WR_HTTP_STREAM_WAITS (256 << 10)
/* Streams of events at one time. */
#define WR_HTTP_STREAMS 1000
/* Bodies of all requests that are not answered, and those from one address: more are asked to
 * come back (503). */
#define WR_HTTP_BODIES ((size_t)128 << 20)
#define WR_HTTP_BODIES_SHARE ((size_t)32 << 20)
/* Requests of one HTTP/2 connection at one time, and those that it may give up while they are
 * answered (CVE-2023-44487). */
#define WR_HTTP_CONCURRENT 16
#define WR_HTTP_ABANDONED 200
/* A body comes at this rate at least, beside the time that every request has. */
#define WR_HTTP_BODY_RATE 4096
/* After the last byte of an answer, what still comes is read away for so long, or the
 * kernel would take the answer back (RFC 9112 section 9.6). */
#define WR_HTTP_LINGER_MS 2000

/* WebSockets at one time, where the configuration does not say. */
#define WR_HTTP_WEBSOCKETS 50000

struct wr_http_connection;
struct wr_websocket;

struct wr_http_stream {
	void (*ended)(void *context);
	void *context;
};

struct wr_http_request {
	struct wr_http_server *server;         /* NULL when the connection has gone */
	struct wr_http_connection *connection; /* the same */
	struct wr_http_request *next, *prev;   /* of the connection */
	int32_t number;                        /* HTTP/2: the stream's */
	struct wr_http_head head;
	struct wr_buffer body;
	struct wr_ip remote;
	uid_t uid;
	bool is_unix, is_secure;
	bool is_whole;    /* the handler has it */
	bool is_answered; /* by a response or a stream */
	bool is_streamed;
	uint64_t deadline; /* uv_now() by when it must be whole */

	/* The answer. */
	unsigned status;
	struct wr_buffer fields; /* "name: value\r\n" */
	struct wr_buffer out;    /* of its body, what was not sent yet */
	size_t out_len;          /* of the whole body; of no meaning for a stream */
	bool has_body;           /* a content type was given */
	bool is_complete;        /* no more will be added to `out` */
	struct wr_http_stream stream;
};

/* What HTTP/1.1 and HTTP/2 each do their way. */
struct wr_http_protocol {
	/* NULL where memory is short. */
	void *(*open)(struct wr_http_connection *connection);
	void (*free)(void *state);
	/* Looks at connection->in. */
	void (*read)(struct wr_http_connection *connection);
	/* Sends what there is, up to WR_HTTP_UNSENT. */
	void (*write)(struct wr_http_connection *connection);
	/* A request was answered, or has more to send. */
	void (*answer)(struct wr_http_request *request);
	void (*resume)(struct wr_http_request *request);
	/* No more requests; says so to the other side where it can. */
	void (*retire)(struct wr_http_connection *connection);
	/* A request did not come in time. */
	void (*expire)(struct wr_http_request *request);
};
extern const struct wr_http_protocol wr_http1, wr_http2, wr_http_websocket;

struct wr_http_connection {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	};
	uv_shutdown_t shutdown;
	struct wr_http_server *server;
	struct wr_http_connection *next, *prev;
	const struct wr_http_protocol *protocol; /* NULL until it is known */
	void *state;                             /* the protocol's */
	struct wr_websocket *upgrade;            /* takes over with the next turn; else NULL */
	struct wr_http_connection *due_next, *due_prev; /* while it is due */
	struct wr_tls *tls;                             /* NULL: in the clear */
	struct wr_buffer in;
	struct wr_http_request *requests;
	unsigned abandoned;
	struct wr_ip remote; /* family none: Unix socket */
	uid_t uid;
	bool is_unix;
	size_t unsent;           /* bytes with the kernel or libuv */
	uint64_t deadline;       /* uv_now(); 0: none: to say something at all */
	uint64_t write_deadline; /* the same, to take what is unsent */
	bool is_turning, turns_again;
	bool is_due; /* a turn soon */
	bool is_reading;
	bool has_ended;   /* the other side will say no more */
	bool has_more;    /* TLS holds bytes that had no room in `in` */
	bool is_ending;   /* no more requests; ends when all is answered */
	bool is_shut;     /* all is answered, what comes is thrown away */
	bool is_said;     /* all is sent too */
	bool is_upgraded; /* counts as a WebSocket */
	bool is_held;     /* a WebSocket says when it is over */
};

struct wr_http_listener {
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	};
	struct wr_http_server *server; /* NULL: not open */
};

struct wr_http_server {
	uv_loop_t *loop;
	struct wr_http_config config;
	char *cert_file, *key_file, *unix_path;
	struct wr_http_listener tcp, pipe;
	SSL_CTX *tls; /* NULL: in the clear */
	uv_timer_t timer;
	uv_idle_t idle; /* runs while some are due */
	struct wr_http_connection *connections, *websockets;
	struct wr_http_connection *due, *turning;
	unsigned tcp_count, unix_count, stream_count, websocket_count;
	size_t body_len;  /* of all that came in and is not answered */
	unsigned handles; /* of the server itself, not closed yet */
	bool is_closing;
	uint64_t close_deadline;
	void (*closed)(void *context);
	void *closed_context;
	uint8_t piece[WR_HTTP_UNREAD]; /* for one read or write at a time */
};

/* --- server.c --- */
/* Something of the server has closed: was it the last? */
void wr_server_look_closed(struct wr_http_server *server);
/* Connections are due: they have their turns in the loop's next round. */
void wr_server_wake(struct wr_http_server *server);
uint64_t wr_server_after(const struct wr_http_server *server, unsigned seconds);
/* There is a connection: looks from now on, until there is none, whether something is late. */
void wr_server_watch_time(struct wr_http_server *server);

/* --- listener.c --- */
int wr_listener_open_tcp(struct wr_http_server *server, const char *address) WR_MUST_CHECK;
int wr_listener_open_unix(struct wr_http_server *server) WR_MUST_CHECK;
void wr_listener_close(struct wr_http_listener *listener);
uint16_t wr_listener_port(const struct wr_http_listener *listener);

/* --- arrival.c --- */
/* Takes the next connection that waits. */
void wr_connection_accept(struct wr_http_listener *listener);
/* Bytes of bodies that came from its address (IPv6: /64), or over the Unix socket. */
size_t wr_connection_share(const struct wr_http_connection *connection);

/* --- connection_lists.c --- */
/* Into the server's list of connections, or of WebSockets, and out of it. */
void wr_connection_link_in(struct wr_http_connection *connection);
void wr_connection_link_out(struct wr_http_connection *connection);
/* In the loop's next round: for who must not be called back before he has returned. */
void wr_connection_turn_soon(struct wr_http_connection *connection);
/* It goes. */
void wr_connection_take_from_due(struct wr_http_connection *connection);
/* Those who asked for it have their turns. */
void wr_connection_turn_due(struct wr_http_server *server);

/* --- connection.c --- */
/* The request becomes a WebSocket: the connection is its, from the next turn on. */
void wr_connection_upgrade(struct wr_http_connection *connection, struct wr_websocket *websocket);
/* The WebSocket is over: says goodbye and closes. */
void wr_connection_release(struct wr_http_connection *connection);
void wr_connection_turn(struct wr_http_connection *connection);
/* Sends now; at most WR_HTTP_PIECE. What fails ends the connection. */
void wr_connection_send(struct wr_http_connection *connection, const uint8_t *data, size_t len);
/* No more requests; it closes when those there are have been answered. */
void wr_connection_end(struct wr_http_connection *connection);
/* At once. */
void wr_connection_close(struct wr_http_connection *connection);
/* The timer: closes what has taken too long. */
void wr_connection_tick(struct wr_http_connection *connection);
static inline bool wr_connection_has_room(const struct wr_http_connection *connection)
{
	return connection->unsent < WR_HTTP_UNSENT && !uv_is_closing(&connection->handle);
}

/* --- request.c --- */
/* NULL where memory is short. */
struct wr_http_request *wr_request_new(struct wr_http_connection *connection);
/* All of its head has come. */
void wr_request_head_done(struct wr_http_request *request);
/* More of its body; sets the head's fault where it is too much. */
void wr_request_body(struct wr_http_request *request, const uint8_t *data, size_t len);
/* It is whole: to the handler, or the answer to its fault. */
void wr_request_handle(struct wr_http_request *request);
/* Its answer has been sent. */
void wr_request_free(struct wr_http_request *request);
/* The other side has gone: told to a stream; left to its handler if that has not answered. */
void wr_request_abandon(struct wr_http_request *request);
/* The server ends it, if it is a stream. */
void wr_request_end_stream(struct wr_http_request *request);
