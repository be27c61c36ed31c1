/* NAT-PMP by libnatpmp: the router's address, then the port. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <natpmp.h>

#include "node/portmap_ask.h"

/* RFC 6886 section 3.1 would go on for a minute. */
#define PATIENCE_MS 1500

struct wr_ask {
	natpmp_t natpmp;
	uv_poll_t poll;
	uv_timer_t timer;
	struct wr_ask_order order;
	struct wr_ask_answer answer;
	void (*done)(void *context, const struct wr_ask_answer *answer); /* NULL: cancelled */
	void *context;
	uint64_t deadline;
	unsigned handles;
	bool has_address;
};

static void on_closed(uv_handle_t *handle)
{
	struct wr_ask *ask = handle->data;

	if (--ask->handles)
		return;
	closenatpmp(&ask->natpmp);
	free(ask);
}

static void end(struct wr_ask *ask)
{
	ask->done = NULL;
	if (uv_is_closing((uv_handle_t *)&ask->timer))
		return;
	uv_close((uv_handle_t *)&ask->poll, on_closed);
	uv_close((uv_handle_t *)&ask->timer, on_closed);
}

static void finish(struct wr_ask *ask, int error)
{
	void (*done)(void *context, const struct wr_ask_answer *answer) = ask->done;

	ask->answer.error = error;
	end(ask);
	if (done)
		done(ask->context, &ask->answer);
}

static int send_next(struct wr_ask *ask)
{
	int status;

	if (!ask->has_address && ask->order.seconds)
		status = sendpublicaddressrequest(&ask->natpmp);
	else
		status = sendnewportmappingrequest(
			&ask->natpmp, NATPMP_PROTOCOL_UDP, ask->order.port,
			ask->order.seconds ? ask->order.external_port : 0, ask->order.seconds);
	return status < 0 ? -EIO : 0;
}

static void take_response(struct wr_ask *ask, const natpmpresp_t *response)
{
	if (response->type == NATPMP_RESPTYPE_PUBLICADDRESS && !ask->has_address) {
		ask->has_address = true;
		ask->answer.external.ip.family = WR_IPV4;
		memcpy(ask->answer.external.ip.bytes, &response->pnu.publicaddress.addr, 4);
		if (send_next(ask))
			finish(ask, -EIO);
	} else if (response->type == NATPMP_RESPTYPE_UDPPORTMAPPING) {
		ask->answer.external.port = response->pnu.newportmapping.mappedpublicport;
		ask->answer.seconds = response->pnu.newportmapping.lifetime;
		finish(ask, ask->answer.external.port || !ask->order.seconds ? 0 : -EACCES);
	}
}

static void look(struct wr_ask *ask);

static void on_time(uv_timer_t *timer)
{
	look(timer->data);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	look(poll->data);
}

/* libnatpmp asks again by itself, when it is called in time. */
static void wait_more(struct wr_ask *ask)
{
	struct timeval wait = { .tv_usec = 100000 };
	uint64_t now = uv_now(ask->timer.loop);
	uint64_t ms;

	(void)getnatpmprequesttimeout(&ask->natpmp, &wait);
	/* By the clock of the day, which may jump. */
	ms = wait.tv_sec < 0 || wait.tv_sec > 1
		     ? 500
		     : (uint64_t)wait.tv_sec * 1000 + (uint64_t)wait.tv_usec / 1000 + 1;
	if (ms > ask->deadline - now)
		ms = ask->deadline - now;
	uv_timer_start(&ask->timer, on_time, ms, 0);
}

static void look(struct wr_ask *ask)
{
	natpmpresp_t response;
	int status = readnatpmpresponseorretry(&ask->natpmp, &response);

	if (status == 0)
		take_response(ask, &response);
	else if (status == NATPMP_TRYAGAIN && uv_now(ask->timer.loop) >= ask->deadline)
		finish(ask, -ETIMEDOUT);
	else if (status != NATPMP_TRYAGAIN)
		finish(ask, status == NATPMP_ERR_NOGATEWAYSUPPORT ? -ECONNREFUSED : -EACCES);
	if (ask->done)
		wait_more(ask);
}

static struct wr_ask *start(uv_loop_t *loop, const struct wr_ask_order *order,
			    void (*done)(void *context, const struct wr_ask_answer *answer),
			    void *context)
{
	struct wr_ask *ask = calloc(1, sizeof(*ask));
	in_addr_t gateway;

	if (!ask)
		return NULL;
	memcpy(&gateway, order->gateway.bytes, 4);
	if (initnatpmp(&ask->natpmp, 1, gateway) < 0 ||
	    uv_poll_init(loop, &ask->poll, ask->natpmp.s) < 0) {
		closenatpmp(&ask->natpmp);
		free(ask);
		return NULL;
	}
	ask->order = *order;
	ask->done = done;
	ask->context = context;
	ask->handles = 2;
	uv_timer_init(loop, &ask->timer);
	ask->poll.data = ask->timer.data = ask;
	ask->deadline = uv_now(loop) + PATIENCE_MS;
	uv_poll_start(&ask->poll, UV_READABLE, on_readable);
	if (send_next(ask)) {
		end(ask);
		return NULL;
	}
	wait_more(ask);
	return ask;
}

const struct wr_ask_way wr_ask_nat_pmp = { WR_PORTMAP_NAT_PMP, start, end };
