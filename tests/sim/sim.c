/* Runs simulated networks, a seed each, and prints a TAP line a run.
 *
 * usage: sim [--seed N] [--runs N] [--nodes N] [--hours N] [--trace]
 *   --seed N   the first run's seed; each further run has the next one (default: the time)
 *   --runs N   how many runs (default 40)
 *   --nodes N  machines in each (default: drawn, 2 to 12, and 100 in the last run)
 *   --hours N  instead of --runs: until that many hours have been simulated
 *   --trace    print what happens */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "crypto/crypto.h"
#include "world.h"

/* After the last trouble everybody has found each other again: silence is noticed
 * after 15.4 s, an initiation may have to wait 5.4 s, once more where it met one from
 * the other side, and twice where one is asked for a cookie and then the other. */
#define RECOVERY (45 * S)

/* So many machines make so many packets that they are watched for less long. */
#define MANY 20

struct options {
	uint64_t seed, runs, hours;
	size_t nodes;
	bool is_traced;
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

	printf("not ok - sim --seed %llu --runs 1 --nodes %zu: at %llu ms: ",
	       (unsigned long long)world->seed, world->node_count,
	       (unsigned long long)(world->now / MS));
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	exit(1);
}

/* What each side sends for a while. */
static void draw_paces(struct world *world)
{
	for (size_t i = 0; i < world->link_count; i++) {
		side_draw_pace(&world->links[i].sides[0]);
		side_draw_pace(&world->links[i].sides[1]);
	}
}

static void play_chaos(struct world *world)
{
	uint64_t strikes = 2 + below(world, 10);

	chaos_begin(world);
	draw_paces(world);
	for (uint64_t i = 0; i < strikes; i++) {
		chaos_strike(world);
		world_play(world, (1 + below(world, 30000)) * MS);
	}
	/* Now and then long enough for attempts to be given up and keys to be erased. */
	if (chance(world, 15))
		world_play(world, below(world, 700) * S);
}

/* All that is sent arrives, through any number of new keys. */
static void play_calm(struct world *world, bool is_long)
{
	uint64_t since;

	chaos_end(world);
	draw_paces(world);
	world_play(world, RECOVERY);
	since = world->now;
	world_play(world, is_long ? 400 * S : 20 * S);
	oracle_check_delivery(world, since);
	oracle_check_indices(world);
}

/* Nobody sends: after 3 * 180 s nobody has keys any more. */
static void play_silence(struct world *world)
{
	world->is_quiet = true;
	for (size_t i = 0; i < world->link_count; i++) {
		for (size_t j = 0; j < 2; j++) {
			struct side *side = &world->links[i].sides[j];

			side->keepalive = 0;
			wr_peer_set_keepalive(side->peer, 0, node_now(side->node));
			node_settle(side->node);
		}
	}
	world_play(world, 700 * S);
	oracle_check_silence(world);
}

static size_t draw_node_count(struct world *world, const struct options *options, bool is_last)
{
	size_t drawn = 2 + below(world, 11);

	if (options->nodes)
		return options->nodes;
	return is_last ? MAX_NODES : drawn;
}

static uint64_t draw_rounds(struct world *world)
{
	return world->node_count > MANY ? 1 : 1 + below(world, 3);
}

/* The simulated time in ns. */
static uint64_t run(const struct options *options, uint64_t seed, bool is_last)
{
	struct world *world = calloc(1, sizeof(*world));
	uint64_t start, span;

	assert(world);
	world->seed = world->random = seed;
	world->is_traced = options->is_traced;
	world->aead = wr_aead_pick(NULL);
	world->context = world->aead->context_new();
	assert(world->context);
	world_build(world, draw_node_count(world, options, is_last));
	start = world->now;
	for (uint64_t rounds = draw_rounds(world); rounds > 0; rounds--) {
		play_chaos(world);
		play_calm(world, world->node_count <= MANY && chance(world, 30));
	}
	play_silence(world);
	span = world->now - start;
	printf("ok - sim seed %llu: %zu machines, %llu s, %llu handshakes, %llu of %llu packets\n",
	       (unsigned long long)seed, world->node_count, (unsigned long long)(span / S),
	       (unsigned long long)world->handshakes, (unsigned long long)world->delivered,
	       (unsigned long long)world->packet_count);
	world_clear(world);
	world->aead->context_free(world->context);
	free(world);
	fflush(stdout);
	return span;
}

/* A run leaves nothing behind. */
static uint64_t run_and_count(const struct options *options, uint64_t seed, bool is_last)
{
	long before = memory_blocks();
	uint64_t span = run(options, seed, is_last);
	long left = memory_blocks() - before;

	if (left) {
		printf("not ok - sim --seed %llu: %ld blocks of memory are left\n",
		       (unsigned long long)seed, left);
		exit(1);
	}
	return span;
}

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (!*text || *end) {
		fprintf(stderr, "sim: %s is no number\n", text);
		exit(2);
	}
	return value;
}

static struct options parse(int argc, char **argv)
{
	static const struct option names[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "runs", required_argument, NULL, 'r' },
		{ "nodes", required_argument, NULL, 'n' },
		{ "hours", required_argument, NULL, 'h' },
		{ "trace", no_argument, NULL, 't' },
		{ 0 },
	};
	struct options options = { .seed = (uint64_t)time(NULL), .runs = 40 };
	int name;

	while ((name = getopt_long(argc, argv, "", names, NULL)) != -1) {
		switch (name) {
		case 's': options.seed = number(optarg); break;
		case 'r': options.runs = number(optarg); break;
		case 'n': options.nodes = number(optarg); break;
		case 'h': options.hours = number(optarg); break;
		case 't': options.is_traced = true; break;
		default: exit(2);
		}
	}
	if (optind < argc || (options.nodes && (options.nodes < 2 || options.nodes > MAX_NODES))) {
		fprintf(stderr,
			"usage: sim [--seed N] [--runs N] [--nodes 2..100] [--hours N] [--trace]\n");
		exit(2);
	}
	return options;
}

static bool is_over(const struct options *options, uint64_t runs, uint64_t span)
{
	return options->hours ? span >= options->hours * 3600 * S : runs == options->runs;
}

int main(int argc, char **argv)
{
	struct options options = parse(argc, argv);
	uint64_t span = 0;

	if (wr_crypto_start() < 0) {
		fprintf(stderr, "sim: the crypto libraries do not start\n");
		return 1;
	}
	for (uint64_t runs = 0; !is_over(&options, runs, span); runs++) {
		bool is_last = !options.hours && options.runs > 1 && runs + 1 == options.runs;

		span += run_and_count(&options, options.seed + runs, is_last);
	}
	printf("# %llu s simulated\n", (unsigned long long)(span / S));
	return 0;
}
