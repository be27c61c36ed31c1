#include "hub/gateway.h"

#include <errno.h>
#include <stdlib.h>

#include "hub/dns_server.h"
#include "hub/gateway_name.h"
#include "hub/place.h"
#include "hub/reach.h"

/* What a thread of the pool is at. */
enum job {
	IDLE,
	OPEN,
	LOOK,
	MEND,
	UNMAKE
};

struct wr_gateway {
	uv_loop_t *loop;
	struct wr_gateway_config config; /* its texts are not kept */
	struct wr_place place;
	struct wr_resolver resolver;
	struct wr_dns_server *server; /* NULL while it is not open */
	uv_poll_t watch;
	bool has_watch;

	uv_work_t work;
	enum job job;
	int status;       /* of the job */
	bool found_whole; /* by the last look */
	bool is_open;
	bool is_damaged;
	bool has_news; /* it is to be looked at when the job is done */

	void (*mended)(void *context, int status);
	void *mend_context;
	struct wr_reach *reaches[WR_GATEWAY_CONNECTS];
	size_t reach_count;

	bool is_closing;
	unsigned closing; /* handles and such that are not gone yet */
	void (*closed)(void *context);
	void *close_context;
};

static void begin(struct wr_gateway *gateway, enum job job);

/* --- What it should be. --- */

/* All goes through the TUN: what is behind a machine is asked for by name too. The hub
 * drops what is nobody's. */
static void add_family(struct wr_setup *setup, const struct wr_ip *address,
		       const struct wr_prefix *range)
{
	if (address->family == WR_FAMILY_NONE)
		return;
	setup->addresses[setup->address_count++] = *address;
	setup->routes[setup->route_count++] = *range;
	setup->routes[setup->route_count++] =
		(struct wr_prefix){ .ip = { .family = address->family } };
}

static struct wr_setup setup_of(const struct wr_gateway_config *config)
{
	struct wr_setup setup = { 0 };

	add_family(&setup, &config->address4, &config->range4);
	add_family(&setup, &config->address6, &config->range6);
	return setup;
}

static int init_resolver(struct wr_gateway *gateway, const struct wr_gateway_config *config)
{
	struct wr_resolver *resolver = &gateway->resolver;

	if (!wr_resolver_init(resolver, config->label, config->suffix, &config->source))
		return -EINVAL;
	resolver->hub4 = config->address4;
	resolver->hub6 = config->address6;
	resolver->range4 = config->range4;
	resolver->range6 = config->range6;
	return 0;
}

/* --- Its end. --- */

static void free_gateway(struct wr_gateway *gateway)
{
	void (*closed)(void *context) = gateway->closed;
	void *context = gateway->close_context;

	free(gateway);
	if (closed)
		closed(context);
}

/* What uses the place goes first, and what waits for the kernel last. */
static void unmake_if_unused(struct wr_gateway *gateway)
{
	if (gateway->is_closing && gateway->closing == 0 && gateway->reach_count == 0 &&
	    gateway->job == IDLE)
		begin(gateway, UNMAKE);
}

static void on_part_closed(void *context)
{
	struct wr_gateway *gateway = context;

	gateway->closing--;
	unmake_if_unused(gateway);
}

static void on_watch_closed(uv_handle_t *handle)
{
	on_part_closed(handle->data);
}

static void close_parts(struct wr_gateway *gateway)
{
	if (gateway->server) {
		gateway->closing++;
		wr_dns_server_close(gateway->server, on_part_closed, gateway);
		gateway->server = NULL;
	}
	if (gateway->has_watch) {
		gateway->closing++;
		gateway->has_watch = false;
		uv_close((uv_handle_t *)&gateway->watch, on_watch_closed);
	}
	for (size_t i = 0; i < WR_GATEWAY_CONNECTS; i++) {
		if (gateway->reaches[i])
			wr_reach_cancel(gateway->reaches[i]);
	}
}

void wr_gateway_close(struct wr_gateway *gateway, void (*closed)(void *context), void *context)
{
	assert(!gateway->is_closing);
	gateway->is_closing = true;
	gateway->is_open = false;
	gateway->closed = closed;
	gateway->close_context = context;
	close_parts(gateway);
	unmake_if_unused(gateway);
}

/* --- Opening. --- */

/* A socket that ran over has an error, at which libuv stops watching it: something was
 * missed then. */
static void on_news(uv_poll_t *watch, int status, int events)
{
	struct wr_gateway *gateway = watch->data;
	bool has_news = wr_setup_drain(gateway->place.watch);

	(void)events;
	if (status < 0)
		(void)uv_poll_start(watch, UV_READABLE, on_news);
	if (status == 0 && !has_news)
		return;
	gateway->has_news = true;
	begin(gateway, LOOK);
}

static int start_watching(struct wr_gateway *gateway)
{
	int status = uv_poll_init(gateway->loop, &gateway->watch, gateway->place.watch);

	if (status < 0)
		return status;
	gateway->watch.data = gateway;
	gateway->has_watch = true;
	return uv_poll_start(&gateway->watch, UV_READABLE, on_news);
}

static int start_serving(struct wr_gateway *gateway)
{
	int status = wr_dns_server_start(gateway->loop, &gateway->resolver, &gateway->place.sockets,
					 &gateway->server);

	return status < 0 ? status : start_watching(gateway);
}

static void end_opening(struct wr_gateway *gateway, int status)
{
	if (status == 0)
		status = start_serving(gateway);
	gateway->is_open = status == 0;
	gateway->config.opened(gateway->config.context, gateway, status,
			       status == 0 ? gateway->place.tun : NULL);
}

/* --- Jobs: one at a time, on a thread of the pool. --- */

static void do_job(uv_work_t *work)
{
	struct wr_gateway *gateway = work->data;
	struct wr_place *place = &gateway->place;

	switch (gateway->job) {
	case IDLE: break;
	case OPEN:
		gateway->status = wr_place_make(place, WR_GATEWAY_TUN, gateway->config.mtu);
		break;
	case LOOK: gateway->status = wr_place_look(place, &gateway->found_whole); break;
	case MEND: gateway->status = wr_place_mend(place); break;
	case UNMAKE: wr_place_unmake(place); break;
	}
}

static void end_look(struct wr_gateway *gateway, int status)
{
	bool was_damaged = gateway->is_damaged;

	gateway->is_damaged = status < 0 || !gateway->found_whole;
	if (gateway->is_damaged && !was_damaged && gateway->config.damaged)
		gateway->config.damaged(gateway->config.context, gateway);
}

static void end_mending(struct wr_gateway *gateway, int status)
{
	gateway->is_damaged = status < 0;
	gateway->mended(gateway->mend_context, status);
}

static void end_job(struct wr_gateway *gateway, enum job job, int status)
{
	switch (job) {
	case IDLE:
	case UNMAKE: break;
	case OPEN: end_opening(gateway, status); break;
	case LOOK: end_look(gateway, status); break;
	case MEND: end_mending(gateway, status); break;
	}
}

static void on_job_done(uv_work_t *work, int status)
{
	struct wr_gateway *gateway = work->data;
	enum job job = gateway->job;

	gateway->job = IDLE;
	if (job == UNMAKE) {
		free_gateway(gateway);
		return;
	}
	/* What it is called back for may close it; its memory lasts until a job for that. */
	if (!gateway->is_closing)
		end_job(gateway, job, status < 0 ? status : gateway->status);
	unmake_if_unused(gateway);
	if (gateway->has_news)
		begin(gateway, LOOK);
}

/* Nothing if it is at something else; what there is news of is looked at later. */
static void begin(struct wr_gateway *gateway, enum job job)
{
	if (gateway->job != IDLE || (gateway->is_closing && job != UNMAKE))
		return;
	if (job == LOOK || job == MEND)
		gateway->has_news = false;
	gateway->job = job;
	/* It only fails without a function. */
	(void)uv_queue_work(gateway->loop, &gateway->work, do_job, on_job_done);
}

int wr_gateway_open(uv_loop_t *loop, const struct wr_gateway_config *config,
		    struct wr_gateway **ret_gateway)
{
	char name[WR_NETNS_NAME_LEN];
	struct wr_setup setup = setup_of(config);
	struct wr_gateway *gateway;
	int status = wr_gateway_name_of(config->tag, config->number, name);

	if (status < 0)
		return status;
	gateway = calloc(1, sizeof(*gateway));
	if (!gateway)
		return -ENOMEM;
	gateway->loop = loop;
	gateway->config = *config;
	gateway->place = wr_place_of(name, &setup);
	gateway->work.data = gateway;
	status = init_resolver(gateway, config);
	if (status < 0) {
		free(gateway);
		return status;
	}
	gateway->config.tag = gateway->config.label = gateway->config.suffix = NULL;
	begin(gateway, OPEN);
	*ret_gateway = gateway;
	return 0;
}

/* --- While it is open. --- */

const char *wr_gateway_name(const struct wr_gateway *gateway)
{
	return gateway->place.netns.name;
}

bool wr_gateway_is_whole(const struct wr_gateway *gateway)
{
	if (gateway->job == OPEN || gateway->job == MEND)
		return true;
	return gateway->is_open && !gateway->is_damaged && wr_netns_has_name(&gateway->place.netns);
}

int wr_gateway_mend(struct wr_gateway *gateway, void (*mended)(void *context, int status),
		    void *context)
{
	if (!gateway->is_open)
		return -EINVAL;
	if (gateway->job != IDLE)
		return -EBUSY;
	gateway->mended = mended;
	gateway->mend_context = context;
	begin(gateway, MEND);
	return 0;
}

static void on_reach_ended(void *owner, struct wr_reach *reach)
{
	struct wr_gateway *gateway = owner;

	for (size_t i = 0; i < WR_GATEWAY_CONNECTS; i++) {
		if (gateway->reaches[i] == reach)
			gateway->reaches[i] = NULL;
	}
	gateway->reach_count--;
	unmake_if_unused(gateway);
}

static bool has_family(const struct wr_gateway *gateway, enum wr_family family)
{
	const struct wr_gateway_config *config = &gateway->config;

	return family != WR_FAMILY_NONE &&
	       (family == config->address4.family || family == config->address6.family);
}

int wr_gateway_connect(struct wr_gateway *gateway, const struct wr_ip *ip, uint16_t port,
		       struct wr_span patience,
		       void (*connected)(void *context, int status, int fd), void *context)
{
	struct wr_reach_request request = { &gateway->place, *ip,     port,           patience,
					    connected,       context, on_reach_ended, gateway };
	size_t place = 0;

	if (!gateway->is_open || !has_family(gateway, ip->family))
		return -EINVAL;
	if (gateway->reach_count == WR_GATEWAY_CONNECTS)
		return -EAGAIN;
	while (gateway->reaches[place])
		place++;
	gateway->reaches[place] = wr_reach_new(gateway->loop, &request);
	if (!gateway->reaches[place])
		return -ENOMEM;
	gateway->reach_count++;
	return 0;
}
