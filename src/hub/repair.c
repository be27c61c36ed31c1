/* What the engine holds is compared with what it should hold, and mended. */
#include "base/log.h"
#include "hub/state.h"

static bool is_strange(const struct wr_hub_org_state *org, const struct wr_peer *peer)
{
	const struct wr_hub_machine_state *machine = peer->slot < org->slot_next
							     ? org->by_slot[peer->slot]
							     : NULL;

	return !machine || machine->is_off ||
	       !wr_key_equal(&machine->public_key, &peer->public_key);
}

/* Peers that nobody ordered. */
static unsigned remove_strangers(struct wr_hub_org_state *org)
{
	struct wr_peer *peer = org->device->peer_first;
	unsigned count = 0;

	while (peer) {
		struct wr_peer *next = peer->list_next;

		if (is_strange(org, peer)) {
			wr_peer_remove(peer);
			count++;
		}
		peer = next;
	}
	return count;
}

static unsigned mend_org(struct wr_hub_org_state *org)
{
	unsigned count = wr_hub_mend_device(org);
	struct wr_hub_machine_state *machine;
	size_t at = 0, peers = 0;

	while ((machine = wr_map_next(&org->machines, &at))) {
		count += wr_hub_mend_peer(machine);
		peers += !machine->is_off;
	}
	if (org->device->peer_count != peers)
		count += remove_strangers(org);
	wr_hub_make_room(org);
	return count + wr_hub_mend_gateway(org);
}

static unsigned mend_sockets(struct wr_hub *hub)
{
	int error;

	if (wr_engine_is_listening(hub->engine))
		return 0;
	wr_engine_unlisten(hub->engine);
	error = wr_engine_listen(hub->engine, hub->port, 0);
	if (error)
		wr_log_error(
			"the hub's port cannot be opened: port=%u error=%d; another try in 3 s",
			hub->port, error);
	return 1;
}

void wr_hub_repair(struct wr_hub *hub)
{
	unsigned count = mend_sockets(hub);
	struct wr_hub_org_state *org;
	size_t at = 0;

	while ((org = wr_map_next(&hub->orgs, &at)))
		count += mend_org(org);
	if (!count)
		return;
	hub->repairs += count;
	wr_log_error("repaired: things=%u", count);
	wr_hub_unsettle(hub);
}
