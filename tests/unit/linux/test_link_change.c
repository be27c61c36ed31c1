#include "linux/link_change.h"

#include <errno.h>

#include "namespace.h"

static int enter(void **state)
{
	(void)state;
	namespace_enter();
	return 0;
}

static void test_link_change_makes_finds_and_deletes(void **state)
{
	struct wr_link_sight sight = { 0 };
	uint32_t index = 0;

	(void)state;
	assert_int_equal(wr_link_find("w0", &sight), -ENODEV);
	assert_int_equal(wr_link_create("w0", "veth", "ours", 1380, &index), 0);
	assert_int_equal(wr_link_find("w0", &sight), 0);
	assert_int_equal(sight.index, index);
	assert_string_equal(sight.kind, "veth");
	assert_string_equal(sight.alias, "ours");
	assert_int_equal(sight.mtu, 1380);
	assert_false(sight.is_up);
	assert_int_equal(wr_link_create("w0", "veth", "ours", 1380, &index), -EEXIST);
	assert_int_equal(wr_link_delete(sight.index), 0);
	assert_int_equal(wr_link_delete(sight.index), -ENODEV);
	assert_int_equal(wr_link_find("w0", &sight), -ENODEV);
}

static void test_link_change_sets_up_and_mtu(void **state)
{
	struct wr_link_sight sight;

	(void)state;
	assert_int_equal(wr_link_find("lo", &sight), 0);
	assert_true(sight.is_up);
	assert_string_equal(sight.kind, "");
	assert_string_equal(sight.alias, "");
	assert_int_equal(wr_link_set_mtu(sight.index, 9000), 0);
	assert_int_equal(wr_link_set_up(sight.index, false), 0);
	assert_int_equal(wr_link_find("lo", &sight), 0);
	assert_false(sight.is_up);
	assert_int_equal(sight.mtu, 9000);
	assert_int_equal(wr_link_set_up(sight.index, true), 0);
	assert_int_equal(wr_link_set_up(12345, true), -ENODEV);
	assert_int_equal(wr_link_set_mtu(12345, 1400), -ENODEV);
}

static void test_link_change_says_what_the_kernel_lacks(void **state)
{
	uint32_t index = 7;

	(void)state;
	assert_int_equal(wr_link_create("w0", "no-such-kind", "", 1400, &index), -EOPNOTSUPP);
	assert_int_equal(wr_link_create("a-very-long-name-of-a-link", "veth", "", 1400, &index),
			 -ENAMETOOLONG);
	assert_int_equal(index, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_change_makes_finds_and_deletes),
		cmocka_unit_test(test_link_change_sets_up_and_mtu),
		cmocka_unit_test(test_link_change_says_what_the_kernel_lacks),
	};

	return cmocka_run_group_tests(tests, enter, NULL);
}
