/* Machines: a peer each, in a slot. */
#include <stdlib.h>
#include <string.h>

#include "hub/state.h"
#include "linux/clock.h"

/* Handshakes that are begun at a time, some 150 us each, and how often: 10,000 machines
 * are woken in 2.5 s, and the loop is never held up for long. */
#define WAKE_AT_A_TIME 40
#define WAKE_EVERY_MS 10

struct wr_hub_machine_state *wr_hub_machine(const struct wr_hub_org_state *org, uint64_t number)
{
	return wr_map_get(&org->machines, number);
}

struct wr_peer *wr_hub_peer_of(const struct wr_hub_machine_state *machine)
{
	return wr_device_find_peer(machine->org->device, &machine->public_key);
}

/* --- Slots. --- */

static void *grow(void *memory, uint32_t room, size_t size)
{
	memory = reallocarray(memory, room, size);
	if (!memory)
		wr_hub_no_memory();
	return memory;
}

static void grow_slots(struct wr_hub_org_state *org)
{
	uint32_t room = org->slot_room ? 2 * org->slot_room : 16;

	org->by_slot = grow(org->by_slot, room, sizeof(struct wr_hub_machine_state *));
	org->free_slots = grow(org->free_slots, room, sizeof(uint32_t));
	org->resting_slots = grow(org->resting_slots, room, sizeof(uint32_t));
	memset(org->by_slot + org->slot_room, 0,
	       (room - org->slot_room) * sizeof(struct wr_hub_machine_state *));
	org->slot_room = room;
}

static void take_slot(struct wr_hub_machine_state *machine)
{
	struct wr_hub_org_state *org = machine->org;

	if (org->free_count) {
		machine->slot = org->free_slots[--org->free_count];
	} else {
		if (org->slot_next >= org->slot_room)
			grow_slots(org);
		machine->slot = org->slot_next++;
	}
	org->by_slot[machine->slot] = machine;
}

/* Nobody else has it before all packets of its machine are gone. */
static void leave_slot(struct wr_hub_machine_state *machine)
{
	struct wr_hub_org_state *org = machine->org;

	wr_ruleset_vacate(wr_filter_ruleset(org->filter), machine->slot);
	org->by_slot[machine->slot] = NULL;
	org->resting_slots[org->resting_count++] = machine->slot;
}

/* --- Labels. --- */

static uint64_t hash_label(const struct wr_hub *hub, const char *label)
{
	return wr_siphash(&hub->hash_key,
			  (struct wr_bytes){ (const uint8_t *)label, strlen(label) });
}

static void enter_label(struct wr_hub_machine_state *machine)
{
	struct wr_hub_org_state *org = machine->org;
	uint64_t hash = hash_label(org->hub, machine->label);

	machine->label_next = wr_map_get(&org->labels, hash);
	if (!wr_map_put(&org->labels, hash, machine))
		wr_hub_no_memory();
}

static void leave_label(struct wr_hub_machine_state *machine)
{
	struct wr_hub_org_state *org = machine->org;
	uint64_t hash = hash_label(org->hub, machine->label);
	struct wr_hub_machine_state *first = wr_map_take(&org->labels, hash);
	struct wr_hub_machine_state **at = &first;

	while (*at && *at != machine)
		at = &(*at)->label_next;
	if (*at)
		*at = machine->label_next;
	if (first && !wr_map_put(&org->labels, hash, first))
		wr_hub_no_memory();
}

struct wr_hub_machine_state *wr_hub_machine_labelled(const struct wr_hub_org_state *org,
						     const char *label)
{
	struct wr_hub_machine_state *machine = wr_map_get(&org->labels,
							  hash_label(org->hub, label));

	while (machine && strcmp(machine->label, label) != 0)
		machine = machine->label_next;
	return machine;
}

/* --- What it should be. --- */

static void free_lists(struct wr_hub_machine_state *machine)
{
	for (size_t i = 0; i < machine->tag_count; i++)
		free(machine->tags[i]);
	free(machine->tags);
	free(machine->routes);
}

void wr_hub_machine_free(struct wr_hub_machine_state *machine)
{
	free_lists(machine);
	wr_wipe(&machine->preshared_key, sizeof(machine->preshared_key));
	free(machine);
}

static void copy_lists(struct wr_hub_machine_state *machine, const struct wr_hub_machine *wanted)
{
	free_lists(machine);
	machine->tag_count = wanted->tag_count;
	machine->route_count = wanted->route_count;
	machine->tags = calloc(wanted->tag_count + 1, sizeof(*machine->tags));
	machine->routes = calloc(wanted->route_count + 1, sizeof(*machine->routes));
	if (!machine->tags || !machine->routes)
		wr_hub_no_memory();
	for (size_t i = 0; i < wanted->tag_count; i++) {
		machine->tags[i] = strdup(wanted->tags[i]);
		if (!machine->tags[i])
			wr_hub_no_memory();
	}
	if (wanted->route_count)
		memcpy(machine->routes, wanted->routes,
		       wanted->route_count * sizeof(*machine->routes));
}

static bool has_same_tags(const struct wr_hub_machine_state *machine,
			  const struct wr_hub_machine *wanted)
{
	if (machine->tag_count != wanted->tag_count)
		return false;
	for (size_t i = 0; i < wanted->tag_count; i++)
		if (strcmp(machine->tags[i], wanted->tags[i]) != 0)
			return false;
	return true;
}

/* --- Its peer. --- */

static struct wr_prefix whole(const struct wr_ip *ip)
{
	return (struct wr_prefix){ *ip, (uint8_t)wr_ip_bits(ip->family) };
}

static void allow(struct wr_peer *peer, const struct wr_prefix *prefix)
{
	if (prefix->ip.family != WR_FAMILY_NONE && wr_peer_allow(peer, prefix) < 0)
		wr_hub_no_memory();
}

static void allow_all(struct wr_peer *peer, const struct wr_hub_machine_state *machine)
{
	struct wr_prefix v4 = whole(&machine->v4), v6 = whole(&machine->v6);

	allow(peer, &v4);
	allow(peer, &v6);
	for (size_t i = 0; i < machine->route_count; i++)
		allow(peer, &machine->routes[i]);
}

static bool leads_to(const struct wr_hub_machine_state *machine, const struct wr_ip *ip,
		     const struct wr_peer *peer)
{
	return ip->family == WR_FAMILY_NONE ||
	       wr_allowedips_find(&machine->org->device->allowed, ip->family, ip->bytes) == peer;
}

static bool is_right(const struct wr_hub_machine_state *machine, const struct wr_peer *peer)
{
	size_t prefixes = machine->route_count + (machine->v4.family != WR_FAMILY_NONE) +
			  (machine->v6.family != WR_FAMILY_NONE);
	size_t count = 0;

	for (const struct wr_allowed_entry *entry = peer->allowed.first; entry; entry = entry->next)
		count++;
	return peer->slot == machine->slot && count == prefixes &&
	       leads_to(machine, &machine->v4, peer) && leads_to(machine, &machine->v6, peer) &&
	       wr_key_equal(&peer->preshared_key, &machine->preshared_key);
}

static void remove_peer(struct wr_hub_machine_state *machine)
{
	struct wr_peer *peer = wr_hub_peer_of(machine);

	if (!peer)
		return;
	machine->rx_before += atomic_load(&peer->activity.rx_bytes);
	machine->tx_before += atomic_load(&peer->activity.tx_bytes);
	machine->rx_seen = 0;
	wr_peer_remove(peer);
}

/* It need not wait for the machine's own timers to know where that is. */
static struct wr_peer *add_peer(struct wr_hub_machine_state *machine)
{
	struct wr_peer *peer = wr_device_add_peer(machine->org->device, &machine->public_key);

	if (!peer)
		wr_hub_no_memory();
	if (machine->endpoint.ip.family != WR_FAMILY_NONE) {
		wr_peer_set_endpoint(peer, &machine->endpoint);
		wr_hub_wake(machine);
	}
	return peer;
}

bool wr_hub_mend_peer(struct wr_hub_machine_state *machine)
{
	struct wr_peer *peer = wr_hub_peer_of(machine);

	if (machine->is_off ? !peer : peer && is_right(machine, peer))
		return false;
	if (machine->is_off) {
		remove_peer(machine);
		return true;
	}
	if (!peer)
		peer = add_peer(machine);
	peer->slot = machine->slot;
	wr_peer_set_preshared_key(peer, &machine->preshared_key);
	wr_peer_disallow_all(peer);
	allow_all(peer, machine);
	return true;
}

/* --- From outside. --- */

static struct wr_hub_machine_state *new_machine(struct wr_hub_org_state *org, uint64_t number)
{
	struct wr_hub_machine_state *machine = calloc(1, sizeof(*machine));

	if (!machine || !wr_map_put(&org->machines, number, machine))
		wr_hub_no_memory();
	machine->org = org;
	machine->number = number;
	take_slot(machine);
	return machine;
}

static void set_names(struct wr_hub_machine_state *machine, const struct wr_hub_machine *wanted)
{
	assert(strlen(wanted->label) < WR_HUB_LABEL_LEN);
	if (machine->label[0])
		leave_label(machine);
	strcpy(machine->label, wanted->label);
	enter_label(machine);
}

void wr_hub_make_room(struct wr_hub_org_state *org)
{
	if (wr_filter_resize(org->filter, org->machines.count,
			     wr_engine_retired(org->hub->engine)) < 0)
		wr_hub_no_memory();
}

void wr_hub_set_machine(struct wr_hub *hub, const struct wr_hub_machine *wanted)
{
	struct wr_hub_org_state *org = wr_hub_org(hub, wanted->org);
	struct wr_hub_machine_state *machine = org ? wr_hub_machine(org, wanted->number) : NULL;
	bool is_new = !machine;
	bool is_moved;

	if (!org)
		return;
	if (is_new)
		machine = new_machine(org, wanted->number);
	is_moved = is_new || strcmp(machine->label, wanted->label) != 0 ||
		   !has_same_tags(machine, wanted) || !wr_ip_equal(&machine->v4, &wanted->v4) ||
		   !wr_ip_equal(&machine->v6, &wanted->v6);
	if (!is_new && !wr_key_equal(&machine->public_key, &wanted->public_key))
		remove_peer(machine);
	set_names(machine, wanted);
	machine->public_key = wanted->public_key;
	machine->preshared_key = wanted->preshared_key;
	machine->is_off = wanted->is_off;
	machine->v4 = wanted->v4;
	machine->v6 = wanted->v6;
	copy_lists(machine, wanted);
	wr_hub_make_room(org);
	if (is_moved)
		wr_hub_place(machine);
	wr_hub_mend_peer(machine);
	if (wanted->endpoint.ip.family != WR_FAMILY_NONE) {
		machine->endpoint = wanted->endpoint;
		if (!machine->is_off)
			wr_peer_set_endpoint(wr_hub_peer_of(machine), &wanted->endpoint);
	}
	if (wanted->is_recent)
		wr_hub_wake(machine);
	wr_hub_unsettle(hub);
}

void wr_hub_remove_machine(struct wr_hub *hub, uint64_t number_of_org, uint64_t number)
{
	struct wr_hub_org_state *org = wr_hub_org(hub, number_of_org);
	struct wr_hub_machine_state *machine = org ? wr_map_take(&org->machines, number) : NULL;

	if (!machine)
		return;
	remove_peer(machine);
	leave_slot(machine);
	leave_label(machine);
	wr_hub_machine_free(machine);
	/* Its flows are judged again, and end. */
	wr_hub_stale(org);
}

/* --- Waking: the hub was away, and so they need not wait for their own timers. --- */

void wr_hub_wake(struct wr_hub_machine_state *machine)
{
	struct wr_hub *hub = machine->org->hub;

	if (hub->wake_count + 2 > hub->wake_room) {
		hub->wake_room = hub->wake_room ? 2 * hub->wake_room : 64;
		hub->wakes = reallocarray(hub->wakes, hub->wake_room, sizeof(*hub->wakes));
		if (!hub->wakes)
			wr_hub_no_memory();
	}
	hub->wakes[hub->wake_count++] = machine->org->number;
	hub->wakes[hub->wake_count++] = machine->number;
	if (!uv_is_active((uv_handle_t *)&hub->wake_timer))
		uv_timer_start(&hub->wake_timer, wr_hub_wake_some, 0, WAKE_EVERY_MS);
}

static void wake_one(const struct wr_hub *hub, uint64_t number_of_org, uint64_t number)
{
	const struct wr_hub_org_state *org = wr_hub_org(hub, number_of_org);
	const struct wr_hub_machine_state *machine = org ? wr_hub_machine(org, number) : NULL;
	struct wr_peer *peer = machine ? wr_hub_peer_of(machine) : NULL;

	if (peer && wr_peer_has_endpoint(peer) && !wr_peer_session(peer, wr_clock_now()))
		wr_peer_ask(peer, WR_ATTENTION_HANDSHAKE);
}

void wr_hub_wake_some(uv_timer_t *timer)
{
	struct wr_hub *hub = timer->data;

	for (unsigned i = 0; i < WAKE_AT_A_TIME && hub->wake_at < hub->wake_count; i++) {
		wake_one(hub, hub->wakes[hub->wake_at], hub->wakes[hub->wake_at + 1]);
		hub->wake_at += 2;
	}
	if (hub->wake_at == hub->wake_count) {
		uv_timer_stop(timer);
		free(hub->wakes);
		hub->wakes = NULL;
		hub->wake_count = hub->wake_room = hub->wake_at = 0;
	}
	wr_driver_run(&hub->driver);
}

/* --- What is seen. --- */

static struct wr_hub_sight look_at(struct wr_hub_machine_state *machine, struct wr_wall now)
{
	struct wr_peer *peer = wr_hub_peer_of(machine);
	struct wr_hub_sight sight = {
		.org = machine->org->number,
		.number = machine->number,
		.rx_bytes = machine->rx_before,
		.tx_bytes = machine->tx_before,
	};
	uint64_t rx = peer ? atomic_load(&peer->activity.rx_bytes) : 0;

	if (rx != machine->rx_seen)
		machine->last_seen = now;
	machine->rx_seen = rx;
	sight.last_seen = machine->last_seen;
	if (!peer)
		return sight;
	sight.rx_bytes += rx;
	sight.tx_bytes += atomic_load(&peer->activity.tx_bytes);
	sight.latest_handshake = peer->latest_handshake;
	if (wr_peer_endpoint(peer, &sight.endpoint))
		machine->endpoint = sight.endpoint;
	return sight;
}

static void look_at_org(struct wr_hub_org_state *org,
			void (*see)(void *context, const struct wr_hub_sight *sight), void *context)
{
	struct wr_wall now = wr_clock_wall();
	struct wr_hub_machine_state *machine;
	size_t at = 0;

	while ((machine = wr_map_next(&org->machines, &at))) {
		struct wr_hub_sight sight = look_at(machine, now);

		see(context, &sight);
	}
}

void wr_hub_look(struct wr_hub *hub, uint64_t number,
		 void (*see)(void *context, const struct wr_hub_sight *sight), void *context)
{
	struct wr_hub_org_state *org;
	size_t at = 0;

	if (number) {
		org = wr_hub_org(hub, number);
		if (org)
			look_at_org(org, see, context);
		return;
	}
	while ((org = wr_map_next(&hub->orgs, &at)))
		look_at_org(org, see, context);
}
