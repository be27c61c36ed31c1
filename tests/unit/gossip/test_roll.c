#include "gossip/inside.h"
#include "unit.h"

/* Entries in the order of their keys, with sums of ranges, against a naive twin. */

#define SLOTS 2000

struct twin {
	uint64_t key, digest;
	uint8_t status;
	bool is_quiet, is_used;
	uint32_t id;
};

static struct wr_gossip_blob *blob_of(struct unit_random *random, uint64_t key)
{
	struct wr_gossip_blob *blob = calloc(1, sizeof(*blob));

	assert_non_null(blob);
	*blob = (struct wr_gossip_blob){
		.users = 1,
		.kind = WR_ITEM_RECORD,
		.key = key,
		.digest = unit_random_next(random),
	};
	return blob;
}

static uint64_t share_of(const struct twin *twin)
{
	return twin->is_quiet
		       ? 0
		       : wr_mix(twin->digest + (twin->status == WR_GOSSIP_DEAD ? WR_MIX_STEP : 0));
}

static void compare(const struct wr_roll *roll, const struct twin *twins, uint64_t first,
		    uint64_t last)
{
	struct wr_frame_range range = wr_roll_range(roll, first, last);
	uint64_t sum = 0, next = UINT64_MAX;
	uint32_t items = 0, next_id = 0;

	for (unsigned i = 0; i < SLOTS; i++) {
		if (!twins[i].is_used)
			continue;
		if (twins[i].key >= first && twins[i].key <= last) {
			sum += share_of(&twins[i]);
			items += !twins[i].is_quiet;
		}
		if (twins[i].key >= first && twins[i].key <= next) {
			next = twins[i].key;
			next_id = twins[i].id;
		}
	}
	assert_int_equal(range.sum, sum);
	assert_int_equal(range.items, items);
	assert_int_equal(wr_roll_next(roll, first), next_id);
}

/* Their ends meet, and they hold together what the whole does. */
static void compare_split(const struct wr_roll *roll)
{
	struct wr_frame_range ranges[16], all = wr_roll_range(roll, 0, UINT64_MAX);
	unsigned count = wr_roll_split(roll, 0, UINT64_MAX, ranges, 16);
	uint64_t sum = 0, first = 0;

	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(ranges[i].first, first);
		first = ranges[i].last + 1;
		sum += ranges[i].sum;
	}
	assert_int_equal(first, 0);
	assert_int_equal(sum, all.sum);
}

static void change(struct wr_roll *roll, struct twin *twin, struct unit_random *random)
{
	struct wr_gossip_blob *blob;

	switch (twin->is_used ? unit_random_next(random) % 3 : 3) {
	case 0:
		wr_roll_remove(roll, twin->id);
		twin->is_used = false;
		break;
	case 1:
		twin->status = (uint8_t)(unit_random_next(random) % 4);
		twin->is_quiet = unit_random_next(random) % 4 == 0;
		wr_roll_set(roll, twin->id, twin->status, twin->is_quiet);
		break;
	case 2:
		blob = blob_of(random, twin->key);
		twin->digest = blob->digest;
		wr_roll_replace(roll, twin->id, blob);
		break;
	default:
		blob = blob_of(random, twin->key);
		*twin = (struct twin){ .key = twin->key, .digest = blob->digest, .is_used = true };
		twin->id = wr_roll_add(roll, blob, WR_GOSSIP_ALIVE);
		assert_true(twin->id != 0);
	}
}

static void test_gossip_roll_is_like_its_twin(void **state)
{
	static struct twin twins[SLOTS];
	struct unit_random random = unit_random_start("roll");
	struct wr_roll roll = { 0 };

	(void)state;
	assert_true(wr_roll_init(&roll));
	for (unsigned i = 0; i < SLOTS; i++)
		twins[i].key = unit_random_next(&random) >> (i % 2 ? 0 : 20);
	twins[0].key = 0;
	twins[1].key = UINT64_MAX;
	for (unsigned step = 0; step < 20000; step++) {
		struct twin *twin = &twins[unit_random_next(&random) % SLOTS];
		uint64_t a = twins[unit_random_next(&random) % SLOTS].key;
		uint64_t b = unit_random_next(&random);

		change(&roll, twin, &random);
		assert_int_equal(wr_roll_find(&roll, twin->key), twin->is_used ? twin->id : 0);
		if (step % 16 == 0)
			compare(&roll, twins, a < b ? a : b, a < b ? b : a);
	}
	compare(&roll, twins, 0, UINT64_MAX);
	compare_split(&roll);
	wr_roll_done(&roll);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gossip_roll_is_like_its_twin),
	};

	return cmocka_run_group_tests_name("gossip roll", tests, NULL, NULL);
}
