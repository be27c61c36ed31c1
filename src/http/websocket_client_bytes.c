/* Bytes to the other side and from it. */
#include <stdlib.h>
#include <string.h>

#include "base/key.h"
#include "http/websocket_client.h"

/* What is made and not gone: then it waits. */
#define UNSENT (128 << 10)
#define PIECE (16 << 10)

struct write {
	uv_write_t request;
	struct wr_client *client;
	size_t len;
	uint8_t data[];
};

/* --- Sending. --- */

static void on_written(uv_write_t *request, int status)
{
	struct write *write = WR_CONTAINER_OF(request, struct write, request);
	struct wr_client *client = write->client;

	client->unsent -= write->len;
	wr_wipe(write->data, write->len);
	free(write);
	if (client->phase == WR_CLIENT_ENDING)
		return;
	if (status < 0)
		wr_client_fail(client, "%s: %s", client->url.host, uv_strerror(status));
	else if (client->phase == WR_CLIENT_OPEN)
		wr_client_write_frames(client->websocket);
	if (client->phase == WR_CLIENT_OPEN)
		wr_client_read_on(client);
}

static void send_raw(struct wr_client *client, const uint8_t *data, size_t len)
{
	struct write *write = malloc(sizeof(*write) + len);

	if (!write) {
		wr_client_fail(client, "out of memory");
		return;
	}
	memcpy(write->data, data, len);
	write->client = client;
	write->len = len;
	if (uv_write(&write->request, (uv_stream_t *)&client->tcp,
		     &(uv_buf_t){ (char *)write->data, len }, 1, on_written) < 0) {
		free(write);
		wr_client_fail(client, "the connection was cut");
		return;
	}
	client->unsent += len;
}

static void flush_tls(struct wr_client *client)
{
	uint8_t piece[PIECE];
	size_t len;

	while (client->phase != WR_CLIENT_ENDING &&
	       (len = wr_tls_take(client->tls, piece, sizeof(piece))))
		send_raw(client, piece, len);
}

void wr_client_send(struct wr_client *client, const uint8_t *data, size_t len)
{
	if (!client->tls)
		send_raw(client, data, len);
	else if (wr_tls_write(client->tls, data, len))
		flush_tls(client);
	else
		wr_client_fail(client, "TLS: cannot send");
}

void wr_client_write_frames(struct wr_websocket *websocket)
{
	struct wr_client *client = websocket->carried;
	uint8_t piece[PIECE];
	size_t len = 1;

	while (len && client->phase == WR_CLIENT_OPEN && client->unsent < UNSENT) {
		len = wr_websocket_make(websocket, piece, sizeof(piece));
		if (len)
			wr_client_send(client, piece, len);
	}
	if (client->phase != WR_CLIENT_OPEN)
		return;
	if (websocket->is_broken || (wr_websocket_is_done(websocket) && !client->unsent))
		wr_client_end(client);
}

/* --- Receiving. --- */

void wr_client_take(struct wr_client *client, const uint8_t *data, size_t len)
{
	if (client->phase == WR_CLIENT_ASKING) {
		wr_client_read_answer(client, data, len);
	} else if (client->phase == WR_CLIENT_OPEN) {
		wr_client_watch(client);
		wr_websocket_take(client->websocket, data, len);
		wr_client_write_frames(client->websocket);
	}
}

/* One piece of what TLS made readable; false: there is none now. */
static bool read_piece(struct wr_client *client)
{
	uint8_t piece[PIECE];
	size_t len = 0;
	bool was_shaking = client->phase == WR_CLIENT_SHAKING;
	enum wr_tls_result result = wr_tls_read(client->tls, piece, sizeof(piece), &len);

	flush_tls(client);
	if (was_shaking && client->phase == WR_CLIENT_SHAKING && wr_tls_is_ready(client->tls))
		wr_client_look_at_certificate(client);
	if (client->phase == WR_CLIENT_ENDING)
		return false;
	if (result == WR_TLS_SOME)
		wr_client_take(client, piece, len);
	else if (result == WR_TLS_END)
		wr_client_fail(client, "%s hung up", client->url.host);
	else if (result == WR_TLS_BROKEN)
		wr_client_fail(client, "TLS: %s speaks none, or none that we do too",
			       client->url.host);
	return result == WR_TLS_SOME && client->phase != WR_CLIENT_ENDING;
}

void wr_client_read_tls(struct wr_client *client)
{
	while (!(client->phase == WR_CLIENT_OPEN && wr_websocket_is_full(client->websocket)) &&
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

static void take_raw(struct wr_client *client, const uint8_t *data, size_t len)
{
	if (!client->tls)
		wr_client_take(client, data, len);
	else if (wr_tls_feed(client->tls, data, len))
		wr_client_read_tls(client);
	else
		wr_client_fail(client, "out of memory");
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
	struct wr_client *client = stream->data;

	if (len == UV_EOF)
		wr_client_fail(client, "%s hung up", client->url.host);
	else if (len < 0)
		wr_client_fail(client, "%s: %s", client->url.host, uv_strerror((int)len));
	else if (len > 0)
		take_raw(client, (const uint8_t *)buffer->base, (size_t)len);
	free(buffer->base);
	if (client->phase != WR_CLIENT_ENDING)
		wr_client_read_on(client);
}

/* Reads, or waits until what it has to say is gone. */
void wr_client_read_on(struct wr_client *client)
{
	bool is_wanted = client->phase != WR_CLIENT_OPEN ||
			 !wr_websocket_is_full(client->websocket);

	if (is_wanted && !client->is_reading && client->tls && client->phase == WR_CLIENT_OPEN)
		wr_client_read_tls(client);
	if (client->phase == WR_CLIENT_ENDING || is_wanted == client->is_reading)
		return;
	client->is_reading = is_wanted;
	if (!is_wanted)
		uv_read_stop((uv_stream_t *)&client->tcp);
	else if (uv_read_start((uv_stream_t *)&client->tcp, on_room_wanted, on_read) < 0)
		wr_client_fail(client, "the connection was cut");
}
