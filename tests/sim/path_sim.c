/* Plays random networks with two members, a seed each.
 *
 * usage: sim_path [--mesh] [--seed N] [--runs N] [--seconds N] [--trace]
 *   --mesh       no hub: members that know only addresses of each other, and nobody relays
 *   --seed N     the first run's seed; each further run has the next one (default: the time)
 *   --runs N     how many runs (default 1000)
 *   --seconds N  instead of --runs: for so long
 *   --trace      print what happens */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "path_world.h"

/* Probing has begun, been answered, and agreed upon; with a round's slack where the network is
 * not simple: the next try is 5.5 s after the first. */
#define SIMPLE (2 * S)
#define SOON (8 * S)
/* Each spot and the relay have had two turns. */
#define ALONE (90 * S)
/* Three initiations of each side: the first may come to a NAT before it lets it in. */
#define STRANGERS (20 * S)

struct options {
	uint64_t seed, runs, seconds;
	bool is_traced, is_mesh;
};

struct tally {
	uint64_t runs, direct, simple, slowest, packets;
};

void trace(const struct world *world, const char *format, ...)
{
	va_list arguments;

	if (!world->is_traced)
		return;
	printf("# %llu.%03llu ", (unsigned long long)(world->now / S),
	       (unsigned long long)(world->now % S / MS));
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}

_Noreturn void fail(const struct world *world, const char *format, ...)
{
	va_list arguments;

	printf("not ok - sim_path %s--seed %llu --runs 1: at %llu ms: ",
	       world->is_mesh ? "--mesh " : "", (unsigned long long)world->seed,
	       (unsigned long long)(world->now / MS));
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	exit(1);
}

static const char *kind_of(const struct nat *nat)
{
	static const char *const kinds[2][3] = {
		{ "alike/all", "alike/address", "alike/port" },
		{ "symmetric", "symmetric", "symmetric" },
	};

	return kinds[nat->mapping][nat->filtering];
}

static void describe(const struct world *world)
{
	for (int i = 0; i < world->nat_count; i++)
		trace(world, "nat %d: net %d to %d, %s%s, %llu s", i, world->nats[i].inner,
		      world->nats[i].outer, kind_of(&world->nats[i]),
		      world->nats[i].has_hairpin ? ", hairpin" : "",
		      (unsigned long long)(world->nats[i].lifetime / S));
	for (int i = 0; i < HOSTS; i++) {
		const struct host *host = &world->hosts[i];

		trace(world, "host %d: net %d%s%s%s%s%s", i, host->net,
		      host->is_kernel ? ", kernel" : "", host->is_blocked ? ", blocked" : "",
		      host->has_mapping ? ", mapped" : "", host->v6.port ? ", v6" : "",
		      host->has_firewall ? ", firewall" : "");
	}
	trace(world, "delays %llu %llu %llu ms, can be direct: %d, simple: %d",
	      (unsigned long long)(world->delay[0][1] / MS),
	      (unsigned long long)(world->delay[0][HUB] / MS),
	      (unsigned long long)(world->delay[1][HUB] / MS), world_can_be_direct(world),
	      world_is_simple(world));
}

static bool are_direct(const struct world *world)
{
	return world->hosts[0].direct_at && world->hosts[1].direct_at;
}

static void draw_paces(struct world *world)
{
	static const uint64_t paces[] = { 10 * MS, 100 * MS, 200 * MS, 200 * MS, 400 * MS };

	node_set_pace(world, &world->hosts[0], paces[below(world, WR_ARRAY_LEN(paces))]);
	node_set_pace(world, &world->hosts[1],
		      chance(world, 70) ? paces[below(world, WR_ARRAY_LEN(paces))] : 0);
}

/* --- Parts of a run. --- */

static void begin(struct world *world)
{
	for (int i = 0; i < HOSTS; i++) {
		node_start(world, &world->hosts[i]);
		world_play(world, below(world, 3000) * MS);
	}
	world_play(world, 500 * MS);
	for (int i = 0; i < HOSTS; i++)
		node_set_own(world, &world->hosts[i]);
	node_know_each_other(world);
}

/* Until both are up; at most `span`. */
static uint64_t play_until_direct(struct world *world, uint64_t span)
{
	uint64_t begun = world->now;

	while (!are_direct(world) && world->now < begun + span)
		world_play(world, 50 * MS);
	return world->now - begun;
}

/* From the first packet on, nothing is lost, and it is direct soon. */
static void play_first(struct world *world, struct tally *tally)
{
	uint64_t took;

	world->is_steady = true;
	draw_paces(world);
	while (!world->hosts[0].has_session || !world->hosts[1].has_session)
		world_play(world, 10 * MS);
	took = play_until_direct(world, SOON);
	if (world_is_simple(world)) {
		tally->simple++;
		tally->slowest = took > tally->slowest ? took : tally->slowest;
		if (took > SIMPLE)
			fail(world, "simple, but not direct within 2 s");
	}
	if (world_can_be_direct(world) && !are_direct(world))
		fail(world, "not direct, but could be");
	if (!world_can_be_direct(world) && (world->hosts[0].direct_at || world->hosts[1].direct_at))
		fail(world, "direct, which cannot be");
	tally->direct += are_direct(world);
	world_play(world, 5 * S + below(world, 20) * S);
}

/* All that was sent has come. */
static void check_nothing_lost(struct world *world)
{
	for (int i = 0; i < HOSTS; i++)
		node_set_pace(world, &world->hosts[i], 0);
	world_play(world, 2 * S);
	for (int i = 0; i < HOSTS; i++) {
		struct host *host = &world->hosts[i];
		/* Where it cannot probe, an endpoint that is tried for 10 ms costs what is
		 * sent then. */
		uint64_t may = host->is_kernel || world->hosts[!i].is_kernel ? host->sent_total / 5
									     : 0;

		if (host->delivered + may < host->sent_total)
			fail(world, "of host %d %llu of %llu arrived", i,
			     (unsigned long long)host->delivered,
			     (unsigned long long)host->sent_total);
	}
}

static void play_chaos(struct world *world)
{
	draw_paces(world);
	oracle_forgive(world);
	for (uint64_t i = 1 + below(world, 6); i > 0; i--) {
		chaos_strike(world);
		world_play(world, (200 + below(world, 20000)) * MS);
	}
}

/* A network change tells both to try at once; then they stay. */
static void play_calm(struct world *world)
{
	uint64_t switches;

	chaos_end(world);
	draw_paces(world);
	oracle_forgive(world);
	world_play(world, 9 * S);
	for (int i = 0; i < HOSTS; i++) {
		wr_path_moved(world->hosts[i].path, (struct wr_instant){ world->now });
		node_settle(world, &world->hosts[i]);
	}
	play_until_direct(world, 2 * SOON);
	if (world_can_be_direct(world) && !are_direct(world))
		fail(world, "not direct again");
	world_play(world, 10 * S);
	switches = world->hosts[0].switches + world->hosts[1].switches;
	world_play(world, 30 * S);
	if (are_direct(world) && world->hosts[0].switches + world->hosts[1].switches > switches + 4)
		fail(world, "it hops");
	if (world_can_be_direct(world) && !are_direct(world))
		fail(world, "not direct any more");
}

/* Both reach each other by addresses that do not change, and let in whom they have sent to. */
static bool is_easy(const struct world *world)
{
	for (int i = 0; i < world->nat_count; i++)
		if (world->nats[i].mapping != MAPS_ALIKE)
			return false;
	return are_direct(world);
}

/* The hub is gone, for an hour now and then, and is not missed; then one side begins anew: it has
 * no session, and asks where it can. */
static void play_without_hub(struct world *world)
{
	struct host *host = &world->hosts[below(world, HOSTS)];
	uint64_t begun;

	if (!is_easy(world))
		return;
	trace(world, "no hub");
	world->is_hub_down = true;
	world_play(world, chance(world, 4) ? 3600 * S : 20 * S);
	if (!are_direct(world))
		fail(world, "the hub is missed");
	node_restart(world, host);
	wr_path_doubt_relay(host->path, true);
	if (!host->every)
		node_set_pace(world, host, 200 * MS);
	begun = world->now;
	oracle_forgive(world);
	while (!are_direct(world) && world->now < begun + ALONE) {
		oracle_forgive(world);
		world_play(world, 100 * MS);
	}
	if (!are_direct(world))
		fail(world, "they do not find each other without the hub");
	world_play(world, 20 * S);
	world->is_hub_down = false;
}

static void play_silence(struct world *world)
{
	uint64_t packets;

	for (int i = 0; i < HOSTS; i++)
		node_set_pace(world, &world->hosts[i], 0);
	world_play(world, 60 * S);
	packets = world->hosts[0].packets + world->hosts[1].packets;
	world_play(world, 3600 * S);
	if (world->hosts[0].packets + world->hosts[1].packets != packets)
		fail(world, "not quiet");
	for (int i = 0; i < HOSTS; i++)
		if (wr_heap_has(&world->hosts[i].alarm))
			fail(world, "host %d would wake up for nothing", i);
}

static void play_network(struct world *world, struct tally *tally)
{
	begin(world);
	play_first(world, tally);
	if (world->is_steady)
		check_nothing_lost(world);
	play_chaos(world);
	play_calm(world);
	play_without_hub(world);
	play_silence(world);
}

static void clear(struct world *world)
{
	struct wr_heap_node *node;

	for (int i = 0; i < HOSTS; i++)
		node_stop(&world->hosts[i]);
	while ((node = wr_heap_first(&world->due))) {
		wr_heap_remove(&world->due, node);
		free(WR_CONTAINER_OF(node, struct packet, due));
	}
	wr_heap_done(&world->due);
	wr_heap_done(&world->alarms);
}

/* Both begin to talk, at different times, by what they know of each other. */
static void play_strangers(struct world *world, struct tally *tally)
{
	uint64_t took;
	bool is_plain = !world->nat_count || world->hosts[0].net == world->hosts[1].net;

	draw_paces(world);
	if (!world->hosts[1].every)
		node_set_pace(world, &world->hosts[1], 400 * MS);
	took = play_until_direct(world, STRANGERS);
	if (world_can_be_direct(world) && !are_direct(world))
		fail(world, "they do not find each other");
	if (!world_can_be_direct(world) && are_direct(world))
		fail(world, "direct, which cannot be");
	/* Nothing is in the way: a round trip, and the pace of what is sent. */
	if (is_plain && are_direct(world) && !world->hosts[0].is_kernel &&
	    !world->hosts[1].is_kernel) {
		tally->simple++;
		tally->slowest = took > tally->slowest ? took : tally->slowest;
		if (took > 2 * world->delay[0][1] + S)
			fail(world, "the first packet took %llu ms",
			     (unsigned long long)(took / MS));
	}
	tally->direct += are_direct(world);
	world_play(world, 60 * S);
	if (world_can_be_direct(world) && !are_direct(world))
		fail(world, "they do not stay");
}

static void play_mesh(struct world *world, struct tally *tally)
{
	for (int i = 0; i < HOSTS; i++)
		world->hosts[i].is_blocked = false;
	begin(world);
	play_strangers(world, tally);
	play_silence(world);
}

static void run(uint64_t seed, const struct options *options, struct tally *tally)
{
	struct world *world = calloc(1, sizeof(*world));

	assert(world);
	world->seed = world->random = seed;
	world->is_traced = options->is_traced;
	world->is_mesh = options->is_mesh;
	world_build(world);
	describe(world);
	if (world->is_mesh)
		play_mesh(world, tally);
	else
		play_network(world, tally);
	tally->runs++;
	tally->packets += world->hosts[0].sent_total + world->hosts[1].sent_total;
	clear(world);
	free(world);
}

/* --- The program. --- */

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (!*text || *end) {
		fprintf(stderr, "sim_path: %s is no number\n", text);
		exit(2);
	}
	return value;
}

static struct options parse(int argc, char **argv)
{
	static const struct option names[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "runs", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 'h' },
		{ "trace", no_argument, NULL, 't' },
		{ "mesh", no_argument, NULL, 'm' },
		{ 0 },
	};
	struct options options = { .seed = (uint64_t)time(NULL), .runs = 1000 };
	int name;

	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (name) {
		case 's': options.seed = number(optarg); break;
		case 'r': options.runs = number(optarg); break;
		case 'h': options.seconds = number(optarg); break;
		case 't': options.is_traced = true; break;
		case 'm': options.is_mesh = true; break;
		default: exit(2);
		}
	}
	return options;
}

int main(int argc, char **argv)
{
	struct options options = parse(argc, argv);
	time_t end = time(NULL) + (time_t)options.seconds;
	struct tally tally = { 0 };

	while (options.seconds ? time(NULL) < end : tally.runs < options.runs)
		run(options.seed + tally.runs, &options, &tally);
	printf("ok - sim_path %s--seed %llu: %llu networks, %llu direct, %llu of these simple, the "
	       "slowest in %llu ms, %llu packets\n",
	       options.is_mesh ? "--mesh " : "", (unsigned long long)options.seed,
	       (unsigned long long)tally.runs, (unsigned long long)tally.direct,
	       (unsigned long long)tally.simple, (unsigned long long)(tally.slowest / MS),
	       (unsigned long long)tally.packets);
	return 0;
}
