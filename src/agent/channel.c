#include "agent/channel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/key.h"
#include "crypto/crypto.h"
#include "http/websocket.h"
#include "linux/files.h"
#include "tunnel/handle.h"

/* A map of 20,000 peers with their candidates has some 10 MiB. */
#define MESSAGE_MAX (32u << 20)
#define UNSENT_MAX (1u << 20)
#define OPEN_SECONDS 20
/* Attempts: after 1 s, then twice as long each time up to a minute, each made shorter or longer by
 * up to a half, so that ten thousand agents of a server that was away do not come at once. */
#define FIRST_WAIT_MS 1000
#define LONGEST_WAIT_MS 60000
/* After a refusal. */
#define REST_MS 300000
/* A sign of life is asked for when nothing came for so long: some 290 a day, 90 KB. */
#define QUIET_MS 300000
/* And must come within. */
#define PONG_MS 10000

struct wr_channel {
	uv_loop_t *loop;
	struct wr_channel_config config;
	char *url, *pin, *authorization;
	struct wr_websocket *websocket; /* NULL: none */
	uv_timer_t timer;               /* the next attempt; or the next look whether it lives */
	uint64_t wait_ms;
	bool is_open, is_asked; /* asked: for a sign of life */
	bool is_resting;
	bool is_again; /* ours to close: at once another */
	bool is_closing;
	void (*closed)(void *context);
	void *closed_context;
};

static void attempt(uv_timer_t *timer);
static void look(uv_timer_t *timer);

/* --- The next attempt. --- */

static uint64_t jittered(uint64_t ms)
{
	uint32_t random;

	wr_random(&random, sizeof(random));
	return ms / 2 + random % ms;
}

static void schedule(struct wr_channel *channel)
{
	uint64_t ms = channel->is_resting ? REST_MS : channel->wait_ms;

	if (channel->is_again)
		ms = 1;
	channel->is_again = false;
	uv_timer_start(&channel->timer, attempt, jittered(ms), 0);
	channel->wait_ms *= 2;
	if (channel->wait_ms > LONGEST_WAIT_MS)
		channel->wait_ms = LONGEST_WAIT_MS;
}

static void on_timer_closed(uv_handle_t *handle)
{
	struct wr_channel *channel = handle->data;
	void (*closed)(void *context) = channel->closed;
	void *context = channel->closed_context;

	free(channel->url);
	free(channel->pin);
	if (channel->authorization)
		wr_wipe(channel->authorization, strlen(channel->authorization));
	free(channel->authorization);
	free(channel);
	closed(context);
}

static void end(struct wr_channel *channel)
{
	uv_close((uv_handle_t *)&channel->timer, on_timer_closed);
}

/* --- What the websocket tells. --- */

static void on_opened(void *context)
{
	struct wr_channel *channel = context;

	channel->is_open = true;
	channel->is_resting = false;
	channel->is_asked = false;
	channel->wait_ms = FIRST_WAIT_MS;
	uv_timer_start(&channel->timer, look, QUIET_MS, 0);
	if (!wr_channel_send(channel, channel->config.hello(channel->config.context)))
		wr_websocket_close(channel->websocket, 1011, "no hello");
	channel->config.changed(channel->config.context, true, "");
}

static void heard(struct wr_channel *channel)
{
	channel->is_asked = false;
	uv_timer_start(&channel->timer, look, QUIET_MS, 0);
}

static void take_message(struct wr_channel *channel, const json_t *message)
{
	const char *type = json_string_value(json_object_get(message, "type"));

	if (!type)
		wr_websocket_close(channel->websocket, 1008, "a message has a type");
	else if (strcmp(type, "ping") == 0)
		wr_channel_send(channel, json_pack("{s:s, s:O*}", "type", "pong", "id",
						   json_object_get(message, "id")));
	else if (strcmp(type, "pong") != 0)
		channel->config.received(channel->config.context, type, message);
}

static void on_received(void *context, bool is_text, const uint8_t *data, size_t len)
{
	struct wr_channel *channel = context;
	json_t *message;

	heard(channel);
	if (!is_text) {
		channel->config.datagram(channel->config.context, (struct wr_bytes){ data, len });
		return;
	}
	message = json_loadb((const char *)data, len, JSON_REJECT_DUPLICATES, NULL);
	if (message)
		take_message(channel, message);
	else
		wr_websocket_close(channel->websocket, 1007, "this is no JSON");
	json_decref(message);
}

static void on_ponged(void *context)
{
	heard(context);
}

static void on_closed(void *context, unsigned status, const char *why)
{
	struct wr_channel *channel = context;

	channel->websocket = NULL;
	channel->is_open = false;
	if (channel->is_closing) {
		end(channel);
		return;
	}
	if (status >= 400 && status < 500 && status != 429)
		channel->is_resting = true;
	schedule(channel);
	channel->config.changed(channel->config.context, false, why);
}

static const struct wr_websocket_handlers handlers = {
	.opened = on_opened,
	.received = on_received,
	.ponged = on_ponged,
	.closed = on_closed,
};

/* --- Connecting, and looking whether it lives. --- */

static void attempt(uv_timer_t *timer)
{
	struct wr_channel *channel = timer->data;
	const struct wr_websocket_target target = {
		.url = channel->url,
		.pin = channel->pin,
		.path = "/api/v1/agent",
		.protocol = WR_CHANNEL_PROTOCOL,
		.authorization = channel->authorization,
		.timeout_seconds = OPEN_SECONDS,
	};
	const struct wr_websocket_limits limits = { .message = MESSAGE_MAX, .unsent = UNSENT_MAX };
	int status = wr_websocket_connect(channel->loop, &target, &limits, &handlers, channel,
					  &channel->websocket);

	if (status == 0)
		return;
	channel->websocket = NULL;
	schedule(channel);
	channel->config.changed(channel->config.context, false, strerror(-status));
}

static void look(uv_timer_t *timer)
{
	struct wr_channel *channel = timer->data;

	if (channel->is_asked) {
		wr_websocket_close(channel->websocket, 1001, "no sign of life");
		return;
	}
	channel->is_asked = true;
	wr_websocket_ping(channel->websocket);
	uv_timer_start(&channel->timer, look, PONG_MS, 0);
}

/* --- For others. --- */

static char *copy(const char *text)
{
	return text && *text ? wr_text_new("%s", text) : NULL;
}

struct wr_channel *wr_channel_open(uv_loop_t *loop, const struct wr_channel_config *config)
{
	struct wr_channel *channel = calloc(1, sizeof(*channel));

	if (!channel)
		return NULL;
	channel->loop = loop;
	channel->config = *config;
	channel->url = copy(config->url);
	channel->pin = copy(config->pin);
	channel->authorization = wr_text_new("Bearer %s", config->token);
	channel->config.url = channel->config.pin = channel->config.token = NULL;
	channel->wait_ms = FIRST_WAIT_MS;
	uv_timer_init(loop, &channel->timer);
	channel->timer.data = channel;
	uv_timer_start(&channel->timer, attempt, 0, 0);
	return channel;
}

void wr_channel_close(struct wr_channel *channel, void (*closed)(void *context), void *context)
{
	channel->is_closing = true;
	channel->closed = closed;
	channel->closed_context = context;
	uv_timer_stop(&channel->timer);
	if (channel->websocket)
		wr_websocket_close(channel->websocket, 1001, "the agent ends");
	else
		end(channel);
}

bool wr_channel_is_open(const struct wr_channel *channel)
{
	return channel->is_open;
}

bool wr_channel_send(struct wr_channel *channel, json_t *message)
{
	char *text = channel->is_open && message ? json_dumps(message, JSON_COMPACT) : NULL;
	bool is_sent = text && wr_websocket_send(channel->websocket, true, text, strlen(text));

	free(text);
	json_decref(message);
	return is_sent;
}

bool wr_channel_send_datagram(struct wr_channel *channel, struct wr_bytes datagram)
{
	return channel->is_open &&
	       wr_websocket_send(channel->websocket, false, datagram.data, datagram.len);
}

void wr_channel_hurry(struct wr_channel *channel)
{
	if (channel->is_open) {
		channel->is_asked = false;
		look(&channel->timer);
	} else if (!channel->websocket && !channel->is_closing) {
		channel->wait_ms = FIRST_WAIT_MS;
		uv_timer_start(&channel->timer, attempt, 0, 0);
	}
}

void wr_channel_rest(struct wr_channel *channel)
{
	channel->is_resting = true;
}

void wr_channel_again(struct wr_channel *channel)
{
	if (channel->websocket) {
		channel->is_again = true;
		wr_websocket_close(channel->websocket, 1000, "again");
	} else {
		wr_channel_hurry(channel);
	}
}

unsigned wr_channel_waits(const struct wr_channel *channel)
{
	uint64_t ms = channel->websocket ? 0 : uv_timer_get_due_in(&channel->timer);

	return (unsigned)((ms + 999) / 1000);
}

struct wr_ip wr_channel_server(const struct wr_channel *channel)
{
	return channel->is_open ? *wr_websocket_remote(channel->websocket)
				: (struct wr_ip){ .family = WR_FAMILY_NONE };
}
