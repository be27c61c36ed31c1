/* What happens to networks and machines. */
#include "path_world.h"

static struct host *any_host(struct world *world)
{
	return &world->hosts[below(world, HOSTS)];
}

/* The hub sees the machines again; until then nothing is promised. */
static void be_seen(struct world *world)
{
	unsigned loss = world->loss;

	world->loss = 0;
	for (int i = 0; i < HOSTS; i++) {
		wr_heap_remove(&world->alarms, &world->hosts[i].hello);
		node_fire(world, &world->hosts[i], &world->hosts[i].hello);
	}
	world->loss = loss;
	world_play(world, S);
	oracle_forgive(world);
}

/* A NAT that restarts: other ports from now on. */
static void rebind(struct world *world)
{
	if (!world->nat_count)
		return;
	nat_forget(&world->nats[below(world, (uint64_t)world->nat_count)]);
	be_seen(world);
}

static void sleep_for(struct world *world, struct host *host, uint64_t span)
{
	struct wr_heap_node *nodes[] = { &host->alarm, &host->look, &host->pace };

	host->is_asleep = true;
	/* The other one goes on talking to nobody, more slowly: the run is to end. */
	if (world->hosts[!host->number].every)
		node_set_pace(world, &world->hosts[!host->number], 900 * MS);
	world_play(world, span);
	host->is_asleep = false;
	oracle_forgive(world);
	for (size_t i = 0; i < WR_ARRAY_LEN(nodes); i++) {
		if (wr_heap_has(nodes[i])) {
			wr_heap_remove(&world->alarms, nodes[i]);
			node_fire(world, host, nodes[i]);
		}
	}
	if (chance(world, 50))
		wr_path_moved(host->path, (struct wr_instant){ world->now });
	node_settle(world, host);
	be_seen(world);
}

/* The agent is started again: nobody tells the other side. */
static void restart(struct world *world, struct host *host)
{
	node_restart(world, host);
	/* The peer's session is of no use any more. */
	world->hosts[!host->number].has_session = false;
	oracle_forgive(world);
}

static void be_idle(struct world *world)
{
	uint64_t paces[HOSTS] = { world->hosts[0].every, world->hosts[1].every };

	for (int i = 0; i < HOSTS; i++)
		node_set_pace(world, &world->hosts[i], 0);
	world_play(world, (1 + below(world, 400)) * S);
	for (int i = 0; i < HOSTS; i++)
		node_set_pace(world, &world->hosts[i], paces[i]);
	oracle_forgive(world);
}

static void cut(struct world *world)
{
	int way = (int)below(world, 3);

	world->is_cut[0] = way != 0;
	world->is_cut[1] = way != 1;
	trace(world, "cut %d%d", world->is_cut[0], world->is_cut[1]);
}

static void flap(struct world *world)
{
	for (uint64_t i = 2 + below(world, 6); i > 0; i--) {
		cut(world);
		world_play(world, (100 + below(world, 8000)) * MS);
		world->is_cut[0] = world->is_cut[1] = false;
		world_play(world, (100 + below(world, 8000)) * MS);
	}
}

void chaos_strike(struct world *world)
{
	uint64_t what = below(world, 10);
	struct host *host = any_host(world);

	world->is_steady = false;
	trace(world, "chaos %llu", (unsigned long long)what);
	switch (what) {
	case 0: rebind(world); break;
	case 1: sleep_for(world, host, (1 + below(world, 60)) * S); break;
	case 2: sleep_for(world, host, (60 + below(world, 4000)) * S); break;
	case 3: restart(world, host); break;
	case 4: be_idle(world); break;
	case 5: world->loss = (unsigned)below(world, 20); break;
	case 6: flap(world); break;
	case 7:
		wr_path_moved(host->path, (struct wr_instant){ world->now });
		node_settle(world, host);
		break;
	default: cut(world); break;
	}
}

void chaos_end(struct world *world)
{
	trace(world, "calm");
	world->is_cut[0] = world->is_cut[1] = false;
	world->loss = 0;
}
