/* Where we may be reached: addresses of this host, and what a router maps for us. */
#include <string.h>

#include "agent/address_watch.h"
#include "agent/inside.h"
#include "agent/portmap.h"
#include "base/log.h"
#include "linux/addresses.h"
#include "linux/clock.h"

/* The others are for what a router maps, and what others see. */
#define OWN_MAX (WR_PATH_CANDIDATES - 2)

static void add_own(struct wr_agent *agent, struct wr_path_own *own)
{
	struct wr_host_address addresses[WR_ADDRESSES_MAX];
	uint32_t tunnel = wr_backend_index(agent->backend);
	int count = wr_addresses_list(&tunnel, 1, addresses);

	for (int i = 0; i < count && own->count < OWN_MAX; i++)
		own->candidates[own->count++] = (struct wr_candidate){
			.kind = addresses[i].is_global ? WR_CANDIDATE_GLOBAL : WR_CANDIDATE_LOCAL,
			.endpoint = { .ip = addresses[i].ip,
				      .port = wr_backend_port(agent->backend) },
		};
}

static void add_mapped(const struct wr_agent *agent, struct wr_path_own *own)
{
	struct wr_portmap_sight sight;

	if (!agent->portmap)
		return;
	wr_portmap_look(agent->portmap, &sight);
	if (sight.external.ip.family != WR_FAMILY_NONE)
		own->candidates[own->count++] = (struct wr_candidate){
			.kind = WR_CANDIDATE_MAPPED,
			.endpoint = sight.external,
		};
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

void wr_agent_gather(struct wr_agent *agent)
{
	struct wr_path_own own = { .count = 0 };

	if (!agent->backend)
		return;
	add_own(agent, &own);
	add_mapped(agent, &own);
	if (is_same(&own, &agent->own))
		return;
	agent->own = own;
	wr_paths_set_candidates(agent->paths, own.candidates, own.count);
	wr_agent_report_now(agent);
}

static void on_mapping_changed(void *context)
{
	wr_agent_gather(context);
}

/* Everything that was known of the way out may be wrong now. */
static void on_network_changed(void *context)
{
	struct wr_agent *agent = context;
	struct wr_endpoint hub = wr_uplink_endpoint(agent->uplink);

	wr_log_verbose("network: changed");
	wr_agent_gather(agent);
	wr_uplink_network_changed(agent->uplink, wr_clock_now());
	/* The hub hears from where we are, and the relay follows. */
	if (agent->backend && agent->map && hub.ip.family != WR_FAMILY_NONE &&
	    wr_backend_probe(agent->backend, &agent->map->hub_key, &hub) < 0)
		(void)wr_backend_wake(agent->backend, &agent->map->hub_key);
	wr_paths_moved(agent->paths);
	wr_channel_hurry(agent->channel);
	if (agent->portmap)
		wr_portmap_moved(agent->portmap);
}

int wr_agent_watch_addresses(struct wr_agent *agent)
{
	return wr_address_watch_open(agent->loop, on_network_changed, agent, &agent->addresses);
}

void wr_agent_backend_opened(struct wr_agent *agent)
{
	const struct wr_portmap_config config = {
		.port = wr_backend_port(agent->backend),
		.changed = on_mapping_changed,
		.context = agent,
	};

	wr_datagrams_expect(agent->datagrams, config.port);
	wr_address_watch_skip(agent->addresses, wr_backend_index(agent->backend));
	if (agent->portmap)
		wr_portmap_set_port(agent->portmap, config.port);
	else if (wr_portmap_open(agent->loop, &config, &agent->portmap) < 0)
		wr_log_error("port mapping: cannot be asked for");
	wr_agent_gather(agent);
}

void wr_agent_unwatch_addresses(struct wr_agent *agent)
{
	agent->addresses = wr_address_watch_close(agent->addresses);
	agent->portmap = wr_portmap_close(agent->portmap);
}
