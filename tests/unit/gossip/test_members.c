#include "crowd.h"

#include "crypto/sign.h"

/* Joining, dying, leaving, coming back: what members come to agree on. */

static void test_gossip_two_meet(void **state)
{
	struct crowd *crowd = crowd_new(2);

	(void)state;
	crowd_gather(crowd);
	assert_true(crowd_settles(crowd, 2, 500));
	crowd_free(crowd);
}

static void test_gossip_all_know_all(void **state)
{
	struct crowd *crowd = crowd_new(50);

	(void)state;
	crowd->loss_percent = 1;
	crowd_gather(crowd);
	assert_true(crowd_settles(crowd, 50, 5000));
	crowd_free(crowd);
}

static void test_gossip_the_dead_are_dead_everywhere(void **state)
{
	struct crowd *crowd = crowd_new(30);

	(void)state;
	crowd->loss_percent = 1;
	crowd_gather(crowd);
	assert_true(crowd_settles(crowd, 30, 3000));
	crowd_run(crowd, 10000);
	crowd_kill(crowd, 7);
	assert_true(crowd_settles(crowd, 29, 15000));
	assert_int_equal(crowd_status(crowd, 3, 7), WR_GOSSIP_DEAD);
	crowd_run(crowd, 60000);
	for (unsigned i = 0; i < 30; i++)
		if (i != 7)
			assert_int_equal(crowd_status(crowd, i, 7), WR_GOSSIP_DEAD);
	crowd_free(crowd);
}

static void test_gossip_nobody_dies_without_a_reason(void **state)
{
	struct crowd *crowd = crowd_new(30);

	(void)state;
	crowd->loss_percent = 5;
	crowd_gather(crowd);
	assert_true(crowd_settles(crowd, 30, 5000));
	crowd_run(crowd, 600000);
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(crowd_look(crowd, i).died, 0);
	crowd_free(crowd);
}

/* Neither those who run once in a while are dead to the others, nor the others to them. */
static void test_gossip_who_is_slow_is_not_dead(void **state)
{
	struct crowd *crowd = crowd_new(30);

	(void)state;
	crowd->loss_percent = 1;
	crowd_gather(crowd);
	assert_true(crowd_settles(crowd, 30, 5000));
	for (unsigned i = 0; i < 3; i++)
		crowd->members[i * 7].runs_each = 1500000000 + i;
	crowd_run(crowd, unit_runs(1800000));
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(crowd_look(crowd, i).died, 0);
	crowd_free(crowd);
}

/* Who is slow itself sees the dead for what they are, too, if later. */
static void test_gossip_the_slow_see_the_dead(void **state)
{
	struct crowd *crowd = crowd_new(20);

	(void)state;
	crowd_gather(crowd);
	assert_true(crowd_settles(crowd, 20, 5000));
	crowd->members[3].runs_each = 1200000000;
	crowd_run(crowd, 10000);
	crowd_kill(crowd, 7);
	assert_true(crowd_settles(crowd, 19, 60000));
	crowd_free(crowd);
}

/* Each is looked at by its neighbour in the order of keys: nobody waits for chance. */
static void test_gossip_the_dead_are_found_in_time(void **state)
{
	struct crowd *crowd = crowd_new(100);

	(void)state;
	crowd_gather(crowd);
	assert_true(crowd_settles(crowd, 100, 5000));
	crowd_run(crowd, 10000);
	for (unsigned i = 0; i < 5; i++) {
		crowd_kill(crowd, 10 + i * 17);
		assert_true(crowd_settles(crowd, 99 - i, 9500));
	}
	crowd_free(crowd);
}

static void test_gossip_a_farewell_is_at_once(void **state)
{
	struct crowd *crowd = crowd_new(20);

	(void)state;
	crowd_gather(crowd);
	assert_true(crowd_settles(crowd, 20, 3000));
	crowd_put(crowd, 5, 1000, WR_RECORD_LEFT);
	crowd_run(crowd, 1000);
	crowd_kill(crowd, 5);
	assert_true(crowd_settles(crowd, 19, 2000));
	for (unsigned i = 0; i < 20; i++)
		if (i != 5) {
			assert_int_equal(crowd_status(crowd, i, 5), WR_GOSSIP_LEFT);
			assert_int_equal(crowd_look(crowd, i).suspected, 0);
		}
	crowd_free(crowd);
}

/* Its state is lost, so it begins at version 1 again. */
static void test_gossip_one_that_returns_is_put_right(void **state)
{
	struct crowd *crowd = crowd_new(20);

	(void)state;
	crowd_gather(crowd);
	assert_true(crowd_settles(crowd, 20, 3000));
	crowd_put(crowd, 4, 5000, 0);
	assert_true(crowd_settles(crowd, 20, 3000));
	crowd_kill(crowd, 4);
	assert_true(crowd_settles(crowd, 19, 15000));
	crowd->members[4].version = 0;
	crowd_start(crowd, 4);
	crowd_meet(crowd, 4, 9);
	assert_true(crowd_settles(crowd, 20, 3000));
	assert_true(crowd->members[4].version > 5000);
	crowd_free(crowd);
}

static void test_gossip_halves_heal(void **state)
{
	struct crowd *crowd = crowd_new(40);

	(void)state;
	crowd->loss_percent = 1;
	crowd_gather(crowd);
	assert_true(crowd_settles(crowd, 40, 3000));
	for (unsigned i = 0; i < 20; i++)
		crowd->members[i].side = 1;
	crowd_run(crowd, unit_runs(3600000));
	assert_int_equal(crowd_look(crowd, 1).alive, 20);
	for (unsigned i = 0; i < 20; i++)
		crowd->members[i].side = 0;
	assert_true(crowd_settles(crowd, 40, 15000));
	crowd_free(crowd);
}

static void test_gossip_the_dead_are_forgotten_for_good(void **state)
{
	struct crowd *crowd = crowd_new(10);

	(void)state;
	crowd->timing.forget = WR_SPAN_S(600);
	crowd_gather(crowd);
	assert_true(crowd_settles(crowd, 10, 3000));
	crowd_kill(crowd, 3);
	assert_true(crowd_settles(crowd, 9, 15000));
	crowd_run(crowd, 640000);
	for (unsigned i = 0; i < 10; i++)
		if (i != 3) {
			assert_int_equal(crowd_look(crowd, i).members, 9);
			assert_int_equal(crowd->members[i].forgotten, 1);
		}
	crowd_run(crowd, 600000);
	for (unsigned i = 0; i < 10; i++)
		if (i != 3)
			assert_int_equal(crowd_look(crowd, i).members, 9);
	crowd_free(crowd);
}

/* Twice the same: nothing in it is by chance. */
static void test_gossip_is_deterministic(void **state)
{
	uint64_t seen[2][3];

	(void)state;
	for (unsigned run = 0; run < 2; run++) {
		struct crowd *crowd = crowd_new(2);

		crowd_free(crowd);
		crowd = crowd_new(12);
		crowd->random.state = 7;
		for (unsigned i = 0; i < crowd->count; i++) {
			memset(&crowd->members[i].seed, (int)i + 1, WR_KEY_LEN);
			crowd->members[i].identity = wr_sign_public(&crowd->members[i].seed);
		}
		crowd->loss_percent = 3;
		crowd_gather(crowd);
		crowd_run(crowd, 60000);
		seen[run][0] = crowd->members[5].sent;
		seen[run][1] = crowd->members[5].came;
		seen[run][2] = crowd->order;
		crowd_free(crowd);
	}
	assert_memory_equal(seen[0], seen[1], sizeof(seen[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gossip_two_meet),
		cmocka_unit_test(test_gossip_all_know_all),
		cmocka_unit_test(test_gossip_the_dead_are_dead_everywhere),
		cmocka_unit_test(test_gossip_nobody_dies_without_a_reason),
		cmocka_unit_test(test_gossip_who_is_slow_is_not_dead),
		cmocka_unit_test(test_gossip_the_slow_see_the_dead),
		cmocka_unit_test(test_gossip_the_dead_are_found_in_time),
		cmocka_unit_test(test_gossip_a_farewell_is_at_once),
		cmocka_unit_test(test_gossip_one_that_returns_is_put_right),
		cmocka_unit_test(test_gossip_halves_heal),
		cmocka_unit_test(test_gossip_the_dead_are_forgotten_for_good),
		cmocka_unit_test(test_gossip_is_deterministic),
	};

	return cmocka_run_group_tests_name("gossip members", tests, NULL, NULL);
}
