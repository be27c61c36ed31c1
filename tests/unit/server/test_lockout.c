#include "server/lockout.h"

#include "unit.h"

#define S UINT64_C(1000000000)

static const struct wr_ip home = { .family = WR_IPV4, .bytes = { 192, 0, 2, 1 } };
static const struct wr_ip none = { .family = WR_FAMILY_NONE };

static struct wr_lockout *new_lockout(void)
{
	static const uint8_t seed[16] = "a secret of ours";
	struct wr_lockout *lockout = wr_lockout_new(seed);

	assert_non_null(lockout);
	return lockout;
}

static struct wr_instant at(uint64_t seconds)
{
	return (struct wr_instant){ (1000 + seconds) * S };
}

/* Seconds to wait; 0: the try was let through. */
static uint64_t try(struct wr_lockout *lockout, const char *account, const struct wr_ip *address,
		    uint64_t seconds)
{
	struct wr_span wait = { 0 };

	return wr_lockout_try(lockout, account, address, at(seconds), &wait) ? 0 : wait.ns / S;
}

static struct wr_ip address(unsigned number)
{
	return (struct wr_ip){ .family = WR_IPV4,
			       .bytes = { 10, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
					  (uint8_t)number } };
}

static void test_lockout_waits_double_after_five_wrong_ones(void **state)
{
	/* Each when the wait before is over: how long the next is refused. */
	static const uint64_t waits[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900 };
	struct wr_lockout *lockout = new_lockout();
	uint64_t now = 0;

	(void)state;
	for (unsigned i = 0; i < WR_LOCKOUT_ACCOUNT_FREE; i++)
		assert_int_equal(try(lockout, "ann", &none, now), 0);
	for (size_t i = 0; i < WR_ARRAY_LEN(waits); i++) {
		assert_int_equal(try(lockout, "ann", &none, now), 0);
		assert_int_equal(try(lockout, "ann", &none, now), waits[i]);
		assert_int_equal(try(lockout, "ann", &none, now + waits[i] - 1), 1);
		now += waits[i];
	}
	wr_lockout_free(lockout);
}

static void test_lockout_goes_by_account_whatever_the_address_and_case(void **state)
{
	struct wr_lockout *lockout = new_lockout();

	(void)state;
	for (unsigned i = 0; i <= WR_LOCKOUT_ACCOUNT_FREE; i++) {
		struct wr_ip from = address(i);

		assert_int_equal(try(lockout, i % 2 ? "Ann" : "aNN", &from, 0), 0);
	}
	assert_int_equal(try(lockout, "ann", &home, 0), 1);
	assert_int_equal(try(lockout, "bob", &home, 0), 0);
	wr_lockout_free(lockout);
}

static void test_lockout_goes_by_address_whatever_the_account(void **state)
{
	struct wr_lockout *lockout = new_lockout();
	struct wr_ip next_door = address(1);
	char account[16];

	(void)state;
	for (unsigned i = 0; i <= WR_LOCKOUT_ADDRESS_FREE; i++) {
		snprintf(account, sizeof(account), "user%u", i);
		assert_int_equal(try(lockout, account, &home, 0), 0);
	}
	assert_int_equal(try(lockout, "somebody", &home, 0), 1);
	assert_int_equal(try(lockout, NULL, &home, 0), 1);
	assert_int_equal(try(lockout, "somebody", &next_door, 0), 0);
	wr_lockout_free(lockout);
}

static void test_lockout_takes_a_64_of_ipv6_for_one(void **state)
{
	struct wr_lockout *lockout = new_lockout();
	struct wr_ip from = { .family = WR_IPV6, .bytes = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1 } };
	char account[16];

	(void)state;
	for (unsigned i = 0; i <= WR_LOCKOUT_ADDRESS_FREE; i++) {
		snprintf(account, sizeof(account), "user%u", i);
		from.bytes[15] = (uint8_t)i;
		assert_int_equal(try(lockout, account, &from, 0), 0);
	}
	from.bytes[15] = 200;
	assert_int_equal(try(lockout, "somebody", &from, 0), 1);
	from.bytes[7] = 2;
	assert_int_equal(try(lockout, "somebody", &from, 0), 0);
	wr_lockout_free(lockout);
}

static void test_lockout_right_password_starts_afresh(void **state)
{
	struct wr_lockout *lockout = new_lockout();

	(void)state;
	for (unsigned round = 0; round < 100; round++) {
		for (unsigned i = 0; i < WR_LOCKOUT_ACCOUNT_FREE; i++)
			assert_int_equal(try(lockout, "ann", &none, 0), 0);
		assert_int_equal(try(lockout, "ann", &none, 0), 0);
		wr_lockout_right(lockout, "ann", &none);
	}
	wr_lockout_free(lockout);
}

/* Who has an account cannot use it to guess others' for ever. */
static void test_lockout_right_password_gives_an_address_one_try_back_only(void **state)
{
	struct wr_lockout *lockout = new_lockout();
	char account[16];
	unsigned i = 0;

	(void)state;
	for (; try(lockout, "own", &home, 0) == 0; i++) {
		wr_lockout_right(lockout, "own", &home);
		snprintf(account, sizeof(account), "user%u", i);
		if (try(lockout, account, &home, 0) != 0)
			break;
	}
	assert_in_range(i, WR_LOCKOUT_ADDRESS_FREE - 1, WR_LOCKOUT_ADDRESS_FREE + 1);
	/* But a whole office can sign in. */
	wr_lockout_free(lockout);
	lockout = new_lockout();
	for (i = 0; i < 1000; i++) {
		snprintf(account, sizeof(account), "user%u", i);
		assert_int_equal(try(lockout, account, &home, 0), 0);
		wr_lockout_right(lockout, account, &home);
	}
	wr_lockout_free(lockout);
}

static void test_lockout_forgets_after_an_hour(void **state)
{
	struct wr_lockout *lockout = new_lockout();

	(void)state;
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(try(lockout, "ann", &none, 0), 0);
	assert_int_equal(try(lockout, "ann", &none, 0), 1);
	for (unsigned i = 0; i < WR_LOCKOUT_ACCOUNT_FREE; i++)
		assert_int_equal(try(lockout, "ann", &none, 3600 + i), 0);
	wr_lockout_free(lockout);
}

/* A flood of made-up accounts does not free the one that is waited for. */
static void test_lockout_full_table_forgets_what_matters_least(void **state)
{
	struct wr_lockout *lockout = new_lockout();
	char account[16];
	uint64_t now = 0;

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		uint64_t wait = try(lockout, "ann", &none, now);

		now += wait;
		if (wait)
			assert_int_equal(try(lockout, "ann", &none, now), 0);
	}
	assert_true(try(lockout, "ann", &none, now) > 10);
	for (unsigned i = 0; i < 20 * WR_LOCKOUT_ENTRIES; i++) {
		snprintf(account, sizeof(account), "user%u", i);
		assert_int_equal(try(lockout, account, &none, now), 0);
	}
	assert_true(try(lockout, "ann", &none, now) > 10);
	wr_lockout_free(lockout);
}

static void test_lockout_has_so_many_places(void **state)
{
	struct wr_lockout *lockout = new_lockout();

	(void)state;
	for (unsigned i = 0; i < WR_LOCKOUT_HASHING; i++)
		assert_true(wr_lockout_enter(lockout));
	assert_false(wr_lockout_enter(lockout));
	assert_false(wr_lockout_enter(lockout));
	wr_lockout_leave(lockout);
	assert_true(wr_lockout_enter(lockout));
	assert_false(wr_lockout_enter(lockout));
	wr_lockout_free(lockout);
}

static void test_lockout_counts(void **state)
{
	struct wr_lockout *lockout = new_lockout();
	struct wr_lockout_numbers numbers;

	(void)state;
	for (unsigned i = 0; i < 10; i++)
		(void)!try(lockout, "ann", &none, 0);
	wr_lockout_count(lockout, &numbers);
	assert_int_equal(numbers.tries, 6);
	assert_int_equal(numbers.refused, 4);
	wr_lockout_free(lockout);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lockout_waits_double_after_five_wrong_ones),
		cmocka_unit_test(test_lockout_goes_by_account_whatever_the_address_and_case),
		cmocka_unit_test(test_lockout_goes_by_address_whatever_the_account),
		cmocka_unit_test(test_lockout_takes_a_64_of_ipv6_for_one),
		cmocka_unit_test(test_lockout_right_password_starts_afresh),
		cmocka_unit_test(test_lockout_right_password_gives_an_address_one_try_back_only),
		cmocka_unit_test(test_lockout_forgets_after_an_hour),
		cmocka_unit_test(test_lockout_full_table_forgets_what_matters_least),
		cmocka_unit_test(test_lockout_has_so_many_places),
		cmocka_unit_test(test_lockout_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
