/* Networks and NATs. */
#include "path_world.h"

bool same(struct address a, struct address b)
{
	return a.ip == b.ip && a.port == b.port && a.is_v6 == b.is_v6;
}

/* --- NATs. --- */

void nat_forget(struct nat *nat)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		if (!nat->entries[i].is_static)
			nat->entries[i].port = 0;
	}
	nat->next_port = (uint16_t)(nat->next_port + 1000);
}

static bool is_old(const struct world *world, const struct nat *nat, uint64_t used)
{
	return used + nat->lifetime <= world->now;
}

static void note_flow(struct world *world, struct entry *entry, struct address to)
{
	size_t oldest = 0;

	entry->used = world->now;
	for (size_t i = 0; i < WR_ARRAY_LEN(entry->flows); i++) {
		if (same(entry->flows[i].to, to)) {
			entry->flows[i].used = world->now;
			return;
		}
		if (entry->flows[i].used < entry->flows[oldest].used)
			oldest = i;
	}
	entry->flows[oldest].to = to;
	entry->flows[oldest].used = world->now;
}

static bool has_flow(const struct world *world, const struct nat *nat, const struct entry *entry,
		     struct address to, bool any_port)
{
	for (size_t i = 0; i < WR_ARRAY_LEN(entry->flows); i++) {
		if (entry->flows[i].used && !is_old(world, nat, entry->flows[i].used) &&
		    entry->flows[i].to.ip == to.ip &&
		    (any_port || entry->flows[i].to.port == to.port))
			return true;
	}
	return false;
}

static bool fits(const struct world *world, const struct nat *nat, const struct entry *entry,
		 struct address inside, struct address to)
{
	if (!entry->port || !same(entry->inside, inside))
		return false;
	if (entry->is_static) /* it answers what came in by it */
		return has_flow(world, nat, entry, to, false);
	if (is_old(world, nat, entry->used))
		return false;
	return nat->mapping == MAPS_ALIKE || same(entry->to, to);
}

static struct entry *find_outgoing(struct world *world, struct nat *nat, struct address inside,
				   struct address to)
{
	struct entry *oldest = NULL;

	/* The static ones first: an answer leaves by the port that was asked. */
	for (size_t i = 0; i < ENTRIES; i++) {
		if (fits(world, nat, &nat->entries[i], inside, to))
			return &nat->entries[i];
		if (i >= HOSTS && !nat->entries[i].is_static &&
		    (!oldest || !nat->entries[i].port || nat->entries[i].used < oldest->used))
			oldest = &nat->entries[i];
	}
	memset(oldest, 0, sizeof(*oldest));
	oldest->inside = inside;
	oldest->to = to;
	oldest->port = nat->next_port++;
	return oldest;
}

static struct address translate_out(struct world *world, struct nat *nat, struct address inside,
				    struct address to)
{
	struct entry *entry = find_outgoing(world, nat, inside, to);

	note_flow(world, entry, to);
	return (struct address){ nat->ip, entry->port, false };
}

static bool lets_in(const struct world *world, const struct nat *nat, const struct entry *entry,
		    struct address from)
{
	if (entry->is_static)
		return true;
	if (is_old(world, nat, entry->used))
		return false;
	if (nat->mapping == MAPS_BY_ADDRESS)
		return same(entry->to, from);
	switch (nat->filtering) {
	case LETS_ALL: return true;
	case LETS_ADDRESS: return has_flow(world, nat, entry, from, true);
	case LETS_ADDRESS_AND_PORT: return has_flow(world, nat, entry, from, false);
	}
	return false;
}

static bool translate_in(struct world *world, struct nat *nat, struct packet *packet)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry *entry = &nat->entries[i];

		if (entry->port != packet->to.port || !entry->port)
			continue;
		if (!lets_in(world, nat, entry, packet->from))
			return false;
		if (entry->is_static)
			note_flow(world, entry, packet->from);
		packet->to = entry->inside;
		return true;
	}
	return false;
}

/* A port of the outermost NAT that leads to the host, through all of them. */
struct address nat_map_port(struct world *world, struct host *host)
{
	struct address inside = host->address;
	int net = host->net;

	while (world->gateway[net] >= 0) {
		struct nat *nat = &world->nats[world->gateway[net]];

		nat->entries[host->number] = (struct entry){
			.inside = inside,
			.port = (uint16_t)(60000 + host->number),
			.is_static = true,
		};
		inside = (struct address){ nat->ip, (uint16_t)(60000 + host->number), false };
		net = nat->outer;
	}
	return inside;
}

/* --- Nets. --- */

static int host_at(const struct world *world, int net, uint32_t ip)
{
	if (net == INTERNET && ip == world->hub.ip)
		return HUB;
	for (int i = 0; i < HOSTS; i++)
		if (world->hosts[i].net == net && world->hosts[i].address.ip == ip)
			return i;
	return -1;
}

static int nat_at(const struct world *world, int net, uint32_t ip)
{
	for (int i = 0; i < world->nat_count; i++)
		if (world->nats[i].outer == net && world->nats[i].ip == ip)
			return i;
	return -1;
}

/* Up to the net where the destination is. False: nowhere. */
static bool leave(struct world *world, struct packet *packet, int net)
{
	packet->to_nat = -1;
	for (;;) {
		int gateway = world->gateway[net];
		struct nat *nat = gateway >= 0 ? &world->nats[gateway] : NULL;

		packet->at_net = net;
		if (host_at(world, net, packet->to.ip) >= 0 ||
		    nat_at(world, net, packet->to.ip) >= 0)
			return true;
		if (!nat)
			return false;
		if (packet->to.ip == nat->ip) {
			packet->to_nat = gateway;
			if (!nat->has_hairpin)
				return false;
			packet->from = translate_out(world, nat, packet->from, packet->to);
			return true;
		}
		packet->from = translate_out(world, nat, packet->from, packet->to);
		net = nat->outer;
	}
}

static bool leave_v6(struct world *world, struct packet *packet)
{
	struct host *host = &world->hosts[packet->sender];
	size_t oldest = 0;

	if (packet->is_relayed || !host->v6.port)
		return false;
	packet->from = host->v6;
	for (size_t i = 0; i < WR_ARRAY_LEN(host->flows); i++) {
		if (same(host->flows[i].to, packet->to))
			oldest = i;
		else if (host->flows[i].used < host->flows[oldest].used &&
			 !same(host->flows[oldest].to, packet->to))
			oldest = i;
	}
	host->flows[oldest].to = packet->to;
	host->flows[oldest].used = world->now;
	return true;
}

static uint64_t delay_of(struct world *world, const struct packet *packet)
{
	int from = packet->is_relayed ? HUB : packet->sender;
	int to = same(packet->to, world->hub) ? HUB : packet->receiver;
	uint64_t delay = world->delay[from][to];

	if (packet->at_net != INTERNET && !packet->to.is_v6)
		delay = MS / 2;
	return delay + below(world, world->jitter + 1);
}

/* Takes the packet. */
void net_send(struct world *world, struct packet *packet)
{
	struct host *host = &world->hosts[packet->sender];
	bool is_to_hub = same(packet->to, world->hub);
	bool is_by_channel = host->is_blocked && is_to_hub;
	bool can;

	if (packet->is_relayed)
		can = world->hosts[packet->receiver].is_blocked || leave(world, packet, INTERNET);
	else if (packet->to.is_v6)
		can = leave_v6(world, packet);
	else
		can = is_by_channel || leave(world, packet, host->net);
	if (!can || (host->is_blocked && !is_to_hub && !packet->is_relayed) ||
	    chance(world, world->loss)) {
		free(packet);
		return;
	}
	world->flying++;
	if (!wr_heap_set(&world->due, &packet->due,
			 (struct wr_instant){ world->now + delay_of(world, packet) }))
		abort();
}

static int arrive_v6(struct world *world, struct packet *packet)
{
	for (int i = 0; i < HOSTS; i++) {
		struct host *host = &world->hosts[i];

		if (!host->v6.port || host->v6.ip != packet->to.ip)
			continue;
		for (size_t j = 0; host->has_firewall && j < WR_ARRAY_LEN(host->flows); j++) {
			if (same(host->flows[j].to, packet->from) &&
			    host->flows[j].used + 120 * S > world->now)
				return i;
		}
		return host->has_firewall ? -1 : i;
	}
	return -1;
}

int net_arrive(struct world *world, struct packet *packet)
{
	int nat = packet->to_nat, net = packet->at_net;

	if (packet->to.is_v6)
		return arrive_v6(world, packet);
	if (same(packet->to, world->hub))
		return HUB;
	if (packet->is_relayed && world->hosts[packet->receiver].is_blocked)
		return packet->receiver;
	for (;;) {
		int host = nat < 0 ? host_at(world, net, packet->to.ip) : -1;

		if (host >= 0)
			return host;
		if (nat < 0)
			nat = nat_at(world, net, packet->to.ip);
		if (nat < 0 || !translate_in(world, &world->nats[nat], packet))
			return -1;
		net = world->nats[nat].inner;
		nat = -1;
	}
}
