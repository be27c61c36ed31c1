#include "wg/replay.h"

#include <pthread.h>

#include "unit.h"
#include "wg/timing.h"

#define W UINT64_C(8192)

static void test_replay_accepts_by_name(void **state)
{
	static const struct {
		const char *name;
		uint64_t before[4]; /* accepted before, ends with a 0 that is not the first */
		uint64_t counter;
		bool want;
	} cases[] = {
		{ "the first of all", { UINT64_MAX }, 0, true },
		{ "zero twice", { 0 }, 0, false },
		{ "one after zero", { 0 }, 1, true },
		{ "end of a block", { 16 }, 15, true },
		{ "twice at the end of a block", { 15 }, 15, false },
		{ "beginning of a block", { 15 }, 16, true },
		{ "the oldest in the window", { W - 1 }, 0, true },
		{ "one window behind", { W }, 0, false },
		{ "one window behind, same block", { W }, 15, false },
		{ "just inside the window", { W }, 16, true },
		{ "a lap ahead, same bit", { 5 }, W + 5, true },
		{ "a lap ahead and back", { 5, W + 5 }, 5, false },
		{ "a lap ahead and back to a neighbour", { 5, W + 5 }, 6, false },
		{ "a jump of many laps", { 5 }, 1000 * W + 7, true },
		{ "behind a jump of many laps", { 5, 1000 * W + 7 }, 999 * W + 7, false },
		{ "the last there is", { UINT64_MAX }, WR_REJECT_AFTER_MESSAGES - 1, true },
		{ "the limit", { UINT64_MAX }, WR_REJECT_AFTER_MESSAGES, false },
		{ "far beyond the limit", { UINT64_MAX }, UINT64_MAX, false },
		{ "after the last",
		  { WR_REJECT_AFTER_MESSAGES - 1 },
		  WR_REJECT_AFTER_MESSAGES - 2,
		  true },
	};
	struct wr_replay replay;

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		const uint64_t *before = cases[i].before;

		print_message("%s\n", cases[i].name);
		wr_replay_init(&replay);
		for (size_t j = 0; j < 4 && before[j] != UINT64_MAX && (!j || before[j]); j++)
			assert_true(wr_replay_accept(&replay, before[j]));
		assert_int_equal(wr_replay_accept(&replay, cases[i].counter), cases[i].want);
		assert_false(wr_replay_accept(&replay, cases[i].counter));
	}
}

/* The naive twin: everything that was ever accepted, and the newest of each word. */
#define TWIN_COUNTERS (1u << 20)

struct twin {
	bool accepted[TWIN_COUNTERS];
	uint64_t lap[WR_REPLAY_WORDS];
};

static bool twin_accept(struct twin *twin, uint64_t counter)
{
	uint64_t *lap = &twin->lap[counter / 16 % WR_REPLAY_WORDS];

	if (twin->accepted[counter] || counter / W < *lap)
		return false;
	*lap = counter / W;
	return twin->accepted[counter] = true;
}

/* In order mostly, with swaps, repeats, old ones and jumps, as a network makes. */
static uint64_t next_counter(struct unit_random *random, uint64_t *newest)
{
	uint64_t back[] = { 1, 16, 64, W, 2 * W };
	size_t way = unit_random_below(random, 100);
	uint64_t distance = 0;

	if (way < 70)
		return ++*newest;
	if (way == 99)
		return *newest += unit_random_below(random, 3 * W);
	distance = unit_random_below(random, back[way % WR_ARRAY_LEN(back)] + 1);
	return distance > *newest ? 0 : *newest - distance;
}

static void test_replay_equals_a_set(void **state)
{
	struct unit_random random = unit_random_start("replay");
	struct twin *twin = test_malloc(sizeof(*twin));
	struct wr_replay replay;

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		uint64_t newest = 0;

		memset(twin, 0, sizeof(*twin));
		wr_replay_init(&replay);
		while (newest < TWIN_COUNTERS - 4 * W) {
			uint64_t counter = next_counter(&random, &newest);

			if (wr_replay_accept(&replay, counter) == twin_accept(twin, counter))
				continue;
			fail_msg("counter %llu, newest %llu", (unsigned long long)counter,
				 (unsigned long long)newest);
		}
	}
	test_free(twin);
}

/* All that is in the window is taken, whatever the order; nothing is twice. */
static void test_replay_takes_a_window_backwards(void **state)
{
	struct wr_replay replay;

	(void)state;
	wr_replay_init(&replay);
	for (uint64_t i = W; i-- > 0;)
		assert_true(wr_replay_accept(&replay, 3 * W + i));
	for (uint64_t i = 0; i < 5 * W; i++)
		assert_int_equal(wr_replay_accept(&replay, i), i >= 4 * W);
}

#define THREADS 2
#define SHARED_COUNTERS 400000

struct racer {
	struct wr_replay *replay;
	_Atomic unsigned *taken; /* how often each counter was accepted */
	unsigned number;
};

/* Both take every counter, some in another order, all the time near each other. */
static void *race(void *argument)
{
	struct racer *racer = argument;

	for (uint64_t i = 0; i < SHARED_COUNTERS; i++) {
		uint64_t counter = racer->number ? i ^ 0x1f : i;

		if (wr_replay_accept(racer->replay, counter))
			atomic_fetch_add(&racer->taken[counter], 1);
	}
	return NULL;
}

static void test_replay_accepts_once_with_two_threads(void **state)
{
	_Atomic unsigned *taken = calloc(SHARED_COUNTERS, sizeof(*taken));
	struct racer racers[THREADS];
	pthread_t threads[THREADS];
	struct wr_replay replay;
	size_t total = 0;

	(void)state;
	assert_non_null(taken);
	wr_replay_init(&replay);
	for (unsigned i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){ &replay, taken, i };
		assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < SHARED_COUNTERS; i++) {
		assert_true(atomic_load(&taken[i]) <= 1);
		total += atomic_load(&taken[i]);
	}
	assert_true(total > 0);
	free(taken);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replay_accepts_by_name),
		cmocka_unit_test(test_replay_equals_a_set),
		cmocka_unit_test(test_replay_takes_a_window_backwards),
		cmocka_unit_test(test_replay_accepts_once_with_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
