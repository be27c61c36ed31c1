/* What stands before the body of a request: method, target and the headers that are kept,
 * whichever version of HTTP brought them.
 *
 * Floor 7.  One thread. All zero is an empty one. Source: RFC 9110, RFC 9112. */
#pragma once

#include "base/base.h"
#include "http/server.h"

/* The target's, and those of all headers, names included. Servers commonly take 8 KiB of
 * target and 8 to 32 KiB of headers (nginx: large_client_header_buffers 4 8k). */
#define WR_HEAD_TARGET_LEN 8192
#define WR_HEAD_LEN 16384
#define WR_HEAD_FIELDS 100

enum wr_http_kept {
	WR_KEPT_HOST,
	WR_KEPT_COOKIE,
	WR_KEPT_AUTHORIZATION,
	WR_KEPT_CONTENT_TYPE,
	WR_KEPT_ACCEPT,
	WR_KEPT_IF_MATCH,
	WR_KEPT_IF_NONE_MATCH,
	WR_KEPT_ORIGIN,
	WR_KEPT_REFERER,
	WR_KEPT_USER_AGENT,
	WR_KEPT_X_CSRF_TOKEN,
	WR_KEPT_X_REQUEST_ID,
	WR_KEPT_LAST_EVENT_ID,
	WR_KEPT_SEC_FETCH_SITE,
	WR_KEPT_PUBLIC, /* the rest is the server's own */
	WR_KEPT_EXPECT = WR_KEPT_PUBLIC,
	WR_KEPT_X_FORWARDED_FOR,
	WR_KEPT_X_FORWARDED_PROTO,
	WR_KEPT_CONNECTION,
	WR_KEPT_UPGRADE,
	WR_KEPT_WEBSOCKET_KEY,
	WR_KEPT_WEBSOCKET_VERSION,
	WR_KEPT_WEBSOCKET_PROTOCOL,
	WR_KEPT_COUNT
};

struct wr_http_head {
	enum wr_http_method method;
	char *path, *query; /* NULL until the target came */
	char *values[WR_KEPT_COUNT];
	size_t len;
	unsigned fields;
	unsigned fault; /* the status that is the answer to it; 0: none. The first one stays */
};

/* Each leaves the head as it was and sets its fault, where what came is wrong or too much. */
void wr_head_method(struct wr_http_head *head, const char *text, size_t len);
/* Origin form, or absolute form, of which scheme and authority are left out. */
void wr_head_target(struct wr_http_head *head, const char *text, size_t len);
void wr_head_field(struct wr_http_head *head, const char *name, size_t name_len, const char *value,
		   size_t value_len);
/* All has come: what must be there is there. */
void wr_head_check(struct wr_http_head *head);
void wr_head_fault(struct wr_http_head *head, unsigned status);
/* NULL if there is none, or if it is none that is kept for handlers. */
const char *wr_head_value(const struct wr_http_head *head, const char *name);
void wr_head_done(struct wr_http_head *head);
