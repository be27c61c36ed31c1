#include "gossip/settle.h"

#include "unit.h"

#define MEMBERS_MAX 64

/* Members with their claims; the struct holds what the claims point to. */
struct world {
	struct wr_key identities[MEMBERS_MAX];
	struct wr_record records[MEMBERS_MAX];
	struct wr_claim claims[MEMBERS_MAX];
	size_t count;
};

static void add(struct world *world, const char *name, uint64_t since, const char *certified)
{
	size_t i = world->count++;

	world->identities[i] = (struct wr_key){ .bytes = { (uint8_t)(i + 1) } };
	world->records[i] = (struct wr_record){ .name_since = since };
	strcpy(world->records[i].name, name);
	world->claims[i] = (struct wr_claim){
		.identity = &world->identities[i],
		.record = &world->records[i],
		.certified_name = certified,
		.has_name = true,
		.has_v4 = true,
	};
}

static void add_v4(struct world *world, uint8_t last, uint64_t since)
{
	add(world, "", 0, NULL);
	world->records[world->count - 1].v4[0] = last ? 10 : 0;
	world->records[world->count - 1].v4[3] = last;
	world->records[world->count - 1].v4_since = since;
}

/* `wanted` has a letter a member: 'x' where it has what it claims. */
static void assert_names(struct world *world, const char *wanted)
{
	assert_int_equal(wr_settle(world->claims, world->count), 0);
	assert_int_equal(world->count, strlen(wanted));
	for (size_t i = 0; i < world->count; i++)
		assert_int_equal(world->claims[i].has_name, wanted[i] == 'x');
}

static void assert_v4s(struct world *world, const char *wanted)
{
	assert_int_equal(wr_settle(world->claims, world->count), 0);
	for (size_t i = 0; i < world->count; i++)
		assert_int_equal(world->claims[i].has_v4, wanted[i] == 'x');
}

static void test_settle_nobody(void **state)
{
	(void)state;
	assert_int_equal(wr_settle(NULL, 0), 0);
}

static void test_settle_older_name_goes_first(void **state)
{
	struct world world = { .count = 0 };

	(void)state;
	add(&world, "db", 20, NULL);
	add(&world, "db", 10, NULL);
	add(&world, "web", 30, NULL);
	add(&world, "db", 15, "");
	assert_names(&world, ".xx.");
}

static void test_settle_certified_name_goes_before_an_older_claim(void **state)
{
	struct world world = { .count = 0 };

	(void)state;
	add(&world, "db", 1, NULL);
	add(&world, "db", 20, "db");
	add(&world, "db", 30, "db"); /* the founder gave it twice */
	assert_names(&world, ".x.");
}

static void test_settle_certified_name_leaves_no_other(void **state)
{
	struct world world = { .count = 0 };

	(void)state;
	add(&world, "web", 1, "db");
	add(&world, "web", 2, NULL);
	assert_names(&world, ".x");
}

/* An invitation for several gave them all one name. */
static void test_settle_certified_name_may_have_a_number(void **state)
{
	struct world world = { .count = 0 };

	(void)state;
	add(&world, "db", 1, "db");
	add(&world, "db", 2, "db");
	add(&world, "db-2", 3, "db");
	add(&world, "db-2", 2, "db-2");
	add(&world, "db-3", 3, "db");
	assert_names(&world, "x..xx");
}

static void test_settle_allows_the_certified_name(void **state)
{
	static const struct {
		const char *certified, *name;
		bool is_allowed;
	} cases[] = {
		{ NULL, "db", true },    { "", "db", true },         { "db", "db", true },
		{ "db", "db-2", true },  { "db", "db-17", true },    { "db", "db-", false },
		{ "db", "db-x", false }, { "db", "db-2x", false },   { "db", "db2", false },
		{ "db", "d", false },    { "db", "", false },        { "db", "web", false },
		{ "db-2", "db", false }, { "db-2", "db-2-3", true },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++)
		if (wr_settle_allows(cases[i].certified, cases[i].name) != cases[i].is_allowed)
			fail_msg("%s, %s", cases[i].certified, cases[i].name);
}

static void test_settle_claims_of_one_age_go_by_identity(void **state)
{
	struct world world = { .count = 0 };

	(void)state;
	add(&world, "db", 5, NULL);
	add(&world, "db", 5, NULL);
	assert_names(&world, "x.");
	world.identities[0].bytes[0] = 9;
	assert_names(&world, ".x");
}

static void test_settle_who_claims_nothing_has_nothing(void **state)
{
	struct world world = { .count = 0 };

	(void)state;
	add(&world, "", 1, NULL);
	add(&world, "", 1, "db");
	add(&world, "db", 1, NULL);
	world.claims[2].record = NULL;
	assert_names(&world, "...");
	assert_v4s(&world, "...");
}

static void test_settle_addresses(void **state)
{
	struct world world = { .count = 0 };

	(void)state;
	add_v4(&world, 7, 20);
	add_v4(&world, 7, 10);
	add_v4(&world, 8, 30);
	add_v4(&world, 0, 0);
	add_v4(&world, 7, 10);
	assert_v4s(&world, ".xx..");
}

/* --- The naive twin: who has nobody before him has it. --- */

static bool is_certified(const struct wr_claim *claim)
{
	return claim->certified_name && strcmp(claim->certified_name, claim->record->name) == 0;
}

static bool goes_before(const struct wr_claim *a, const struct wr_claim *b)
{
	bool a_certified = is_certified(a), b_certified = is_certified(b);

	if (a_certified != b_certified)
		return a_certified;
	if (a->record->name_since != b->record->name_since)
		return a->record->name_since < b->record->name_since;
	return memcmp(a->identity, b->identity, sizeof(*a->identity)) < 0;
}

static bool claims(const struct wr_claim *claim)
{
	return claim->record->name[0] &&
	       wr_settle_allows(claim->certified_name, claim->record->name);
}

static bool has_name(const struct world *world, const struct wr_claim *claim)
{
	if (!claims(claim))
		return false;
	for (size_t i = 0; i < world->count; i++) {
		const struct wr_claim *other = &world->claims[i];

		if (other != claim && claims(other) &&
		    !strcmp(other->record->name, claim->record->name) && goes_before(other, claim))
			return false;
	}
	return true;
}

/* Among many claims, whatever their order: the same as the twin says, and each name that is claimed
 * has one owner. */
static void test_settle_is_as_its_naive_twin_says(void **state)
{
	static const char *const names[] = { "", "a", "b", "c", "db", "db-2" };
	struct unit_random random = unit_random_start("settle");

	(void)state;
	for (unsigned round = 0; round < 500; round++) {
		struct world world = { .count = 0 };
		size_t count = unit_random_below(&random, MEMBERS_MAX);

		for (size_t i = 0; i < count; i++) {
			const char *name = names[unit_random_below(&random, WR_ARRAY_LEN(names))];
			const char *certified =
				names[1 + unit_random_below(&random, WR_ARRAY_LEN(names) - 1)];

			add(&world, name, unit_random_below(&random, 5),
			    unit_random_below(&random, 4) ? NULL : certified);
		}
		assert_int_equal(wr_settle(world.claims, world.count), 0);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(world.claims[i].has_name,
					 has_name(&world, &world.claims[i]));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settle_nobody),
		cmocka_unit_test(test_settle_older_name_goes_first),
		cmocka_unit_test(test_settle_certified_name_goes_before_an_older_claim),
		cmocka_unit_test(test_settle_certified_name_leaves_no_other),
		cmocka_unit_test(test_settle_certified_name_may_have_a_number),
		cmocka_unit_test(test_settle_allows_the_certified_name),
		cmocka_unit_test(test_settle_claims_of_one_age_go_by_identity),
		cmocka_unit_test(test_settle_who_claims_nothing_has_nothing),
		cmocka_unit_test(test_settle_addresses),
		cmocka_unit_test(test_settle_is_as_its_naive_twin_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
