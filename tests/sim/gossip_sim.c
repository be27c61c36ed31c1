/* Plays random meshes without a server, a seed each.
 *
 * usage: sim_gossip [--seed N] [--runs N] [--seconds N] [--members N] [--twice]
 *                   [--trace] [--frames]
 *   --seed N     the first run's seed; each further run has the next one (default: the time)
 *   --runs N     how many runs (default 150)
 *   --seconds N  instead of --runs: for so long
 *   --members N  at most so many in each (default: drawn, 3 to 40, some 100)
 *   --twice      each run is played again, and must be the same to the last byte
 *   --trace      print what happens
 *   --frames     and each frame: letters are its parts (wire/frame.h) */
#include <getopt.h>
#include <stdarg.h>
#include <time.h>

#include "crypto/crypto.h"
#include "gossip_world.h"

/* After the last trouble all are of one mind: suspicions have run out (12 s), everybody has been
 * compared with (30 s), the dead have been tried (10 s), and each of these once more. */
#define QUIET (150 * S)
#define BEGINNING (60 * S)

struct options {
	uint64_t seed, runs, seconds;
	uint32_t members;
	bool is_traced, are_frames_traced, is_twice;
};

struct tally {
	uint64_t runs, events, frames, forged, deaths, slowest;
};

static const struct options *the_options;

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

	printf("not ok - sim_gossip --seed %llu --runs 1", (unsigned long long)world->seed);
	if (the_options->members)
		printf(" --members %u", the_options->members);
	printf(": at %llu ms (trace %016llx): ", (unsigned long long)(world->now / MS),
	       (unsigned long long)world->hash);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	exit(1);
}

/* --- Parts of a run. --- */

static void draw_net(struct world *world)
{
	world->is_strict = true;
	world->is_lan = chance(world, 30);
	world->has_hostile = chance(world, 30);
	world->nats = chance(world, 50) ? 0 : (unsigned)below(world, 80);
	world->loss = (unsigned)below(world, 20);
	world->duplicates = (unsigned)below(world, 20);
	if (chance(world, 30))
		founder_close(world);
	trace(world, "%s%s%s, %u %% behind NATs, loss %u per mille", world->is_lan ? "LAN" : "WAN",
	      world->has_founder ? ", closed" : "", world->has_hostile ? ", hostile" : "",
	      world->nats, world->loss);
}

static void begin(struct world *world)
{
	uint32_t first = 2 + (uint32_t)below(world, world->room - 2);
	uint64_t pace = chance(world, 30) ? 1 : below(world, 2000) + 1;

	for (uint32_t i = 0; i < first; i++) {
		struct member *member = world_add(world);

		member->latency = 1 * MS + below(world, 60) * MS;
		world_place(world, member);
		chaos_start(world, member);
		world_play(world, below(world, pace) * MS);
	}
}

/* Until all are of one mind; how long it took. */
static uint64_t play_quiet(struct world *world, uint64_t limit)
{
	uint64_t begun = world->now;
	const char *wrong;

	while ((wrong = oracle_disagreement(world))) {
		if (world->now > begun + limit)
			fail(world, "no agreement: %s", wrong);
		chaos_tend(world);
		world_play(world, 1 * S);
	}
	trace(world, "agreement after %llu s", (unsigned long long)((world->now - begun) / S));
	return world->now - begun;
}

static void play_chaos(struct world *world)
{
	for (uint64_t i = 3 + below(world, 25); i > 0; i--) {
		chaos_strike(world);
		chaos_tend(world);
		world_play(world,
			   chance(world, 20) ? below(world, 90) * S : below(world, 8000) * MS);
		oracle_check_sizes(world);
	}
}

/* Of two seconds: as long as members that somebody made up take to be found out. */
#define MOMENTS 10

/* They stay so, but for moments: a packet is lost, somebody is suspected, and objects. */
static void play_calm(struct world *world)
{
	unsigned wrong_for = 0;

	for (unsigned i = 0; i < 30; i++) {
		const char *wrong;

		world_play(world, 2 * S);
		wrong = oracle_disagreement(world);
		wrong_for = wrong ? wrong_for + 1 : 0;
		if (wrong_for > MOMENTS)
			fail(world, "it does not last: %s", wrong);
	}
	oracle_check_sizes(world);
}

static uint32_t draw_room(struct world *world, const struct options *options)
{
	if (options->members)
		return options->members;
	return chance(world, 2) ? 100 : 3 + (uint32_t)below(world, 38);
}

static uint64_t run(uint64_t seed, const struct options *options, struct tally *tally)
{
	struct world dice = { .random = seed };
	struct world *world = world_new(seed, draw_room(&dice, options));
	uint64_t took, hash;

	world->is_traced = options->is_traced;
	world->are_frames_traced = options->are_frames_traced;
	draw_net(world);
	begin(world);
	play_quiet(world, BEGINNING);
	play_chaos(world);
	chaos_end(world);
	took = play_quiet(world, QUIET);
	play_calm(world);
	if (took > tally->slowest)
		tally->slowest = took;
	tally->runs++;
	tally->events += world->events;
	tally->frames += world->frames;
	tally->forged += world->forged;
	tally->deaths += world->deaths;
	hash = world->hash;
	world_free(world);
	return hash;
}

static void run_again(uint64_t seed, const struct options *options, uint64_t hash)
{
	struct tally tally = { 0 };
	uint64_t other = run(seed, options, &tally);

	if (other == hash)
		return;
	printf("not ok - sim_gossip --seed %llu --runs 1 --twice: %016llx and %016llx\n",
	       (unsigned long long)seed, (unsigned long long)hash, (unsigned long long)other);
	exit(1);
}

/* --- The program. --- */

static uint64_t number(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 0);

	if (!*text || *end) {
		fprintf(stderr, "sim_gossip: %s is no number\n", text);
		exit(2);
	}
	return value;
}

static struct options read_options(int argc, char **argv)
{
	static const struct option known[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "runs", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 'l' },
		{ "members", required_argument, NULL, 'm' },
		{ "twice", no_argument, NULL, '2' },
		{ "trace", no_argument, NULL, 't' },
		{ "frames", no_argument, NULL, 'f' },
		{ 0 },
	};
	struct options options = { .seed = (uint64_t)time(NULL), .runs = 150 };
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 's': options.seed = number(optarg); break;
		case 'r': options.runs = number(optarg); break;
		case 'l': options.seconds = number(optarg); break;
		case 'm': options.members = (uint32_t)number(optarg); break;
		case '2': options.is_twice = true; break;
		case 'f': options.is_traced = options.are_frames_traced = true; break;
		case 't': options.is_traced = true; break;
		default: exit(2);
		}
	}
	return options;
}

static bool is_over(const struct options *options, const struct tally *tally, time_t begun)
{
	if (options->seconds)
		return (uint64_t)(time(NULL) - begun) >= options->seconds;
	return tally->runs >= options->runs;
}

int main(int argc, char **argv)
{
	struct options options = read_options(argc, argv);
	struct tally tally = { 0 };
	time_t begun = time(NULL);

	if (wr_crypto_start() != 0)
		return 1;
	the_options = &options;
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n# sim_gossip --seed %llu\n", (unsigned long long)options.seed);
	while (!is_over(&options, &tally, begun)) {
		uint64_t seed = options.seed + tally.runs;
		uint64_t hash = run(seed, &options, &tally);

		if (options.is_traced || options.runs == 1)
			printf("# trace %016llx\n", (unsigned long long)hash);
		if (options.is_twice)
			run_again(seed, &options, hash);
	}
	printf("ok 1 - %llu meshes: %llu events, %llu frames, %llu forged, %llu deaths; agreement "
	       "after %llu s at most\n1..1\n",
	       (unsigned long long)tally.runs, (unsigned long long)tally.events,
	       (unsigned long long)tally.frames, (unsigned long long)tally.forged,
	       (unsigned long long)tally.deaths, (unsigned long long)(tally.slowest / S));
	return 0;
}
