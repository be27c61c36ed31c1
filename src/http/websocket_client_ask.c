/* The request, and the answer to it. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <http_parser.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/key.h"
#include "http/text.h"
#include "http/trust.h"
#include "http/websocket_client.h"

/* An answer's head: more is none of ours. */
#define HEAD_MAX 8192

/* --- The request. --- */

static bool print_field(struct wr_buffer *out, const char *name, const char *value)
{
	return wr_http_is_value(value, strlen(value)) &&
	       wr_buffer_print(out, "%s: %s\r\n", name, value);
}

static bool print_request(const struct wr_client *client, struct wr_buffer *out)
{
	return wr_buffer_print(out, "GET %s%s HTTP/1.1\r\n", client->url.prefix, client->path) &&
	       print_field(out, "host", client->url.host) &&
	       print_field(out, "user-agent", "warren") &&
	       print_field(out, "upgrade", "websocket") &&
	       print_field(out, "connection", "Upgrade") &&
	       print_field(out, "sec-websocket-version", "13") &&
	       print_field(out, "sec-websocket-key", client->key) &&
	       print_field(out, "sec-websocket-protocol", client->protocol) &&
	       (!client->authorization ||
		print_field(out, "authorization", client->authorization)) &&
	       wr_buffer_print(out, "\r\n");
}

void wr_client_ask(struct wr_client *client)
{
	struct wr_buffer out = { 0 };
	uint8_t random[16];

	client->phase = WR_CLIENT_ASKING;
	if (RAND_bytes(random, sizeof(random)) != 1) {
		wr_client_fail(client, "no random numbers");
		return;
	}
	EVP_EncodeBlock((unsigned char *)client->key, random, sizeof(random));
	if (print_request(client, &out))
		wr_client_send(client, out.data, out.len);
	else
		wr_client_fail(client, "the request cannot be written as HTTP");
	wr_buffer_done(&out);
	if (client->authorization)
		wr_wipe(client->authorization, strlen(client->authorization));
}

void wr_client_look_at_certificate(struct wr_client *client)
{
	char shown[WR_PIN_LEN + 1];
	char why[WR_WHY_LEN];

	if (wr_trust_check(client->tls, client->url.host, client->pin[0] ? client->pin : NULL,
			   shown, why))
		wr_client_fail(client, "%s", why);
	else
		wr_client_ask(client);
}

/* --- The answer to the request. --- */

struct answer {
	const char *name;
	size_t name_len;
	const char *accept;
	bool is_accepted, is_upgraded, has_protocol;
	const char *protocol;
};

static int on_field(http_parser *parser, const char *data, size_t len)
{
	struct answer *answer = parser->data;

	answer->name = data;
	answer->name_len = len;
	return 0;
}

static bool is_text(const char *data, size_t len, const char *text)
{
	return strlen(text) == len && strncasecmp(data, text, len) == 0;
}

static int on_value(http_parser *parser, const char *data, size_t len)
{
	struct answer *answer = parser->data;

	if (is_text(answer->name, answer->name_len, "upgrade"))
		answer->is_upgraded = is_text(data, len, "websocket");
	else if (is_text(answer->name, answer->name_len, "sec-websocket-accept"))
		answer->is_accepted = strlen(answer->accept) == len &&
				      memcmp(answer->accept, data, len) == 0;
	else if (is_text(answer->name, answer->name_len, "sec-websocket-protocol"))
		answer->has_protocol = is_text(data, len, answer->protocol);
	return 0;
}

static int on_head(http_parser *parser)
{
	(void)parser;
	return 1; /* no body */
}

static const http_parser_settings settings = {
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_head,
};

/* RFC 6455 section 4.1. */
static void judge_answer(struct wr_client *client, size_t len)
{
	char accept[WR_WEBSOCKET_ACCEPT_LEN + 1];
	struct answer answer = { .accept = accept, .protocol = client->protocol };
	http_parser parser;
	size_t read;

	wr_websocket_answer_key(client->key, accept);
	http_parser_init(&parser, HTTP_RESPONSE);
	parser.data = &answer;
	read = http_parser_execute(&parser, &settings, (const char *)client->head.data, len);
	if (read != len || HTTP_PARSER_ERRNO(&parser) != HPE_OK) {
		wr_client_fail(client, "%s: what answers is no HTTP server", client->url.host);
	} else if (parser.status_code != 101) {
		client->status = parser.status_code;
		wr_client_fail(client, "%s answered %u %s", client->url.host, parser.status_code,
			       wr_http_reason(parser.status_code));
	} else if (!answer.is_upgraded || !answer.is_accepted || !answer.has_protocol) {
		wr_client_fail(client, "%s: what answers does not speak %s", client->url.host,
			       client->protocol);
	}
}

static void open_up(struct wr_client *client)
{
	struct wr_websocket *websocket = client->websocket;

	client->phase = WR_CLIENT_OPEN;
	websocket->is_open = true;
	wr_client_watch(client);
	websocket->handlers.opened(websocket->context);
}

void wr_client_read_answer(struct wr_client *client, const uint8_t *data, size_t len)
{
	struct wr_buffer *head = &client->head;
	const uint8_t *end;
	size_t head_len;

	if (!wr_buffer_add(head, data, len)) {
		wr_client_fail(client, "out of memory");
		return;
	}
	end = memmem(head->data, head->len, "\r\n\r\n", 4);
	if (!end && head->len > HEAD_MAX)
		wr_client_fail(client, "%s: what answers is no HTTP server", client->url.host);
	if (!end)
		return;
	head_len = (size_t)(end - head->data) + 4;
	judge_answer(client, head_len);
	if (client->phase == WR_CLIENT_ENDING)
		return;
	open_up(client);
	wr_buffer_take(head, head_len);
	if (head->len)
		wr_client_take(client, head->data, head->len);
	if (client->phase != WR_CLIENT_ENDING)
		wr_buffer_done(head);
}
