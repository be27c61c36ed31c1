#include "http/head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/key.h"
#include "http/text.h"

/* How several headers of one name are joined (RFC 9110 section 5.3, RFC 9113 section
 * 8.2.3 for cookies); NULL: there may be one only. */
static const struct {
	const char *name;
	const char *joint;
} kept[WR_KEPT_COUNT] = {
	[WR_KEPT_HOST] = { "host", NULL },
	[WR_KEPT_COOKIE] = { "cookie", "; " },
	[WR_KEPT_AUTHORIZATION] = { "authorization", NULL },
	[WR_KEPT_CONTENT_TYPE] = { "content-type", NULL },
	[WR_KEPT_ACCEPT] = { "accept", ", " },
	[WR_KEPT_IF_MATCH] = { "if-match", ", " },
	[WR_KEPT_IF_NONE_MATCH] = { "if-none-match", ", " },
	[WR_KEPT_ORIGIN] = { "origin", NULL },
	[WR_KEPT_REFERER] = { "referer", NULL },
	[WR_KEPT_USER_AGENT] = { "user-agent", NULL },
	[WR_KEPT_X_CSRF_TOKEN] = { "x-csrf-token", NULL },
	[WR_KEPT_X_REQUEST_ID] = { "x-request-id", NULL },
	[WR_KEPT_LAST_EVENT_ID] = { "last-event-id", NULL },
	[WR_KEPT_SEC_FETCH_SITE] = { "sec-fetch-site", NULL },
	[WR_KEPT_EXPECT] = { "expect", NULL },
	[WR_KEPT_X_FORWARDED_FOR] = { "x-forwarded-for", ", " },
	[WR_KEPT_X_FORWARDED_PROTO] = { "x-forwarded-proto", ", " },
	[WR_KEPT_CONNECTION] = { "connection", ", " },
	[WR_KEPT_UPGRADE] = { "upgrade", ", " },
	[WR_KEPT_WEBSOCKET_KEY] = { "sec-websocket-key", NULL },
	[WR_KEPT_WEBSOCKET_VERSION] = { "sec-websocket-version", NULL },
	[WR_KEPT_WEBSOCKET_PROTOCOL] = { "sec-websocket-protocol", ", " },
};

void wr_head_fault(struct wr_http_head *head, unsigned status)
{
	if (!head->fault)
		head->fault = status;
}

void wr_head_method(struct wr_http_head *head, const char *text, size_t len)
{
	static const char *const names[] = {
		[WR_HTTP_GET] = "GET",         [WR_HTTP_HEAD] = "HEAD",
		[WR_HTTP_POST] = "POST",       [WR_HTTP_PUT] = "PUT",
		[WR_HTTP_PATCH] = "PATCH",     [WR_HTTP_DELETE] = "DELETE",
		[WR_HTTP_OPTIONS] = "OPTIONS",
	};

	head->method = WR_HTTP_OTHER;
	for (unsigned i = 0; i < WR_ARRAY_LEN(names); i++) {
		if (strlen(names[i]) == len && memcmp(names[i], text, len) == 0)
			head->method = (enum wr_http_method)i;
	}
}

/* RFC 9112 section 3.2.2: from "http://example.com/path?query" on '/'. */
static const char *origin_of(const char *text, size_t *len)
{
	const char *start = NULL;
	size_t rest;

	if (*len && text[0] == '/')
		return text;
	if (*len > 7 && strncasecmp(text, "http://", 7) == 0)
		start = text + 7;
	else if (*len > 8 && strncasecmp(text, "https://", 8) == 0)
		start = text + 8;
	if (!start)
		return NULL;
	rest = *len - (size_t)(start - text);
	text = memchr(start, '/', rest);
	if (text)
		*len = rest - (size_t)(text - start);
	return text;
}

/* Printable ASCII; what else there is comes percent-encoded (RFC 3986). A fragment is no
 * part of a request. */
static bool is_target(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c <= 0x20 || c >= 0x7f || c == '#')
			return false;
	}
	return true;
}

void wr_head_target(struct wr_http_head *head, const char *text, size_t len)
{
	const char *origin = origin_of(text, &len);
	const char *mark;

	if (len > WR_HEAD_TARGET_LEN) {
		wr_head_fault(head, 414);
	} else if (!origin || head->path || !is_target(origin, len)) {
		wr_head_fault(head, 400);
	} else {
		mark = memchr(origin, '?', len);
		head->path = strndup(origin, mark ? (size_t)(mark - origin) : len);
		head->query = mark ? strndup(mark + 1, len - (size_t)(mark + 1 - origin))
				   : strdup("");
		if (!head->path || !head->query)
			wr_head_fault(head, 503);
	}
}

static char *join(const char *old, const char *joint, const char *value, size_t len)
{
	size_t old_len = strlen(old), joint_len = strlen(joint);
	char *joined = malloc(old_len + joint_len + len + 1);

	if (!joined)
		return NULL;
	memcpy(joined, old, old_len);
	memcpy(joined + old_len, joint, joint_len);
	memcpy(joined + old_len + joint_len, value, len);
	joined[old_len + joint_len + len] = '\0';
	return joined;
}

static void wipe_and_free(char *text)
{
	if (text)
		wr_wipe(text, strlen(text));
	free(text);
}

static void keep(struct wr_http_head *head, unsigned which, const char *value, size_t len)
{
	char *old = head->values[which];
	char *text;

	if (old && !kept[which].joint) {
		wr_head_fault(head, 400);
		return;
	}
	text = old ? join(old, kept[which].joint, value, len) : strndup(value, len);
	if (!text) {
		wr_head_fault(head, 503);
		return;
	}
	wipe_and_free(old);
	head->values[which] = text;
}

static bool is_named(const char *name, size_t len, const char *other)
{
	return strlen(other) == len && strncasecmp(name, other, len) == 0;
}

void wr_head_field(struct wr_http_head *head, const char *name, size_t name_len, const char *value,
		   size_t value_len)
{
	while (value_len && (value[value_len - 1] == ' ' || value[value_len - 1] == '\t'))
		value_len--;
	head->len += name_len + value_len;
	if (head->len > WR_HEAD_LEN || ++head->fields > WR_HEAD_FIELDS) {
		wr_head_fault(head, 431);
	} else if (!wr_http_is_token(name, name_len) || !wr_http_is_value(value, value_len)) {
		wr_head_fault(head, 400);
	} else {
		for (unsigned i = 0; i < WR_KEPT_COUNT; i++) {
			if (is_named(name, name_len, kept[i].name))
				keep(head, i, value, value_len);
		}
	}
}

void wr_head_check(struct wr_http_head *head)
{
	const char *expect = head->values[WR_KEPT_EXPECT];

	if (!head->path)
		wr_head_fault(head, 400);
	if (expect && strcasecmp(expect, "100-continue") != 0)
		wr_head_fault(head, 417);
}

const char *wr_head_value(const struct wr_http_head *head, const char *name)
{
	for (unsigned i = 0; i < WR_KEPT_PUBLIC; i++) {
		if (strcmp(name, kept[i].name) == 0)
			return head->values[i];
	}
	return NULL;
}

void wr_head_done(struct wr_http_head *head)
{
	for (unsigned i = 0; i < WR_KEPT_COUNT; i++)
		wipe_and_free(head->values[i]);
	free(head->path);
	wipe_and_free(head->query);
	*head = (struct wr_http_head){ 0 };
}
