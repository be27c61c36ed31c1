#include "hub/hub.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "crypto/crypto.h"
#include "hub/state.h"
#include "tunnel/handle.h"

#define REPAIR_EVERY_MS 3000

/* docs/architecture.md, "Threads and memory": a supervisor starts it again. */
void wr_hub_no_memory(void)
{
	wr_log_error("out of memory: the server ends, and nothing that was answered is lost");
	abort();
}

/* --- Opening. --- */

static void on_repair(uv_timer_t *timer)
{
	wr_hub_repair(timer->data);
}

static int open_engine(struct wr_hub *hub)
{
	struct wr_engine_config config = {
		.workers = hub->config.workers,
		.aead = hub->config.aead,
		.timing = wr_timing_paper,
		.wants_tun = wr_hub_wants_gateway,
		.may_relay = wr_hub_may_relay,
		.has_stun = hub->config.has_stun,
		.context = hub,
	};
	int error = wr_engine_new(&config, &hub->engine);

	if (!error)
		error = wr_engine_start(hub->engine);
	if (!error)
		error = wr_engine_listen(hub->engine, hub->config.port, 0);
	if (error)
		return error;
	hub->port = wr_engine_listen_port(hub->engine);
	if (!hub->tag[0])
		snprintf(hub->tag, sizeof(hub->tag), "%u", hub->port);
	return 0;
}

/* One more place to ask: without it all else works. */
static void open_stun_port(struct wr_hub *hub)
{
	uint16_t port = hub->config.has_stun ? hub->config.stun_port : 0;
	int error = port ? wr_stun_port_open(hub->loop, port, &hub->stun) : 0;

	if (error)
		wr_log_error("the STUN port cannot be opened: udp=%u error=\"%s\"; goes on without "
			     "(--stun-port chooses another, 0 none)",
			     port, strerror(-error));
}

static void open_timers(struct wr_hub *hub)
{
	uv_idle_init(hub->loop, &hub->settle);
	uv_timer_init(hub->loop, &hub->repair_timer);
	uv_timer_init(hub->loop, &hub->wake_timer);
	hub->settle.data = hub->repair_timer.data = hub->wake_timer.data = hub;
	uv_timer_start(&hub->repair_timer, on_repair, REPAIR_EVERY_MS, REPAIR_EVERY_MS);
}

static struct wr_hub *new_hub(uv_loop_t *loop, const struct wr_hub_config *config)
{
	struct wr_hub *hub = calloc(1, sizeof(*hub));

	if (!hub)
		wr_hub_no_memory();
	hub->loop = loop;
	hub->config = *config;
	assert(strlen(config->dns_suffix) < sizeof(hub->dns_suffix));
	strcpy(hub->dns_suffix, config->dns_suffix);
	hub->config.dns_suffix = hub->dns_suffix;
	hub->waiters_end = &hub->waiters;
	if (config->tag)
		snprintf(hub->tag, sizeof(hub->tag), "%s", config->tag);
	wr_random(&hub->hash_key, sizeof(hub->hash_key));
	return hub;
}

int wr_hub_open(uv_loop_t *loop, const struct wr_hub_config *config, struct wr_hub **ret_hub)
{
	struct wr_hub *hub = new_hub(loop, config);
	int error = open_engine(hub);

	if (!error)
		error = wr_driver_start(&hub->driver, loop, hub->engine, NULL, NULL);
	if (error) {
		wr_engine_free(hub->engine);
		free(hub);
		return error;
	}
	if (config->has_gateways)
		wr_gateway_clear_leftovers(hub->tag);
	open_timers(hub);
	open_stun_port(hub);
	*ret_hub = hub;
	return 0;
}

/* --- Closing. --- */

static void free_hub(struct wr_hub *hub)
{
	struct wr_hub_org_state *org;
	size_t at = 0;

	wr_engine_free(hub->engine); /* no readers are left */
	while ((org = wr_map_next(&hub->orgs, &at))) {
		wr_filter_free(org->filter);
		wr_hub_org_free(org);
	}
	wr_map_done(&hub->orgs);
	free(hub->wakes);
	free(hub);
}

void wr_hub_gone(struct wr_hub *hub)
{
	void (*closed)(void *context) = hub->closed;
	void *context = hub->closed_context;

	if (--hub->open_things || !hub->is_closing)
		return;
	free_hub(hub);
	closed(context);
}

static void on_closed(uv_handle_t *handle)
{
	wr_hub_gone(handle->data);
}

static void close_handle(struct wr_hub *hub, uv_handle_t *handle)
{
	handle->data = hub;
	hub->open_things++;
	uv_close(handle, on_closed);
}

static void forget_waiters(struct wr_hub *hub)
{
	while (hub->waiters) {
		struct wr_hub_waiter *waiter = hub->waiters;

		hub->waiters = waiter->next;
		waiter->settled(waiter->context);
		free(waiter);
	}
}

static void on_stun_closed(void *context)
{
	wr_hub_gone(context);
}

static void close_stun_port(struct wr_hub *hub)
{
	if (!hub->stun)
		return;
	hub->open_things++;
	wr_stun_port_close(WR_TAKE(hub->stun), on_stun_closed, hub);
}

void wr_hub_close(struct wr_hub *hub, void (*closed)(void *context), void *context)
{
	struct wr_hub_org_state *org;
	size_t at = 0;

	hub->is_closing = true;
	hub->closed = closed;
	hub->closed_context = context;
	while ((org = wr_map_next(&hub->orgs, &at)))
		wr_hub_close_gateway(org);
	forget_waiters(hub);
	close_stun_port(hub);
	close_handle(hub, (uv_handle_t *)&hub->driver.poll);
	close_handle(hub, (uv_handle_t *)&hub->driver.timer);
	close_handle(hub, (uv_handle_t *)&hub->settle);
	close_handle(hub, (uv_handle_t *)&hub->repair_timer);
	close_handle(hub, (uv_handle_t *)&hub->wake_timer);
}

/* --- Numbers. --- */

void wr_hub_count(struct wr_hub *hub, struct wr_hub_numbers *ret_numbers)
{
	struct wr_hub_org_state *org;
	size_t at = 0;

	*ret_numbers = (struct wr_hub_numbers){
		.orgs = hub->orgs.count,
		.gateways = hub->gateways,
		.repairs = hub->repairs,
		.policy_faults = hub->policy_faults,
		.port = hub->port,
	};
	wr_engine_counters(hub->engine, &ret_numbers->engine);
	ret_numbers->stun_answers = ret_numbers->engine.stun_answers;
	if (hub->stun) {
		ret_numbers->stun_port = hub->config.stun_port;
		ret_numbers->stun_answers += wr_stun_port_answers(hub->stun);
	}
	while ((org = wr_map_next(&hub->orgs, &at)))
		ret_numbers->machines += org->machines.count;
}

uint64_t wr_hub_handshakes(struct wr_hub *hub)
{
	return wr_engine_port(hub->engine)->sessions_made;
}
