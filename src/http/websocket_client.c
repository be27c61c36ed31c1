/* Its beginning, its end, and as the carrier of a WebSocket. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/key.h"
#include "http/websocket_client.h"

/* --- The end. --- */

static void wipe_and_free(char *text)
{
	if (text)
		wr_wipe(text, strlen(text));
	free(text);
}

static struct wr_client *client_free(struct wr_client *client)
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

void wr_client_look_gone(struct wr_client *client)
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
	struct wr_client *client = handle->data;

	client->handles--;
	wr_client_look_gone(client);
}

void wr_client_end(struct wr_client *client)
{
	if (client->phase == WR_CLIENT_ENDING)
		return;
	client->phase = WR_CLIENT_ENDING;
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

void wr_client_fail(struct wr_client *client, const char *format, ...)
{
	char text[WR_WEBSOCKET_WHY_LEN];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	wr_websocket_say_why(client->websocket, "%s", text);
	wr_client_end(client);
}

/* --- Time. --- */

/* Nothing came for too long, or the goodbye took too long. */
static void on_silence(uv_timer_t *timer)
{
	struct wr_client *client = timer->data;

	client->websocket->is_idle = !client->websocket->is_closing;
	wr_client_end(client);
}

void wr_client_watch(struct wr_client *client)
{
	unsigned seconds = client->websocket->limits.idle_seconds;

	if (client->websocket->is_closing)
		return;
	if (seconds)
		uv_timer_start(&client->timer, on_silence, (uint64_t)seconds * 1000, 0);
	else
		uv_timer_stop(&client->timer);
}

/* --- The beginning. --- */

static bool copy(const char *text, char **ret_copy)
{
	*ret_copy = text ? strdup(text) : NULL;
	return !text || *ret_copy;
}

static int fill(struct wr_client *client, const struct wr_websocket_target *target)
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
		client->context = wr_tls_client_context(target->pin != NULL);
	}
	return client->url.is_tls && !client->context ? -ENOMEM : 0;
}

/* --- As the carrier of a WebSocket. --- */

static size_t unsent(const struct wr_websocket *websocket)
{
	const struct wr_client *client = websocket->carried;

	return client->unsent;
}

static void begin_closing(struct wr_websocket *websocket)
{
	struct wr_client *client = websocket->carried;

	if (client->phase == WR_CLIENT_OPEN)
		uv_timer_start(&client->timer, on_silence, WR_WEBSOCKET_GOODBYE_MS, 0);
	else
		wr_client_end(client);
}

static bool local(const struct wr_websocket *websocket, struct sockaddr_storage *ret_address)
{
	const struct wr_client *client = websocket->carried;
	int len = sizeof(*ret_address);

	return client->phase == WR_CLIENT_OPEN &&
	       uv_tcp_getsockname(&client->tcp, (struct sockaddr *)ret_address, &len) == 0;
}

static const struct wr_websocket_carrier carrier = {
	.write = wr_client_write_frames,
	.unsent = unsent,
	.closing = begin_closing,
	.local = local,
};

int wr_websocket_connect(uv_loop_t *loop, const struct wr_websocket_target *target,
			 const struct wr_websocket_limits *limits,
			 const struct wr_websocket_handlers *handlers, void *context,
			 struct wr_websocket **ret_websocket)
{
	struct wr_client *client = calloc(1, sizeof(*client));
	int status;

	if (!client)
		return -ENOMEM;
	client->loop = loop;
	client->websocket = wr_websocket_new(&carrier, client, limits, handlers, context);
	status = client->websocket ? fill(client, target) : -ENOMEM;
	if (!status)
		status = wr_client_look_up(client);
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
	uv_timer_start(&client->timer, wr_client_on_time, (uint64_t)target->timeout_seconds * 1000,
		       0);
	*ret_websocket = client->websocket;
	return 0;
}
