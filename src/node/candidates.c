/* Where we may be reached: addresses of this host, what a router maps for us, and where others see
 * us. */
#include <string.h>

#include "base/log.h"
#include "linux/addresses.h"
#include "linux/clock.h"
#include "node/address_watch.h"
#include "node/inside.h"
#include "node/portmap.h"
#include "tunnel/handle.h"

/* The others are for what a router maps, and what others see. */
#define OWN_MAX (WR_PATH_CANDIDATES - 2)

/* A shorter sleep is like some lost packets. */
#define SLEEP_NS UINT64_C(5000000000)
#define SLEEP_LOOK_MS 10000

static bool is_told(const struct wr_node *node, const struct wr_ip *ip)
{
	const struct wr_ip *listen = &node->config.listen;

	return listen->family == WR_FAMILY_NONE || wr_ip_equal(listen, ip);
}

static void add_own(struct wr_node *node, struct wr_path_own *own)
{
	struct wr_host_address addresses[WR_ADDRESSES_MAX];
	uint32_t tunnel = wr_backend_index(node->backend);
	int count = wr_addresses_list(&tunnel, 1, addresses);

	for (int i = 0; i < count && own->count < OWN_MAX; i++)
		if (is_told(node, &addresses[i].ip))
			own->candidates[own->count++] = (struct wr_candidate){
				.kind = addresses[i].is_global ? WR_CANDIDATE_GLOBAL
							       : WR_CANDIDATE_LOCAL,
				.endpoint = { .ip = addresses[i].ip,
					      .port = wr_backend_port(node->backend) },
			};
}

static void add_mapped(const struct wr_node *node, struct wr_path_own *own)
{
	struct wr_portmap_sight sight;

	if (!node->portmap)
		return;
	wr_portmap_look(node->portmap, &sight);
	if (sight.external.ip.family != WR_FAMILY_NONE)
		own->candidates[own->count++] = (struct wr_candidate){
			.kind = WR_CANDIDATE_MAPPED,
			.endpoint = sight.external,
		};
}

static bool has_endpoint(const struct wr_path_own *own, const struct wr_endpoint *endpoint)
{
	for (size_t i = 0; i < own->count; i++)
		if (wr_endpoint_equal_remote(&own->candidates[i].endpoint, endpoint))
			return true;
	return false;
}

/* What others see is often what we know already: no NAT is between. */
static void add_seen(const struct wr_node *node, struct wr_path_own *own)
{
	for (size_t i = 0; i < node->added_count && own->count < WR_PATH_CANDIDATES; i++)
		if (!has_endpoint(own, &node->added[i].endpoint))
			own->candidates[own->count++] = node->added[i];
}

static bool is_same(const struct wr_path_own *a, const struct wr_path_own *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (a->candidates[i].kind != b->candidates[i].kind ||
		    !wr_endpoint_equal_remote(&a->candidates[i].endpoint,
					      &b->candidates[i].endpoint))
			return false;
	return true;
}

static void gather(struct wr_node *node)
{
	struct wr_path_own own = { .count = 0 };

	if (!node->backend)
		return;
	add_own(node, &own);
	add_mapped(node, &own);
	add_seen(node, &own);
	if (is_same(&own, &node->own))
		return;
	node->own = own;
	wr_paths_set_candidates(node->paths, own.candidates, own.count);
	if (node->config.candidates_changed)
		node->config.candidates_changed(node->config.context);
}

void wr_node_add_candidates(struct wr_node *node, const struct wr_candidate *candidates,
			    size_t count)
{
	node->added_count = count < WR_PATH_CANDIDATES ? count : WR_PATH_CANDIDATES;
	if (node->added_count)
		memcpy(node->added, candidates, node->added_count * sizeof(*candidates));
	gather(node);
}

static void on_mapping_changed(void *context)
{
	gather(context);
}

/* Everything that was known of the way out may be wrong now. */
static void on_network_changed(void *context)
{
	struct wr_node *node = context;

	wr_log_verbose("network: changed");
	gather(node);
	if (node->config.network_changed)
		node->config.network_changed(node->config.context);
	wr_paths_moved(node->paths);
	if (node->portmap)
		wr_portmap_moved(node->portmap);
}

/* What one clock counts and the other does not. */
static uint64_t slept(void)
{
	/* In this order it is never below zero. */
	uint64_t awake = uv_hrtime();

	return wr_clock_now().ns - awake;
}

/* While a host sleeps its NAT forgets it, and its neighbours do: perhaps it is elsewhere, with the
 * same address. */
static void on_sleep_timer(uv_timer_t *timer)
{
	struct wr_node *node = timer->data;
	uint64_t before = node->slept_ns;

	node->slept_ns = slept();
	if (node->slept_ns > before + SLEEP_NS)
		on_network_changed(node);
}

int wr_node_watch_addresses(struct wr_node *node)
{
	node->slept_ns = slept();
	uv_timer_init(node->loop, &node->sleep_timer);
	node->sleep_timer.data = node;
	uv_timer_start(&node->sleep_timer, on_sleep_timer, SLEEP_LOOK_MS, SLEEP_LOOK_MS);
	return wr_address_watch_open(node->loop, on_network_changed, node, &node->addresses);
}

/* Whoever chose one address to be reached at wants no other to be made for him. */
static void map_port(struct wr_node *node, uint16_t port)
{
	const struct wr_portmap_config config = {
		.port = port,
		.changed = on_mapping_changed,
		.context = node,
	};

	if (node->config.listen.family != WR_FAMILY_NONE)
		return;
	if (node->portmap)
		wr_portmap_set_port(node->portmap, port);
	else if (wr_portmap_open(node->loop, &config, &node->portmap) < 0)
		wr_log_error("port mapping: cannot be asked for");
}

void wr_node_backend_opened(struct wr_node *node)
{
	uint16_t port = wr_backend_port(node->backend);

	if (node->config.port_opened)
		node->config.port_opened(node->config.context, port);
	wr_address_watch_skip(node->addresses, wr_backend_index(node->backend));
	map_port(node, port);
	gather(node);
}

void wr_node_unwatch_addresses(struct wr_node *node)
{
	wr_handle_close((uv_handle_t *)&node->sleep_timer);
	node->addresses = wr_address_watch_close(node->addresses);
	node->portmap = wr_portmap_close(node->portmap);
}
