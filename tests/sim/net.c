#include "world.h"

uint32_t net_new_address(struct world *world, struct node *node)
{
	assert(world->address_count < WR_ARRAY_LEN(world->by_address));
	world->by_address[world->address_count] = node;
	return world->address_count++;
}

struct wr_endpoint net_endpoint(uint32_t address)
{
	struct wr_endpoint endpoint = { .port = 51820, .ip = { .family = WR_IPV4 } };

	if (address % 2) {
		endpoint.ip.family = WR_IPV6;
		endpoint.ip.bytes[0] = 0xfd;
	}
	memcpy(endpoint.ip.bytes + (address % 2 ? 12 : 0), &address, sizeof(address));
	return endpoint;
}

static uint32_t address_of(const struct wr_endpoint *endpoint)
{
	uint32_t address;

	memcpy(&address, endpoint->ip.bytes + (endpoint->ip.family == WR_IPV6 ? 12 : 0),
	       sizeof(address));
	return address;
}

static bool is_cut(const struct world *world, const struct node *a, const struct node *b)
{
	for (size_t i = 0; i < world->link_count; i++) {
		const struct link *link = &world->links[i];

		if (link->is_cut && ((link->sides[0].node == a && link->sides[1].node == b) ||
				     (link->sides[0].node == b && link->sides[1].node == a)))
			return true;
	}
	return false;
}

static void take_off(struct node *from, const struct wr_endpoint *to, const uint8_t *data,
		     size_t len)
{
	struct world *world = from->world;
	const struct weather *weather = &world->weather;
	struct flight *flight = calloc(1, sizeof(*flight));
	struct wr_instant due = { world->now + weather->delay };

	assert(flight && len <= sizeof(flight->data));
	flight->from = net_endpoint(from->address);
	flight->to = *to;
	flight->len = len;
	memcpy(flight->data, data, len);
	due.ns += weather->spread ? below(world, weather->spread) : 0;
	if (!wr_heap_set(&world->flights, &flight->due, due))
		abort();
}

void net_send(struct node *from, const struct wr_endpoint *to, const uint8_t *data, size_t len)
{
	struct world *world = from->world;
	unsigned copies = 1 + chance(world, world->weather.repeat);

	for (unsigned i = 0; i < copies; i++) {
		if (!chance(world, world->weather.loss))
			take_off(from, to, data, len);
	}
}

/* To whoever is at that address when it arrives. */
void net_deliver(struct world *world, struct flight *flight)
{
	struct node *node = world->by_address[address_of(&flight->to)];
	struct node *from = world->by_address[address_of(&flight->from)];

	if (node && !(from && is_cut(world, from, node)))
		node_input(node, flight);
}
