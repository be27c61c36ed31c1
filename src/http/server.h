/* Serves HTTP/1.1 and HTTP/2, in the clear, over TLS and over a Unix socket, on a
 * libuv loop: whole requests in, whole responses or streams of events out.
 *
 * Floor 7.  On the thread of its loop. Knows nothing of what it serves. Everything a
 * stranger can make large has a limit below.  http-parser and nghttp2 read and write the
 * protocols, OpenSSL does TLS, libuv the sockets. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "base/ip.h"

enum wr_http_method {
	WR_HTTP_GET,
	WR_HTTP_HEAD,
	WR_HTTP_POST,
	WR_HTTP_PUT,
	WR_HTTP_PATCH,
	WR_HTTP_DELETE,
	WR_HTTP_OPTIONS,
	WR_HTTP_OTHER
};

struct wr_http_server;

/* One request, from the handler's call until its answer is sent; whose other side may
 * have gone meanwhile, which does not matter to the handler. */
struct wr_http_request;

struct wr_http_limits {
	size_t body_bytes;     /* more: 413 */
	unsigned connections;  /* more: the newest is closed */
	unsigned per_address;  /* connections of one address (IPv6: /64) */
	unsigned idle_seconds; /* without a request, or within one */
	unsigned websockets;   /* that are open; they do not count above. 0: 50,000 */
};

struct wr_http_config {
	const char *listen;               /* "0.0.0.0:8443", "[::]:8443"; NULL: none */
	const char *cert_file, *key_file; /* PEM; NULL: in the clear */
	const char *unix_path;            /* mode 0600; replaced if it is there; NULL: none */
	bool trusts_proxy; /* the peer is a proxy: X-Forwarded-For and -Proto count */
	struct wr_http_limits limits;
	/* Called with a whole request; must answer it, now or later, exactly once. */
	void (*handle)(void *context, struct wr_http_request *request);
	void *context;
};

/* 0 or a negative errno (an address in use, an unreadable certificate), and a log line. */
int wr_http_server_open(uv_loop_t *loop, const struct wr_http_config *config,
			struct wr_http_server **ret_server) WR_MUST_CHECK;
/* Stops listening, lets answers under way go out for at most `grace`, then calls back. */
void wr_http_server_close(struct wr_http_server *server, struct wr_span grace,
			  void (*closed)(void *context), void *context);
/* The port that is listened on (for port 0 in `listen`). */
uint16_t wr_http_server_port(const struct wr_http_server *server);
/* Reads the certificate files again; 0 or a negative errno, then the old one stays. */
int wr_http_server_reload(struct wr_http_server *server) WR_MUST_CHECK;

/* --- A request. Texts are the request's, until it is answered. --- */
enum wr_http_method wr_http_method(const struct wr_http_request *request);
/* Percent-encoded as it came, without the query; begins with '/'. */
const char *wr_http_path(const struct wr_http_request *request);
/* What follows '?', or "". */
const char *wr_http_query(const struct wr_http_request *request);
/* By lower-case name; NULL if there is none. Kept are: host, cookie, authorization,
 * content-type, accept, if-match, if-none-match, origin, referer, user-agent,
 * x-csrf-token, x-request-id, last-event-id, sec-fetch-site. */
const char *wr_http_header(const struct wr_http_request *request, const char *name);
struct wr_bytes wr_http_body(const struct wr_http_request *request);
/* Who asks; family none over the Unix socket. */
const struct wr_ip *wr_http_remote(const struct wr_http_request *request);
bool wr_http_is_unix(const struct wr_http_request *request);
/* Over the Unix socket: whose process asks. */
uid_t wr_http_uid(const struct wr_http_request *request);
/* The way to the user is encrypted (TLS here, or at a trusted proxy). */
bool wr_http_is_secure(const struct wr_http_request *request);

struct wr_http_field {
	const char *name, *value;
};

struct wr_http_response {
	unsigned status;
	const char *content_type;           /* NULL: no body */
	struct wr_bytes body;               /* copied */
	const struct wr_http_field *fields; /* further headers; copied */
	size_t field_count;
};

/* Answers, and ends the request: do not use it any more. */
void wr_http_respond(struct wr_http_request *request, const struct wr_http_response *response);

/* --- A stream of events (text/event-stream) instead of a response. --- */
struct wr_http_stream;
/* `ended` is called once, when the other side or the server ends it (not after
 * wr_http_stream_end(), and never before this has returned); the stream is gone then.
 * NULL where there are too many: answer the request in another way. */
struct wr_http_stream *wr_http_stream_begin(struct wr_http_request *request,
					    void (*ended)(void *context), void *context);
/* Sends text as it is. False if so much waits that the reader is too slow: end it. */
bool wr_http_stream_send(struct wr_http_stream *stream, const char *text, size_t len);
void wr_http_stream_end(struct wr_http_stream *stream);

/* --- Texts of HTTP. --- */
/* Decodes percent-encoding in place; false if it is wrong or holds a NUL. */
bool wr_http_unescape(char *text) WR_MUST_CHECK;
/* The value of `name` in "a=1&b=2", decoded, as a new string; NULL if there is none. */
char *wr_http_query_value(const char *query, const char *name);
