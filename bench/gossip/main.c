/* Measures meshes without a server in virtual time: the gossip core as it is.
 *
 * usage: gossip join|steady|failures|slow|halves [--members N] [--seed N]
 *   --rounds N   joins, or failures (10)
 *   --hours N    in which members are slow (1)
 *   --minutes N  for which two halves are apart (60)
 *   --trace      what happens, and why somebody well is thought dead, to standard error
 *
 * A line of JSON a figure. `script/bench gossip` runs all. */
#include <getopt.h>
#include <stdarg.h>

#include "crypto/crypto.h"
#include "measure.h"

void tell(const char *text, double value, const char *unit, double target)
{
	printf("{\"text\": \"%s\", \"value\": %.6g, \"unit\": \"%s\"", text, value, unit);
	if (target > 0)
		printf(", \"target\": %g", target);
	printf("}\n");
	fflush(stdout);
}

void trace(const struct world *world, const char *format, ...)
{
	va_list arguments;

	if (!world->is_traced)
		return;
	fprintf(stderr, "# %llu.%03llu ", (unsigned long long)(world->now / S),
		(unsigned long long)(world->now % S / MS));
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n");
}

_Noreturn void fail(const struct world *world, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "gossip: seed %llu, at %llu ms: ", (unsigned long long)world->seed,
		(unsigned long long)(world->now / MS));
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "\n");
	exit(1);
}

static void (*figure_of(const char *name))(const struct wishes *)
{
	static const struct {
		const char *name;
		void (*measure)(const struct wishes *);
	} figures[] = {
		{ "join", measure_join },         { "steady", measure_steady },
		{ "failures", measure_failures }, { "slow", measure_slow },
		{ "halves", measure_halves },
	};

	for (size_t i = 0; i < WR_ARRAY_LEN(figures); i++)
		if (strcmp(name, figures[i].name) == 0)
			return figures[i].measure;
	return NULL;
}

static struct wishes read_wishes(int argc, char **argv)
{
	static const struct option known[] = {
		{ "members", required_argument, NULL, 'm' },
		{ "seed", required_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "hours", required_argument, NULL, 'h' },
		{ "minutes", required_argument, NULL, 'a' },
		{ "trace", no_argument, NULL, 't' },
		{ 0 },
	};
	struct wishes wishes = {
		.members = 1000, .seed = 1, .rounds = 10, .hours = 1, .minutes = 60
	};
	int option;

	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		uint64_t value = optarg ? strtoull(optarg, NULL, 10) : 0;

		switch (option) {
		case 'm': wishes.members = (uint32_t)value; break;
		case 's': wishes.seed = value; break;
		case 'r': wishes.rounds = value; break;
		case 'h': wishes.hours = value; break;
		case 'a': wishes.minutes = value; break;
		case 't': wishes.is_traced = true; break;
		default: exit(2);
		}
	}
	return wishes;
}

int main(int argc, char **argv)
{
	struct wishes wishes = read_wishes(argc, argv);
	void (*measure)(const struct wishes *) = optind < argc ? figure_of(argv[optind]) : NULL;

	if (!measure || wishes.members < 2 || !wishes.rounds) {
		fprintf(stderr, "usage: gossip join|steady|failures|slow|halves [--members N] "
				"[--seed N] [--rounds N] [--hours N] [--minutes N] [--trace]\n");
		return 2;
	}
	if (wr_crypto_start() != 0)
		return 1;
	measure(&wishes);
	return 0;
}
