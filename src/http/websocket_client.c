/* The client's end: name, address, TLS, request; then it carries a WebSocket. Each step ends in
 * the next, or in fail(); the end is the callbacks of uv_close(). */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <http_parser.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/key.h"
#include "http/address.h"
#include "http/text.h"
#include "http/tls.h"
#include "http/trust.h"
#include "http/url.h"
#include "http/websocket_state.h"

/* An answer's head: more is none of ours. */
#define HEAD_MAX 8192
/* What is made and not gone: then it waits. */
#define UNSENT (128 << 10)
#define PIECE (16 << 10)
/* An address that does not answer, where there are others: RFC 8305 would try them at the same
 * time; a server has two at most. */
#define ATTEMPT_MS 4000
/* As the server's end has it: who is silent is asked, and given up (RFC 5482). */
#define KEEPALIVE_SECONDS 60
#define DEAD_MS 120000

enum phase {
	LOOKING,
	CONNECTING,
	SHAKING, /* hands: TLS */
	ASKING,
	OPEN,
	ENDING
};

/* Outlives the client, if that ends first: a look-up cannot be stopped. */
struct lookup {
	uv_getaddrinfo_t request;
	struct client *client; /* NULL: not wanted any more */
};

struct client {
	struct wr_websocket *websocket;
	uv_loop_t *loop;
	enum phase phase;
	struct wr_url url;
	char *path, *protocol, *authorization;
	char pin[WR_PIN_LEN + 1]; /* "": the system's authorities decide */
	uint32_t mark;
	SSL_CTX *context;
	uint64_t deadline; /* uv_now() by when it is open */

	struct lookup *lookup;
	struct addrinfo *found, *next;
	uv_connect_t connect;
	uv_tcp_t tcp;
	uv_timer_t timer;
	bool has_tcp;
	unsigned handles; /* not closed yet */

	struct wr_tls *tls;
	char key[WR_WEBSOCKET_KEY_LEN + 1];
	struct wr_buffer head;
	unsigned status; /* of a refusal */
	size_t unsent;
	bool is_reading;
};

struct write {
	uv_write_t request;
	struct client *client;
	size_t len;
	uint8_t data[];
};

/* --- The end. --- */

static void wipe_and_free(char *text)
{
	if (text)
		wr_wipe(text, strlen(text));
	free(text);
}

static struct client *client_free(struct client *client)
{
	if (!client)
		return NULL;
	if (client->found)
		uv_freeaddrinfo(client->found);
	wr_tls_free(client->tls);
	SSL_CTX_free(client->context);
	wr_buffer_done(&client->head);
	free(client->path);
	free(client->protocol);
	wipe_and_free(client->authorization);
	free(client);
	return NULL;
}

static void look_gone(struct client *client)
{
	struct wr_websocket *websocket = client->websocket;
	unsigned status = client->status;

	if (client->handles)
		return;
	client_free(client);
	wr_websocket_gone(websocket, status);
}

static void on_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;

	client->handles--;
	look_gone(client);
}

static void end(struct client *client)
{
	if (client->phase == ENDING)
		return;
	client->phase = ENDING;
	client->websocket->is_open = false;
	if (client->lookup) {
		client->lookup->client = NULL;
		uv_cancel((uv_req_t *)&client->lookup->request);
		client->lookup = NULL;
	}
	if (client->has_tcp && !uv_is_closing((uv_handle_t *)&client->tcp))
		uv_close((uv_handle_t *)&client->tcp, on_closed);
	uv_close((uv_handle_t *)&client->timer, on_closed);
}

static void fail(struct client *client, const char *format, ...) WR_PRINTF(2, 3);
static void fail(struct client *client, const char *format, ...)
{
	char text[WR_WEBSOCKET_WHY_LEN];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	wr_websocket_say_why(client->websocket, "%s", text);
	end(client);
}

/* --- Sending. --- */

static void write_frames(struct wr_websocket *websocket);
static void read_on(struct client *client);

static void on_written(uv_write_t *request, int status)
{
	struct write *write = WR_CONTAINER_OF(request, struct write, request);
	struct client *client = write->client;

	client->unsent -= write->len;
	wr_wipe(write->data, write->len);
	free(write);
	if (client->phase == ENDING)
		return;
	if (status < 0)
		fail(client, "%s: %s", client->url.host, uv_strerror(status));
	else if (client->phase == OPEN)
		write_frames(client->websocket);
	if (client->phase == OPEN)
		read_on(client);
}

static void send_raw(struct client *client, const uint8_t *data, size_t len)
{
	struct write *write = malloc(sizeof(*write) + len);

	if (!write) {
		fail(client, "out of memory");
		return;
	}
	memcpy(write->data, data, len);
	write->client = client;
	write->len = len;
	if (uv_write(&write->request, (uv_stream_t *)&client->tcp,
		     &(uv_buf_t){ (char *)write->data, len }, 1, on_written) < 0) {
		free(write);
		fail(client, "the connection was cut");
		return;
	}
	client->unsent += len;
}

static void flush_tls(struct client *client)
{
	uint8_t piece[PIECE];
	size_t len;

	while (client->phase != ENDING && (len = wr_tls_take(client->tls, piece, sizeof(piece))))
		send_raw(client, piece, len);
}

static void send_bytes(struct client *client, const uint8_t *data, size_t len)
{
	if (!client->tls)
		send_raw(client, data, len);
	else if (wr_tls_write(client->tls, data, len))
		flush_tls(client);
	else
		fail(client, "TLS: cannot send");
}

static void write_frames(struct wr_websocket *websocket)
{
	struct client *client = websocket->carried;
	uint8_t piece[PIECE];
	size_t len = 1;

	while (len && client->phase == OPEN && client->unsent < UNSENT) {
		len = wr_websocket_make(websocket, piece, sizeof(piece));
		if (len)
			send_bytes(client, piece, len);
	}
	if (client->phase != OPEN)
		return;
	if (websocket->is_broken || (wr_websocket_is_done(websocket) && !client->unsent))
		end(client);
}

/* --- Time. --- */

static void on_time(uv_timer_t *timer);

/* Nothing came for too long, or the goodbye took too long. */
static void on_silence(uv_timer_t *timer)
{
	struct client *client = timer->data;

	client->websocket->is_idle = !client->websocket->is_closing;
	end(client);
}

static void watch(struct client *client)
{
	unsigned seconds = client->websocket->limits.idle_seconds;

	if (client->websocket->is_closing)
		return;
	if (seconds)
		uv_timer_start(&client->timer, on_silence, (uint64_t)seconds * 1000, 0);
	else
		uv_timer_stop(&client->timer);
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
static void judge_answer(struct client *client, size_t len)
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
		fail(client, "%s: what answers is no HTTP server", client->url.host);
	} else if (parser.status_code != 101) {
		client->status = parser.status_code;
		fail(client, "%s answered %u %s", client->url.host, parser.status_code,
		     wr_http_reason(parser.status_code));
	} else if (!answer.is_upgraded || !answer.is_accepted || !answer.has_protocol) {
		fail(client, "%s: what answers does not speak %s", client->url.host,
		     client->protocol);
	}
}

static void on_bytes(struct client *client, const uint8_t *data, size_t len);

static void open_up(struct client *client)
{
	struct wr_websocket *websocket = client->websocket;

	client->phase = OPEN;
	websocket->is_open = true;
	watch(client);
	websocket->handlers.opened(websocket->context);
}

static void read_answer(struct client *client, const uint8_t *data, size_t len)
{
	struct wr_buffer *head = &client->head;
	const uint8_t *end;
	size_t head_len;

	if (!wr_buffer_add(head, data, len)) {
		fail(client, "out of memory");
		return;
	}
	end = memmem(head->data, head->len, "\r\n\r\n", 4);
	if (!end && head->len > HEAD_MAX)
		fail(client, "%s: what answers is no HTTP server", client->url.host);
	if (!end)
		return;
	head_len = (size_t)(end - head->data) + 4;
	judge_answer(client, head_len);
	if (client->phase == ENDING)
		return;
	open_up(client);
	wr_buffer_take(head, head_len);
	if (head->len)
		on_bytes(client, head->data, head->len);
	if (client->phase != ENDING)
		wr_buffer_done(head);
}

/* --- Receiving. --- */

static void on_bytes(struct client *client, const uint8_t *data, size_t len)
{
	if (client->phase == ASKING) {
		read_answer(client, data, len);
	} else if (client->phase == OPEN) {
		watch(client);
		wr_websocket_take(client->websocket, data, len);
		write_frames(client->websocket);
	}
}

static bool print_field(struct wr_buffer *out, const char *name, const char *value)
{
	return wr_http_is_value(value, strlen(value)) &&
	       wr_buffer_print(out, "%s: %s\r\n", name, value);
}

static bool print_request(const struct client *client, struct wr_buffer *out)
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

static void ask(struct client *client)
{
	struct wr_buffer out = { 0 };
	uint8_t random[16];

	client->phase = ASKING;
	if (RAND_bytes(random, sizeof(random)) != 1) {
		fail(client, "no random numbers");
		return;
	}
	EVP_EncodeBlock((unsigned char *)client->key, random, sizeof(random));
	if (print_request(client, &out))
		send_bytes(client, out.data, out.len);
	else
		fail(client, "the request cannot be written as HTTP");
	wr_buffer_done(&out);
	if (client->authorization)
		wr_wipe(client->authorization, strlen(client->authorization));
}

static void look_at_certificate(struct client *client)
{
	char shown[WR_PIN_LEN + 1];
	char why[WR_WHY_LEN];

	if (wr_trust_check(client->tls, client->url.host, client->pin[0] ? client->pin : NULL,
			   shown, why))
		fail(client, "%s", why);
	else
		ask(client);
}

/* One piece of what TLS made readable; false: there is none now. */
static bool read_piece(struct client *client)
{
	uint8_t piece[PIECE];
	size_t len = 0;
	bool was_shaking = client->phase == SHAKING;
	enum wr_tls_result result = wr_tls_read(client->tls, piece, sizeof(piece), &len);

	flush_tls(client);
	if (was_shaking && client->phase == SHAKING && wr_tls_is_ready(client->tls))
		look_at_certificate(client);
	if (client->phase == ENDING)
		return false;
	if (result == WR_TLS_SOME)
		on_bytes(client, piece, len);
	else if (result == WR_TLS_END)
		fail(client, "%s hung up", client->url.host);
	else if (result == WR_TLS_BROKEN)
		fail(client, "TLS: %s speaks none, or none that we do too", client->url.host);
	return result == WR_TLS_SOME && client->phase != ENDING;
}

static void read_tls(struct client *client)
{
	while (!(client->phase == OPEN && wr_websocket_is_full(client->websocket)) &&
	       read_piece(client))
		;
}

/* The loop's one buffer would do; but this one is there for the time of a call only. */
static void on_room_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	(void)handle;
	(void)suggested;
	buffer->base = malloc(PIECE);
	buffer->len = buffer->base ? PIECE : 0;
}

static void take_raw(struct client *client, const uint8_t *data, size_t len)
{
	if (!client->tls)
		on_bytes(client, data, len);
	else if (wr_tls_feed(client->tls, data, len))
		read_tls(client);
	else
		fail(client, "out of memory");
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
	struct client *client = stream->data;

	if (len == UV_EOF)
		fail(client, "%s hung up", client->url.host);
	else if (len < 0)
		fail(client, "%s: %s", client->url.host, uv_strerror((int)len));
	else if (len > 0)
		take_raw(client, (const uint8_t *)buffer->base, (size_t)len);
	free(buffer->base);
	if (client->phase != ENDING)
		read_on(client);
}

/* Reads, or waits until what it has to say is gone. */
static void read_on(struct client *client)
{
	bool is_wanted = client->phase != OPEN || !wr_websocket_is_full(client->websocket);

	if (is_wanted && !client->is_reading && client->tls && client->phase == OPEN)
		read_tls(client);
	if (client->phase == ENDING || is_wanted == client->is_reading)
		return;
	client->is_reading = is_wanted;
	if (!is_wanted)
		uv_read_stop((uv_stream_t *)&client->tcp);
	else if (uv_read_start((uv_stream_t *)&client->tcp, on_room_wanted, on_read) < 0)
		fail(client, "the connection was cut");
}

/* --- Connecting. --- */

static void see_peer(struct client *client)
{
	struct sockaddr_storage address = { 0 };
	int len = sizeof(address);
	unsigned patience = DEAD_MS;
	int fd;

	if (uv_tcp_getpeername(&client->tcp, (struct sockaddr *)&address, &len) == 0)
		client->websocket->remote = wr_address_ip(&address);
	uv_tcp_nodelay(&client->tcp, 1);
	uv_tcp_keepalive(&client->tcp, 1, KEEPALIVE_SECONDS);
	if (uv_fileno((uv_handle_t *)&client->tcp, &fd) == 0)
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
}

/* Connected: the first bytes. */
static void begin(struct client *client)
{
	uint64_t now = uv_now(client->loop);

	see_peer(client);
	uv_timer_start(&client->timer, on_time, client->deadline > now ? client->deadline - now : 0,
		       0);
	if (!client->url.is_tls) {
		ask(client);
	} else {
		client->phase = SHAKING;
		client->tls = wr_tls_new(client->context, client->url.name);
		if (client->tls)
			read_tls(client);
		else
			fail(client, "out of memory");
	}
	if (client->phase != ENDING)
		read_on(client);
}

static void try_next(struct client *client);

static void on_attempt_closed(uv_handle_t *handle)
{
	struct client *client = handle->data;

	client->handles--;
	client->has_tcp = false;
	if (client->phase == ENDING)
		look_gone(client);
	else
		try_next(client);
}

/* With the next address, if there is one. */
static void give_up_attempt(struct client *client, int error)
{
	if (client->next)
		uv_close((uv_handle_t *)&client->tcp, on_attempt_closed);
	else
		fail(client, "%s: %s", client->url.host, uv_strerror(error));
}

static void on_connected(uv_connect_t *request, int status)
{
	struct client *client = request->data;

	/* It is being closed. */
	if (status == UV_ECANCELED || client->phase == ENDING)
		return;
	if (status < 0)
		give_up_attempt(client, status);
	else
		begin(client);
}

static void on_time(uv_timer_t *timer)
{
	struct client *client = timer->data;

	if (client->phase == CONNECTING && client->next &&
	    uv_now(client->loop) < client->deadline) {
		if (!uv_is_closing((uv_handle_t *)&client->tcp))
			give_up_attempt(client, UV_ETIMEDOUT);
	} else {
		fail(client, "%s: no answer in time", client->url.host);
	}
}

static int dial(struct client *client, const struct addrinfo *address)
{
	int status = uv_tcp_init_ex(client->loop, &client->tcp, (unsigned)address->ai_family);
	int fd;

	if (status)
		return status;
	client->has_tcp = true;
	client->handles++;
	client->tcp.data = client;
	client->connect.data = client;
	status = uv_fileno((uv_handle_t *)&client->tcp, &fd);
	if (!status && client->mark &&
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &client->mark, sizeof(client->mark)) < 0)
		status = -errno;
	return status ? status
		      : uv_tcp_connect(&client->connect, &client->tcp, address->ai_addr,
				       on_connected);
}

static void try_next(struct client *client)
{
	const struct addrinfo *address = client->next;
	uint64_t now = uv_now(client->loop);
	uint64_t left = client->deadline > now ? client->deadline - now : 0;
	int status;

	client->next = address->ai_next;
	client->phase = CONNECTING;
	if (client->next && left > ATTEMPT_MS)
		left = ATTEMPT_MS;
	uv_timer_start(&client->timer, on_time, left, 0);
	status = dial(client, address);
	if (status && client->has_tcp)
		give_up_attempt(client, status);
	else if (status)
		fail(client, "%s: %s", client->url.host, uv_strerror(status));
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
	struct lookup *lookup = WR_CONTAINER_OF(request, struct lookup, request);
	struct client *client = lookup->client;

	free(lookup);
	if (!client) {
		uv_freeaddrinfo(found);
		return;
	}
	client->lookup = NULL;
	client->found = client->next = found;
	if (status < 0 || !found)
		fail(client, "%s: %s", client->url.name,
		     status < 0 ? uv_strerror(status) : "no address");
	else
		try_next(client);
}

/* --- The beginning. --- */

static bool copy(const char *text, char **ret_copy)
{
	*ret_copy = text ? strdup(text) : NULL;
	return !text || *ret_copy;
}

static int fill(struct client *client, const struct wr_websocket_target *target)
{
	if (!wr_url_parse(target->url, &client->url) ||
	    (target->pin && strlen(target->pin) != WR_PIN_LEN))
		return -EINVAL;
	if (target->pin)
		strcpy(client->pin, target->pin);
	client->mark = target->mark;
	if (!copy(target->path, &client->path) || !copy(target->protocol, &client->protocol) ||
	    !copy(target->authorization, &client->authorization))
		return -ENOMEM;
	if (client->url.is_tls && target->tls) {
		client->context = target->tls;
		SSL_CTX_up_ref(client->context);
	} else if (client->url.is_tls) {
		client->context = wr_tls_client_context();
	}
	return client->url.is_tls && !client->context ? -ENOMEM : 0;
}

static int look_up(struct client *client)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG };
	struct lookup *lookup = calloc(1, sizeof(*lookup));
	int status;

	if (!lookup)
		return -ENOMEM;
	status = uv_getaddrinfo(client->loop, &lookup->request, on_found, client->url.name,
				client->url.port, &hints);
	if (status) {
		free(lookup);
		return status;
	}
	lookup->client = client;
	client->lookup = lookup;
	return 0;
}

/* --- As the carrier of a WebSocket. --- */

static size_t unsent(const struct wr_websocket *websocket)
{
	const struct client *client = websocket->carried;

	return client->unsent;
}

static void begin_closing(struct wr_websocket *websocket)
{
	struct client *client = websocket->carried;

	if (client->phase == OPEN)
		uv_timer_start(&client->timer, on_silence, WR_WEBSOCKET_GOODBYE_MS, 0);
	else
		end(client);
}

static bool local(const struct wr_websocket *websocket, struct sockaddr_storage *ret_address)
{
	const struct client *client = websocket->carried;
	int len = sizeof(*ret_address);

	return client->phase == OPEN &&
	       uv_tcp_getsockname(&client->tcp, (struct sockaddr *)ret_address, &len) == 0;
}

static const struct wr_websocket_carrier carrier = {
	.write = write_frames,
	.unsent = unsent,
	.closing = begin_closing,
	.local = local,
};

int wr_websocket_connect(uv_loop_t *loop, const struct wr_websocket_target *target,
			 const struct wr_websocket_limits *limits,
			 const struct wr_websocket_handlers *handlers, void *context,
			 struct wr_websocket **ret_websocket)
{
	struct client *client = calloc(1, sizeof(*client));
	int status;

	if (!client)
		return -ENOMEM;
	client->loop = loop;
	client->websocket = wr_websocket_new(&carrier, client, limits, handlers, context);
	status = client->websocket ? fill(client, target) : -ENOMEM;
	if (!status)
		status = look_up(client);
	if (status) {
		wr_websocket_free(client->websocket);
		client_free(client);
		return status;
	}
	uv_update_time(loop);
	client->deadline = uv_now(loop) + (uint64_t)target->timeout_seconds * 1000;
	uv_timer_init(loop, &client->timer);
	client->timer.data = client;
	client->handles++;
	uv_timer_start(&client->timer, on_time, (uint64_t)target->timeout_seconds * 1000, 0);
	*ret_websocket = client->websocket;
	return 0;
}
