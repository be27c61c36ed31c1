#include "hub/reach.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "hub/sockets.h"

struct wr_reach {
	struct wr_reach_request request;
	uv_work_t work;
	uv_poll_t poll;
	uv_timer_t timer;
	int fd;
	int status; /* of the work */
	bool has_poll;
	bool is_at_work;
	bool is_told; /* connected() was called */
	unsigned open_handles;
};

static void end_if_all_closed(struct wr_reach *reach)
{
	if (reach->is_at_work || reach->open_handles > 0)
		return;
	if (reach->fd >= 0)
		close(reach->fd);
	reach->request.ended(reach->request.owner, reach);
	free(reach);
}

static void on_closed(uv_handle_t *handle)
{
	struct wr_reach *reach = handle->data;

	reach->open_handles--;
	end_if_all_closed(reach);
}

/* Tells how it went, once, and lets go of all but the socket if that is handed over. */
static void tell(struct wr_reach *reach, int status)
{
	int fd = status == 0 ? reach->fd : -1;

	if (reach->is_told)
		return;
	reach->is_told = true;
	if (reach->has_poll)
		uv_close((uv_handle_t *)&reach->poll, on_closed);
	uv_close((uv_handle_t *)&reach->timer, on_closed);
	if (status == 0)
		reach->fd = -1;
	reach->request.connected(reach->request.context, status, fd);
}

void wr_reach_cancel(struct wr_reach *reach)
{
	tell(reach, -ECANCELED);
}

static void on_timeout(uv_timer_t *timer)
{
	tell(timer->data, -ETIMEDOUT);
}

/* libuv says EBADF for any error; the socket knows which. */
static void on_writable(uv_poll_t *poll, int status, int events)
{
	struct wr_reach *reach = poll->data;
	int error = 0;
	socklen_t len = sizeof(error);

	(void)events;
	if (getsockopt(reach->fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error)
		status = -error;
	tell(reach, status);
}

static int begin_connecting(struct wr_reach *reach)
{
	struct sockaddr_storage address;
	socklen_t len;
	int status;

	wr_ip_to_socket(&reach->request.ip, reach->request.port, &address, &len);
	if (connect(reach->fd, (const struct sockaddr *)&address, len) < 0 && errno != EINPROGRESS)
		return -errno;
	status = uv_poll_init(reach->timer.loop, &reach->poll, reach->fd);
	if (status < 0)
		return status;
	reach->poll.data = reach;
	reach->has_poll = true;
	reach->open_handles++;
	return uv_poll_start(&reach->poll, UV_WRITABLE, on_writable);
}

static void make_socket(uv_work_t *work)
{
	struct wr_reach *reach = work->data;

	reach->status = wr_place_socket(reach->request.place, reach->request.ip.family, &reach->fd);
}

static void on_socket(uv_work_t *work, int status)
{
	struct wr_reach *reach = work->data;

	reach->is_at_work = false;
	if (reach->is_told) {
		end_if_all_closed(reach);
		return;
	}
	if (status == 0)
		status = reach->status;
	if (status == 0)
		status = begin_connecting(reach);
	if (status < 0)
		tell(reach, status);
}

struct wr_reach *wr_reach_new(uv_loop_t *loop, const struct wr_reach_request *request)
{
	struct wr_reach *reach = calloc(1, sizeof(*reach));

	if (!reach)
		return NULL;
	*reach = (struct wr_reach){ .request = *request, .fd = -1, .is_at_work = true };
	reach->work.data = reach->timer.data = reach;
	(void)uv_timer_init(loop, &reach->timer);
	reach->open_handles = 1;
	uv_timer_start(&reach->timer, on_timeout, request->patience.ns / 1000000, 0);
	/* It only fails without a function. */
	(void)uv_queue_work(loop, &reach->work, make_socket, on_socket);
	return reach;
}
