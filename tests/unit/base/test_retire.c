#include "base/retire.h"

#include "unit.h"

struct object {
	struct wr_retired retired;
	int *freed;
};

static void object_free(struct wr_retired *retired)
{
	struct object *object = WR_CONTAINER_OF(retired, struct object, retired);

	++*object->freed;
}

static void test_retire_frees_what_was_taken_and_no_more(void **state)
{
	int freed[3] = { 0 };
	struct object objects[3] = {
		{ .freed = &freed[0] },
		{ .freed = &freed[1] },
		{ .freed = &freed[2] },
	};
	struct wr_retire_list list = { 0 }, taken;

	(void)state;
	wr_retire(&list, &objects[0].retired, object_free);
	wr_retire(&list, &objects[1].retired, object_free);
	taken = wr_retire_take(&list);
	wr_retire(&list, &objects[2].retired, object_free);
	assert_int_equal(freed[0] + freed[1] + freed[2], 0);

	wr_retire_free_all(&taken);
	assert_null(taken.first);
	assert_int_equal(freed[0], 1);
	assert_int_equal(freed[1], 1);
	assert_int_equal(freed[2], 0);
	wr_retire_free_all(&list);
	assert_int_equal(freed[2], 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retire_frees_what_was_taken_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
