/* Organisations: a device each. */
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "hub/state.h"
#include "linux/clock.h"

/* The flows of so many machines have room from the start; it grows with them. */
#define FIRST_MACHINES 4

struct wr_hub_org_state *wr_hub_org(const struct wr_hub *hub, uint64_t number)
{
	return wr_map_get(&hub->orgs, number);
}

/* The first address of a range that is a host's. */
static struct wr_ip own_address(const struct wr_prefix *range)
{
	struct wr_ip own = range->ip;

	if (own.family != WR_FAMILY_NONE)
		own.bytes[wr_ip_bits(own.family) / 8 - 1] |= 1;
	return own;
}

static void set_label(char to[WR_HUB_LABEL_LEN], const char *label)
{
	assert(strlen(label) < WR_HUB_LABEL_LEN);
	strcpy(to, label);
}

static struct wr_filter *new_filter(void)
{
	uint8_t secret[16];
	struct wr_filter *filter;

	wr_random(secret, sizeof(secret));
	filter = wr_filter_new(FIRST_MACHINES, secret, wr_hub_nothing());
	if (!filter)
		wr_hub_no_memory();
	wr_wipe(secret, sizeof(secret));
	return filter;
}

static struct wr_device *new_device(struct wr_hub_org_state *org)
{
	struct wr_engine *engine = org->hub->engine;
	struct wr_device *device = wr_device_new(wr_engine_port(engine));
	struct wr_forwarding forwarding = {
		.filter = org->filter,
		.address4 = org->own4,
		.address6 = org->own6,
	};

	if (!device || wr_engine_forward(engine, device, &forwarding) < 0 ||
	    wr_device_set_private_key(device, &org->private_key) < 0)
		wr_hub_no_memory();
	return device;
}

static struct wr_hub_org_state *new_org(struct wr_hub *hub, const struct wr_hub_org *wanted)
{
	struct wr_hub_org_state *org = calloc(1, sizeof(*org));

	if (!org)
		wr_hub_no_memory();
	org->hub = hub;
	org->number = wanted->number;
	org->private_key = wanted->private_key;
	org->range4 = wanted->range4;
	org->range6 = wanted->range6;
	org->own4 = own_address(&org->range4);
	org->own6 = own_address(&org->range6);
	org->slot_next = 1;
	org->filter = new_filter();
	org->device = new_device(org);
	if (!wr_map_put(&hub->orgs, org->number, org))
		wr_hub_no_memory();
	return org;
}

static bool is_other(const struct wr_hub_org_state *org, const struct wr_hub_org *wanted)
{
	return !wr_key_equal(&org->private_key, &wanted->private_key) ||
	       memcmp(&org->range4, &wanted->range4, sizeof(org->range4)) != 0 ||
	       memcmp(&org->range6, &wanted->range6, sizeof(org->range6)) != 0;
}

bool wr_hub_mend_device(struct wr_hub_org_state *org)
{
	bool is_right = org->device->is_up == org->is_enabled &&
			wr_key_equal(&org->device->identity.private_key, &org->private_key);

	if (is_right)
		return false;
	if (!wr_key_equal(&org->device->identity.private_key, &org->private_key) &&
	    wr_device_set_private_key(org->device, &org->private_key) < 0)
		wr_hub_no_memory();
	wr_device_set_up(org->device, org->is_enabled, wr_clock_now());
	return true;
}

static void wake_all(struct wr_hub_org_state *org)
{
	struct wr_hub_machine_state *machine;
	size_t at = 0;

	while ((machine = wr_map_next(&org->machines, &at)))
		wr_hub_wake(machine);
}

void wr_hub_set_org(struct wr_hub *hub, const struct wr_hub_org *wanted)
{
	struct wr_hub_org_state *org = wr_hub_org(hub, wanted->number);
	bool was_enabled;

	assert(!org || !is_other(org, wanted)); /* keys and ranges are for life */
	if (!org)
		org = new_org(hub, wanted);
	set_label(org->label, wanted->label);
	was_enabled = org->is_enabled;
	org->is_enabled = wanted->is_enabled;
	wr_hub_mend_device(org);
	if (!org->is_enabled)
		wr_hub_close_gateway(org);
	else if (!was_enabled)
		wake_all(org);
	wr_hub_unsettle(hub);
}

/* The filter goes when no worker can see it; what hangs from the device too. */
struct gone_filter {
	struct wr_filter *filter;
	struct wr_retired retired;
};

static void free_filter(struct wr_retired *retired)
{
	struct gone_filter *gone = WR_CONTAINER_OF(retired, struct gone_filter, retired);

	wr_filter_free(gone->filter);
	free(gone);
}

static void retire_filter(struct wr_hub_org_state *org)
{
	struct gone_filter *gone = calloc(1, sizeof(*gone));

	if (!gone)
		wr_hub_no_memory();
	gone->filter = org->filter;
	wr_engine_retire(org->hub->engine, &gone->retired, free_filter);
}

void wr_hub_org_free(struct wr_hub_org_state *org)
{
	struct wr_hub_machine_state *machine;
	size_t at = 0;

	while ((machine = wr_map_next(&org->machines, &at)))
		wr_hub_machine_free(machine);
	wr_map_done(&org->machines);
	wr_map_done(&org->labels);
	wr_policy_free(org->policy);
	free(org->by_slot);
	free(org->free_slots);
	free(org->resting_slots);
	wr_wipe(&org->private_key, sizeof(org->private_key));
	free(org);
}

void wr_hub_remove_org(struct wr_hub *hub, uint64_t number)
{
	struct wr_hub_org_state *org = wr_map_take(&hub->orgs, number);

	if (!org)
		return;
	wr_hub_close_gateway(org);
	wr_hub_unstale(org);
	wr_engine_remove(hub->engine, org->device);
	retire_filter(org);
	wr_hub_org_free(org);
	wr_hub_unsettle(hub);
}

bool wr_hub_count_org(struct wr_hub *hub, uint64_t number, struct wr_hub_org_numbers *ret_numbers)
{
	const struct wr_hub_org_state *org = wr_hub_org(hub, number);
	struct wr_forwarded forwarded;
	size_t online = 0, at = 0;
	const struct wr_hub_machine_state *machine;
	struct wr_wall now = wr_clock_wall();

	if (!org)
		return false;
	wr_engine_count_forwarded(org->device, &forwarded);
	while ((machine = wr_map_next(&org->machines, &at)))
		online += machine->last_seen.ns + WR_HUB_ONLINE.ns > now.ns;
	*ret_numbers = (struct wr_hub_org_numbers){
		.machines = org->machines.count,
		.online = online,
		.flows = wr_filter_flow_count(org->filter, wr_clock_now()),
		.forwarded_packets = forwarded.packets,
		.forwarded_bytes = forwarded.bytes,
		.denied_packets = forwarded.denied,
		.lost_packets = forwarded.lost,
		.has_gateway = org->gateway,
	};
	return true;
}
