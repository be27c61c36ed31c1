/* The cryptography alone, on one core: what the tunnel could do if all else were free.
 *
 *   crypto       prints a table of nanoseconds, medians and least of RUNS runs of at least RUN_NS
 *
 * It is CPU time, but on a machine that is shared a core is slower while its neighbours work: hence
 * the least. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/aead.h"
#include "crypto/crypto.h"
#include "crypto/mac1.h"
#include "crypto/noise.h"

#define RUNS 7
#define RUN_NS UINT64_C(50000000)
/* The clock is looked at this seldom: it costs as much as a small packet. */
#define CALLS_A_LOOK 16
#define MOST_JOBS 64
#define MOST_BYTES 1500
#define MAC1_KEYS 10000

typedef void (*work_fn)(void *context);

/* CPU time of this thread: others that use the machine do not count. */
static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "crypto: %s\n", what);
	exit(1);
}

static int by_size(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return a < b ? -1 : a > b;
}

/* Nanoseconds of one call. */
static double run_once(work_fn work, void *context)
{
	uint64_t start = now(), end = start, calls = 0;

	while (end - start < RUN_NS) {
		for (size_t i = 0; i < CALLS_A_LOOK; i++)
			work(context);
		calls += CALLS_A_LOOK;
		end = now();
	}
	return (double)(end - start) / (double)calls;
}

struct result {
	double median, least;
};

static struct result measure(work_fn work, void *context)
{
	double runs[RUNS];

	work(context); /* warm */
	for (size_t i = 0; i < RUNS; i++)
		runs[i] = run_once(work, context);
	qsort(runs, RUNS, sizeof(runs[0]), by_size);
	return (struct result){ runs[RUNS / 2], runs[0] };
}

/* `each` things were done in a call. */
static void print_line(const char *what, struct result result, size_t each, const char *remark)
{
	double parts = (double)each;

	printf("%-38s %10.1f %10.1f  %s\n", what, result.median / parts, result.least / parts,
	       remark);
}

/* ---- packets ---- */

struct packets {
	const struct wr_aead *aead;
	struct wr_aead_context *context;
	struct wr_key key;
	size_t count;
	struct wr_aead_job jobs[MOST_JOBS];
	uint8_t plain[MOST_JOBS][MOST_BYTES];
	uint8_t sealed[MOST_JOBS][MOST_BYTES + WR_AEAD_TAG_LEN];
};

static void prepare(struct packets *packets, uint32_t len, bool is_open)
{
	for (size_t i = 0; i < packets->count; i++) {
		packets->jobs[i] = (struct wr_aead_job){
			.src = is_open ? packets->sealed[i] : packets->plain[i],
			.dst = is_open ? packets->plain[i] : packets->sealed[i],
			.len = len,
			.counter = i,
		};
	}
}

static void seal(void *context)
{
	struct packets *packets = context;

	packets->aead->seal(packets->context, &packets->key, packets->jobs, packets->count);
}

static void open_all(void *context)
{
	struct packets *packets = context;

	packets->aead->open(packets->context, &packets->key, packets->jobs, packets->count);
	if (!packets->jobs[0].is_authentic)
		die("a packet is not authentic");
}

static void measure_packets(struct packets *packets, uint32_t len, bool is_open)
{
	char what[64], remark[64];

	/* What is opened must have been sealed. */
	prepare(packets, len, false);
	seal(packets);
	prepare(packets, len, is_open);
	struct result result = measure(is_open ? open_all : seal, packets);

	snprintf(what, sizeof(what), "%s %s %u B, %zu at once", packets->aead->name,
		 is_open ? "open" : "seal", len, packets->count);
	snprintf(remark, sizeof(remark), "%.1f Gbit/s",
		 (double)len * 8 * (double)packets->count / result.median);
	print_line(what, result, packets->count, remark);
}

static void measure_backend(const struct wr_aead *aead)
{
	static const uint32_t lengths[] = { 1420, 64 };
	static const size_t counts[] = { 1, MOST_JOBS };
	static struct packets packets;

	packets.aead = aead;
	packets.context = aead->context_new();
	if (!packets.context)
		die("no memory");
	for (size_t i = 0; i < WR_ARRAY_LEN(lengths); i++) {
		for (size_t j = 0; j < WR_ARRAY_LEN(counts); j++) {
			packets.count = counts[j];
			measure_packets(&packets, lengths[i], false);
			measure_packets(&packets, lengths[i], true);
		}
	}
	aead->context_free(packets.context);
}

/* ---- handshakes ---- */

struct exchange {
	struct wr_key private, public;
};

static void x25519(void *context)
{
	struct exchange *exchange = context;
	struct wr_key shared;

	if (!wr_x25519(&exchange->private, &exchange->public, &shared))
		die("X25519 failed");
	exchange->public = shared;
}

static void x25519_public(void *context)
{
	struct exchange *exchange = context;

	exchange->public = wr_x25519_public(&exchange->private);
}

static void measure_x25519(void)
{
	struct exchange exchange;

	wr_random(&exchange.private, sizeof(exchange.private));
	wr_x25519_clamp(&exchange.private);
	exchange.public = wr_x25519_public(&exchange.private);
	print_line("X25519, shared secret", measure(x25519, &exchange), 1, "");
	print_line("X25519, public key", measure(x25519_public, &exchange), 1, "");
}

struct search {
	struct wr_mac1_set *keys;
	uint8_t input[WR_MAC1_INPUT_LEN];
	uint8_t mac[16];
};

static void find(void *context)
{
	struct search *search = context;

	if (wr_mac1_set_find(search->keys, search->input, search->mac) != WR_MAC1_NONE)
		die("a random mac1 was matched");
}

static void measure_mac1(void)
{
	struct search search = { .keys = wr_mac1_set_new() };
	char remark[64];

	for (size_t i = 0; i < MAC1_KEYS; i++) {
		struct wr_key key;

		wr_random(&key, sizeof(key));
		if (wr_mac1_set_add(search.keys, &key) == WR_MAC1_NONE)
			die("no memory");
	}
	wr_random(search.input, sizeof(search.input));
	wr_random(search.mac, sizeof(search.mac));
	struct result result = measure(find, &search);

	snprintf(remark, sizeof(remark), "%.0f initiations a second", 1e9 / result.median);
	print_line("mac1 among 10,000 keys, no match", result, 1, remark);
	wr_mac1_set_free(search.keys);
}

int main(void)
{
	if (wr_crypto_start() < 0)
		die("the crypto library does not start");
	printf("%-38s %10s %10s\n", "ns of CPU time, one core", "median", "least");
	for (const struct wr_aead *const *aead = wr_aead_all(); *aead; aead++)
		measure_backend(*aead);
	measure_x25519();
	measure_mac1();
	return 0;
}
