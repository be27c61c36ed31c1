#include "tunnel/uapi_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tunnel/uapi_inbox.h"

/* Reads in one turn of the loop, so that a busy client does not hold the tunnel's
 * timers up: 208 KiB are in a socket at most (net.core.wmem_default). */
#define READS_PER_TURN 16

struct wr_uapi_client {
	uv_poll_t poll;
	int fd;
	bool is_ended;   /* nothing more comes */
	bool is_refused; /* nothing more is answered */
	struct wr_uapi_inbox inbox;
	struct wr_text answer;
	size_t written; /* of the answer */
	const struct wr_uapi_handler *handler;
};

static void on_event(uv_poll_t *poll, int status, int events);

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

struct wr_uapi_client *wr_uapi_client_new(uv_loop_t *loop, int fd,
					  const struct wr_uapi_handler *handler)
{
	WR_AUTO(close_fd) int owned = fd;
	struct wr_uapi_client *client = calloc(1, sizeof(*client));

	if (!client)
		return NULL;
	if (uv_poll_init(loop, &client->poll, fd) < 0) {
		free(client);
		return NULL;
	}
	client->poll.data = client;
	client->handler = handler;
	client->fd = fd;
	owned = -1;
	uv_poll_start(&client->poll, UV_READABLE, on_event);
	return client;
}

static void on_closed(uv_handle_t *handle)
{
	struct wr_uapi_client *client = handle->data;
	const struct wr_uapi_handler *handler = client->handler;

	close(client->fd);
	wr_uapi_inbox_done(&client->inbox);
	wr_text_done(&client->answer);
	handler->closed(handler->context, client);
	free(client);
}

void wr_uapi_client_close(struct wr_uapi_client *client)
{
	uv_handle_t *handle = (uv_handle_t *)&client->poll;

	if (!uv_is_closing(handle))
		uv_close(handle, on_closed);
}

/* False if nothing more comes now, or at all. */
static bool read_some(struct wr_uapi_client *client)
{
	struct wr_uapi_inbox *inbox = &client->inbox;
	size_t room = wr_uapi_inbox_room(inbox, WR_UAPI_REQUEST_MAX);
	ssize_t len = room ? read(client->fd, inbox->data + inbox->len, room) : 0;

	if (len > 0)
		wr_uapi_inbox_add(inbox, (size_t)len);
	else if (len == 0 || (errno != EAGAIN && errno != EINTR))
		client->is_ended = true;
	return len > 0;
}

static void read_turn(struct wr_uapi_client *client)
{
	struct wr_bytes request;

	for (int i = 0; i < READS_PER_TURN; i++) {
		if (!read_some(client) || wr_uapi_inbox_peek(&client->inbox, &request))
			return;
	}
}

/* 1 if the answer is written, 0 if the client has to read first, or -1. */
static int write_some(struct wr_uapi_client *client)
{
	struct wr_text *answer = &client->answer;

	while (client->written < answer->len) {
		ssize_t len = send(client->fd, answer->data + client->written,
				   answer->len - client->written, MSG_NOSIGNAL);

		if (len < 0 && errno == EAGAIN)
			return 0;
		if (len < 0 && errno != EINTR)
			return -1;
		client->written += len > 0 ? (size_t)len : 0;
	}
	client->written = 0;
	wr_text_done(answer);
	return 1;
}

static bool answer_one(struct wr_uapi_client *client)
{
	const struct wr_uapi_handler *handler = client->handler;
	struct wr_bytes request;

	if (client->is_refused || !wr_uapi_inbox_peek(&client->inbox, &request))
		return false;
	client->is_refused = !handler->answer(handler->context, request, &client->answer);
	wr_uapi_inbox_drop(&client->inbox, request.len);
	return true;
}

/* Answers what was asked until the client has to read, or to write. */
static void work(struct wr_uapi_client *client)
{
	int written;

	do
		written = write_some(client);
	while (written == 1 && answer_one(client));

	if (written < 0 || (written == 1 && (client->is_ended || client->is_refused)))
		wr_uapi_client_close(client);
	else
		uv_poll_start(&client->poll, written ? UV_READABLE : UV_WRITABLE, on_event);
}

static void on_event(uv_poll_t *poll, int status, int events)
{
	struct wr_uapi_client *client = poll->data;

	if (status < 0) {
		wr_uapi_client_close(client);
		return;
	}
	if (events & UV_READABLE)
		read_turn(client);
	work(client);
}
