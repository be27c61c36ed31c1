#include "base/heap.h"

#include "unit.h"

static struct wr_instant at(uint64_t ns)
{
	return (struct wr_instant){ ns };
}

static void test_heap_gives_the_soonest_first(void **state)
{
	static const uint64_t deadlines[] = { 50, 10, 40, 10, 30, 20, 60 };
	static const uint64_t order[] = { 10, 10, 20, 30, 40, 50, 60 };
	struct wr_heap_node nodes[WR_ARRAY_LEN(deadlines)] = { 0 };
	struct wr_heap heap = { 0 };

	(void)state;
	assert_null(wr_heap_first(&heap));
	assert_true(wr_is_never(wr_heap_deadline(&heap)));
	for (size_t i = 0; i < WR_ARRAY_LEN(nodes); i++)
		assert_true(wr_heap_set(&heap, &nodes[i], at(deadlines[i])));
	for (size_t i = 0; i < WR_ARRAY_LEN(order); i++) {
		struct wr_heap_node *first = wr_heap_first(&heap);

		assert_int_equal(first->deadline.ns, order[i]);
		assert_int_equal(wr_heap_deadline(&heap).ns, order[i]);
		wr_heap_remove(&heap, first);
		assert_false(wr_heap_has(first));
	}
	assert_null(wr_heap_first(&heap));
	wr_heap_done(&heap);
}

static void test_heap_set_moves_a_node_that_is_in(void **state)
{
	struct wr_heap_node a = { 0 }, b = { 0 };
	struct wr_heap heap = { 0 };

	(void)state;
	assert_true(wr_heap_set(&heap, &a, at(1)));
	assert_true(wr_heap_set(&heap, &b, at(2)));
	assert_true(wr_heap_set(&heap, &a, at(3)));
	assert_ptr_equal(wr_heap_first(&heap), &b);
	assert_true(wr_heap_set(&heap, &a, at(0)));
	assert_ptr_equal(wr_heap_first(&heap), &a);
	assert_int_equal(heap.count, 2);
	wr_heap_done(&heap);
}

static void test_heap_remove_takes_a_node_that_is_not_in(void **state)
{
	struct wr_heap_node a = { 0 };
	struct wr_heap heap = { 0 };

	(void)state;
	wr_heap_remove(&heap, &a);
	assert_true(wr_heap_set(&heap, &a, at(1)));
	wr_heap_remove(&heap, &a);
	wr_heap_remove(&heap, &a);
	assert_int_equal(heap.count, 0);
	wr_heap_done(&heap);
}

static void test_heap_done_lets_its_nodes_go(void **state)
{
	struct wr_heap_node a = { 0 };
	struct wr_heap heap = { 0 };

	(void)state;
	assert_true(wr_heap_set(&heap, &a, at(1)));
	wr_heap_done(&heap);
	assert_false(wr_heap_has(&a));
	assert_true(wr_heap_set(&heap, &a, at(2)));
	wr_heap_done(&heap);
}

static void test_heap_reserve_makes_room(void **state)
{
	struct wr_heap heap = { 0 };

	(void)state;
	assert_true(wr_heap_reserve(&heap, 1000));
	assert_true(heap.capacity >= 1000);
	wr_heap_done(&heap);
}

#define NODES 300
#define STEPS 100000

static uint64_t naive_soonest(const struct wr_heap_node *nodes)
{
	uint64_t soonest = UINT64_MAX;

	for (size_t i = 0; i < NODES; i++) {
		if (wr_heap_has(&nodes[i]) && nodes[i].deadline.ns < soonest)
			soonest = nodes[i].deadline.ns;
	}
	return soonest;
}

static void test_heap_equals_a_search_of_all_nodes(void **state)
{
	struct unit_random random = unit_random_start(__func__);
	static struct wr_heap_node nodes[NODES];
	struct wr_heap heap = { 0 };
	size_t count = 0;

	(void)state;
	for (size_t step = 0; step < STEPS; step++) {
		struct wr_heap_node *node = &nodes[unit_random_below(&random, NODES)];

		if (unit_random_below(&random, 3) == 0) {
			count -= wr_heap_has(node);
			wr_heap_remove(&heap, node);
		} else {
			count += !wr_heap_has(node);
			assert_true(wr_heap_set(&heap, node, at(unit_random_below(&random, 1000))));
		}
		assert_int_equal(heap.count, count);
		assert_int_equal(wr_heap_deadline(&heap).ns, naive_soonest(nodes));
	}
	wr_heap_done(&heap);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heap_gives_the_soonest_first),
		cmocka_unit_test(test_heap_set_moves_a_node_that_is_in),
		cmocka_unit_test(test_heap_remove_takes_a_node_that_is_not_in),
		cmocka_unit_test(test_heap_done_lets_its_nodes_go),
		cmocka_unit_test(test_heap_reserve_makes_room),
		cmocka_unit_test(test_heap_equals_a_search_of_all_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
