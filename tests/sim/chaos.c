#include "world.h"

static struct node *any_node(struct world *world)
{
	return &world->nodes[below(world, world->node_count)];
}

static uint64_t wall_of(const struct node *node)
{
	return 1700000000 * S + node->world->now + (uint64_t)node->wall_offset;
}

/* A machine that has forgotten what it sent, and whose clock stands before that,
 * cannot be told from a replay, by anybody: its clock must be right. */
static void keep_clock_after(struct node *node, uint64_t least)
{
	uint64_t wall = wall_of(node);

	if (wall < least)
		node->wall_offset += (int64_t)(least - wall);
}

static void restart(struct node *node)
{
	node_stop(node);
	keep_clock_after(node, node->wall_max);
	node->wall_restart = wall_of(node);
	node->boot = node->world->now - (1 + below(node->world, 100)) * S;
	node_start(node);
}

static void set_clock(struct node *node)
{
	int64_t jump = (int64_t)below(node->world, 7200 * S) - (int64_t)(3600 * S);

	node->wall_offset += jump;
	keep_clock_after(node, node->wall_restart);
}

static void roam(struct node *node)
{
	if (!node->is_mobile)
		return;
	node->world->by_address[node->address] = NULL;
	node->address = net_new_address(node->world, node);
}

static void cut(struct world *world)
{
	struct link *link = &world->links[below(world, world->link_count)];

	link->is_cut = !link->is_cut;
}

void chaos_strike(struct world *world)
{
	struct node *node = any_node(world);
	uint64_t what = below(world, 8);

	trace(world, "chaos %llu at %zu", (unsigned long long)what, node->number);
	switch (what) {
	case 0: restart(node); break;
	case 1: set_clock(node); break;
	case 2:
	case 3: roam(node); break;
	case 4: node->is_under_load = !node->is_under_load; break;
	case 5: node_set_down(node, !node->is_down); break;
	default: cut(world); break;
	}
}

void chaos_begin(struct world *world)
{
	world->weather = (struct weather){
		.loss = (unsigned)below(world, 60),
		.repeat = (unsigned)below(world, 30),
		.delay = below(world, 300) * MS,
		.spread = below(world, 800) * MS,
	};
}

void chaos_end(struct world *world)
{
	trace(world, "calm");
	world->weather = (struct weather){
		.repeat = (unsigned)below(world, 10),
		.delay = below(world, 100) * MS,
		.spread = below(world, 100) * MS,
	};
	for (size_t i = 0; i < world->link_count; i++)
		world->links[i].is_cut = false;
	for (size_t i = 0; i < world->node_count; i++) {
		/* Not only strangers make load. */
		world->nodes[i].is_under_load = chance(world, 15);
		if (world->nodes[i].is_down)
			node_set_down(&world->nodes[i], false);
	}
}
