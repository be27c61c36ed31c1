#include "world.h"

#define TICK S

/* SplitMix64. */
uint64_t draw(struct world *world)
{
	uint64_t z = (world->random += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint64_t below(struct world *world, uint64_t limit)
{
	return draw(world) % limit;
}

bool chance(struct world *world, unsigned percent)
{
	return below(world, 100) < percent;
}

/* --- Building. --- */

static struct wr_key new_key(struct world *world)
{
	struct wr_key key;

	for (size_t i = 0; i < sizeof(key.bytes); i++)
		key.bytes[i] = (uint8_t)draw(world);
	return key;
}

static void build_node(struct world *world, size_t number)
{
	struct node *node = &world->nodes[number];

	node->world = world;
	node->number = number;
	/* The first is always where everybody knows it to be. */
	node->is_mobile = number > 0 && chance(world, 60);
	node->address = net_new_address(world, node);
	node->boot = world->now - (1 + below(world, 100000)) * S;
	node->wall_offset = (int64_t)below(world, 3600 * S);
	node->device_count = 1 + below(world, MAX_DEVICES);
	for (size_t i = 0; i < node->device_count; i++)
		node->private_keys[i] = new_key(world);
}

static void build_side(struct world *world, struct link *link, size_t which, struct node *node)
{
	link->sides[which] = (struct side){
		.node = node,
		.link = link,
		.other = &link->sides[!which],
		.device = below(world, node->device_count),
		.keepalive = chance(world, 40) ? (uint16_t)(10 + below(world, 20)) : 0,
	};
}

/* One of them must be where the other can find it. */
static void build_link(struct world *world, struct node *a, struct node *b)
{
	struct link *link;

	if (a == b || (a->is_mobile && b->is_mobile) || world->link_count == MAX_LINKS)
		return;
	for (size_t i = 0; i < world->link_count; i++)
		if ((world->links[i].sides[0].node == a && world->links[i].sides[1].node == b) ||
		    (world->links[i].sides[0].node == b && world->links[i].sides[1].node == a))
			return;
	link = &world->links[world->link_count++];
	build_side(world, link, 0, a);
	build_side(world, link, 1, b);
	if (chance(world, 50))
		link->psk = new_key(world);
}

void world_build(struct world *world, size_t node_count)
{
	world->now = 200000 * S;
	world->node_count = node_count;
	for (size_t i = 0; i < node_count; i++)
		build_node(world, i);
	for (size_t i = 1; i < node_count; i++) {
		build_link(world, &world->nodes[i], &world->nodes[0]);
		build_link(world, &world->nodes[i], &world->nodes[below(world, i)]);
	}
	for (size_t i = 0; i < node_count; i++)
		node_start(&world->nodes[i]);
}

static void drop_flights(struct world *world)
{
	struct wr_heap_node *first;

	while ((first = wr_heap_first(&world->flights))) {
		wr_heap_remove(&world->flights, first);
		free(WR_CONTAINER_OF(first, struct flight, due));
	}
}

void world_clear(struct world *world)
{
	for (size_t i = 0; i < world->node_count; i++)
		node_stop(&world->nodes[i]);
	drop_flights(world);
	wr_heap_done(&world->flights);
	wr_heap_done(&world->flows);
	wr_heap_done(&world->alarms);
	free(world->packets);
	free(world->nonces);
}

/* --- Traffic. --- */

static void plan_next(struct side *side)
{
	struct world *world = side->node->world;
	struct wr_instant next = { world->now + side->pace / 2 + below(world, side->pace) };

	if (!wr_heap_set(&world->flows, &side->flow, next))
		abort();
}

void side_draw_pace(struct side *side)
{
	static const uint64_t paces[] = { 200 * MS, S, 2 * S, 2 * S, 12 * S, 40 * S, 0 };
	struct world *world = side->node->world;

	side->pace = paces[below(world, WR_ARRAY_LEN(paces))];
	wr_heap_remove(&world->flows, &side->flow);
	if (side->pace)
		plan_next(side);
}

/* --- The event loop. --- */

static struct wr_heap_node *pop(struct wr_heap *heap)
{
	struct wr_heap_node *node = wr_heap_first(heap);

	wr_heap_remove(heap, node);
	return node;
}

static void land(struct world *world)
{
	struct flight *flight = WR_CONTAINER_OF(pop(&world->flights), struct flight, due);

	net_deliver(world, flight);
	free(flight);
}

static void flow(struct world *world)
{
	struct side *side = WR_CONTAINER_OF(pop(&world->flows), struct side, flow);

	if (world->is_quiet)
		return;
	side_send(side);
	plan_next(side);
}

static void ring(struct world *world)
{
	node_settle(WR_CONTAINER_OF(pop(&world->alarms), struct node, alarm));
}

/* One event, if there is one until `until`. */
static bool step(struct world *world, uint64_t until)
{
	uint64_t flight = wr_heap_deadline(&world->flights).ns;
	uint64_t flow_due = wr_heap_deadline(&world->flows).ns;
	uint64_t alarm = wr_heap_deadline(&world->alarms).ns;
	uint64_t first = flight < flow_due ? flight : flow_due;

	first = first < alarm ? first : alarm;
	if (first > until)
		return false;
	if (first > world->now)
		world->now = first;
	if (first == alarm)
		ring(world);
	else if (first == flight)
		land(world);
	else
		flow(world);
	return true;
}

void world_play(struct world *world, uint64_t span)
{
	uint64_t end = world->now + span;

	while (world->now < end) {
		uint64_t tick = world->now + TICK < end ? world->now + TICK : end;

		while (step(world, tick))
			;
		world->now = tick;
		oracle_check_timers(world);
	}
}
