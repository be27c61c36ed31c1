/* Random networks, and what can be direct in them. */
#include "path_world.h"

uint64_t draw(struct world *world)
{
	/* splitmix64 */
	uint64_t z = world->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

uint64_t below(struct world *world, uint64_t limit)
{
	return limit ? draw(world) % limit : 0;
}

bool chance(struct world *world, unsigned percent)
{
	return percent && below(world, 100) < percent;
}

struct wr_endpoint endpoint_of(struct address address)
{
	struct wr_endpoint endpoint = { .port = address.port };
	uint8_t *at = endpoint.ip.bytes;

	endpoint.ip.family = address.is_v6 ? WR_IPV6 : WR_IPV4;
	if (address.is_v6) {
		at[0] = 0x20;
		at[1] = 0x01;
		at += 12;
	}
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(address.ip >> (24 - 8 * i));
	return endpoint;
}

struct address address_of(const struct wr_endpoint *endpoint)
{
	bool is_v6 = endpoint->ip.family == WR_IPV6;
	const uint8_t *at = endpoint->ip.bytes + (is_v6 ? 12 : 0);
	uint32_t ip = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];

	return (struct address){ ip, endpoint->port, is_v6 };
}

/* --- Drawing. --- */

static int add_nat(struct world *world, int outer, uint32_t ip)
{
	static const uint64_t lifetimes[] = { 30 * S, 60 * S, 120 * S, 300 * S };
	struct nat *nat = &world->nats[world->nat_count];
	int inner = world->net_count++;

	assert(world->nat_count < NATS && world->net_count <= NETS);
	*nat = (struct nat){
		.inner = inner,
		.outer = outer,
		.ip = ip,
		.mapping = chance(world, 30) ? MAPS_BY_ADDRESS : MAPS_ALIKE,
		.filtering = (enum filtering)below(world, 3),
		.has_hairpin = chance(world, 50),
		.lifetime = lifetimes[below(world, WR_ARRAY_LEN(lifetimes))],
		.next_port = (uint16_t)(20000 + below(world, 10000)),
	};
	world->gateway[inner] = world->nat_count++;
	return inner;
}

/* Sites use the same private addresses, as homes do. */
static void place(struct host *host, int net, uint32_t last)
{
	host->net = net;
	host->address = (struct address){
		(net == INTERNET ? 0xc6336400 + 100 : 0xc0a80100) + last,
		51820,
		false,
	};
}

/* A home, or a home behind the provider's NAT. */
static int draw_site(struct world *world, uint32_t number)
{
	int net = INTERNET;

	if (chance(world, 15))
		return net;
	if (chance(world, 15))
		net = add_nat(world, net, 0xc6336400 + number + 10);
	return add_nat(world, net, net == INTERNET ? 0xc6336400 + number : 0x64400000 + number);
}

static void draw_places(struct world *world)
{
	int first = draw_site(world, 1), second;

	place(&world->hosts[0], first, 2 + (uint32_t)below(world, 2));
	if (first != INTERNET && chance(world, 15)) {
		place(&world->hosts[1], first, 5);
		return;
	}
	/* Two homes of one provider. */
	if (first != INTERNET && world->nat_count == 2 && chance(world, 50))
		second = add_nat(world, world->nats[0].inner, 0x64400000 + 7);
	else
		second = draw_site(world, 2);
	place(&world->hosts[1], second, second == INTERNET ? 20 : 2 + (uint32_t)below(world, 2));
}

static void draw_weather(struct world *world)
{
	uint64_t most = (5 + below(world, 120)) * MS;

	for (int i = 0; i <= HOSTS; i++) {
		for (int j = 0; j < i; j++)
			world->delay[i][j] = world->delay[j][i] = MS + below(world, most);
	}
	world->jitter = below(world, 3) * MS;
}

void world_build(struct world *world)
{
	world->now = (1 + below(world, 1000)) * S;
	world->net_count = 1;
	for (int i = 0; i < NETS; i++)
		world->gateway[i] = -1;
	world->hub = (struct address){ 0xcb007101, 51820, false };
	draw_places(world);
	draw_weather(world);
	for (int i = 0; i < HOSTS; i++) {
		struct host *host = &world->hosts[i];

		host->number = i;
		host->is_blocked = chance(world, 5);
		host->is_kernel = chance(world, 20);
		host->has_mapping = host->net != INTERNET && chance(world, 15);
		if (chance(world, 25))
			host->v6 = (struct address){ 0x100 + (uint32_t)i, 51820, true };
		host->has_firewall = chance(world, 70);
	}
}

/* --- What can be. --- */

struct ease {
	enum mapping mapping;
	enum filtering filtering;
	bool is_open; /* anybody reaches it */
};

static struct ease ease_of(const struct world *world, const struct host *host, int top)
{
	struct ease ease = { MAPS_ALIKE, LETS_ALL, host->has_mapping };
	int net = host->net;

	for (; net != top; net = world->nats[world->gateway[net]].outer) {
		const struct nat *nat = &world->nats[world->gateway[net]];

		if (nat->mapping == MAPS_BY_ADDRESS) {
			ease.mapping = MAPS_BY_ADDRESS;
			ease.filtering = LETS_ADDRESS_AND_PORT;
		} else if (nat->filtering > ease.filtering) {
			ease.filtering = nat->filtering;
		}
	}
	ease.is_open |= ease.mapping == MAPS_ALIKE && ease.filtering == LETS_ALL;
	return ease;
}

static bool can_meet(struct ease a, struct ease b)
{
	if (a.is_open || b.is_open)
		return true;
	if (a.mapping == MAPS_ALIKE && b.mapping == MAPS_ALIKE)
		return true;
	if (a.mapping == MAPS_BY_ADDRESS && b.mapping == MAPS_BY_ADDRESS)
		return false;
	/* The easy side must let in a port that it never sent to. */
	return a.mapping == MAPS_ALIKE ? a.filtering < LETS_ADDRESS_AND_PORT
				       : b.filtering < LETS_ADDRESS_AND_PORT;
}

/* The NAT nearest to the Internet. */
static int outermost(const struct world *world, int net)
{
	int nat = -1;

	for (; net != INTERNET; net = world->nats[nat].outer)
		nat = world->gateway[net];
	return nat;
}

bool world_can_be_direct(const struct world *world)
{
	const struct host *a = &world->hosts[0], *b = &world->hosts[1];
	int outer = outermost(world, a->net);

	if (a->is_blocked || b->is_blocked)
		return false;
	if (a->net == b->net || (a->v6.port && b->v6.port))
		return true;
	if (outer >= 0 && outer == outermost(world, b->net) && !world->nats[outer].has_hairpin)
		return false;
	return can_meet(ease_of(world, a, INTERNET), ease_of(world, b, INTERNET));
}

bool world_is_simple(const struct world *world)
{
	const struct host *a = &world->hosts[0], *b = &world->hosts[1];

	return world_can_be_direct(world) && !a->is_kernel && !b->is_kernel &&
	       world->delay[0][1] < 60 * MS && world->delay[0][HUB] < 60 * MS &&
	       world->delay[1][HUB] < 60 * MS;
}
