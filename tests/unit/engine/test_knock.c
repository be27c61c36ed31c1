/* Knocks: what reaches who owns the engine, and what the port sends for it. */
#include <errno.h>

#include "engines.h"
#include "wire/message.h"

#define MANY 500

struct ear {
	unsigned count;
	uint8_t last[WR_ENGINE_KNOCK_MAX_LEN];
	size_t len;
	struct wr_endpoint from;
};

struct scene {
	struct side side;
	struct puppet puppet;
	struct ear ear;
};

static void on_knocked(void *context, struct wr_bytes datagram, const struct wr_endpoint *from)
{
	struct ear *ear = context;

	assert_in_range(datagram.len, 1, sizeof(ear->last));
	memcpy(ear->last, datagram.data, datagram.len);
	ear->len = datagram.len;
	ear->from = *from;
	ear->count++;
}

static void scene_open(struct scene *scene, unsigned workers)
{
	*scene = (struct scene){ .ear.count = 0 };
	side_open_knocked(&scene->side, workers, on_knocked, &scene->ear);
	puppet_open(&scene->puppet, &scene->side, "10.0.0.0/8", true);
}

static void scene_close(struct scene *scene)
{
	side_close(&scene->side);
	puppet_close(&scene->puppet);
}

static struct wr_counters counted(const struct scene *scene)
{
	struct wr_counters counters;

	wr_engine_counters(scene->side.engine, &counters);
	return counters;
}

static void await_knocks(struct scene *scene, unsigned count)
{
	struct side *side = &scene->side;

	for (unsigned i = 0; scene->ear.count < count && i < PATIENCE_MS; i++)
		(void)sides_run(&side, 1, -1, 1);
	assert_int_equal(scene->ear.count, count);
}

static void test_knock_reaches_who_is_told(void **state)
{
	uint8_t knock[WR_ENGINE_KNOCK_MAX_LEN] = { WR_ENGINE_KNOCK_FIRST, 1, 2 };
	struct scene scene;

	(void)state;
	scene_open(&scene, 2);
	puppet_send(&scene.puppet, knock, sizeof(knock), 0);
	await_knocks(&scene, 1);
	assert_int_equal(scene.ear.len, sizeof(knock));
	assert_memory_equal(scene.ear.last, knock, sizeof(knock));
	assert_true(wr_endpoint_equal_remote(&scene.ear.from, &scene.puppet.self));
	puppet_send(&scene.puppet, knock, 1, 0);
	await_knocks(&scene, 2);
	assert_int_equal(scene.ear.len, 1);
	assert_int_equal(counted(&scene).knocks, 2);
	scene_close(&scene);
}

/* Each is counted as what it is. */
static void test_knock_is_nothing_else(void **state)
{
	uint8_t bytes[WR_ENGINE_KNOCK_MAX_LEN + 1] = { WR_ENGINE_KNOCK_FIRST };
	struct scene scene;

	(void)state;
	scene_open(&scene, 1);
	puppet_send(&scene.puppet, bytes, sizeof(bytes), 0);
	side_await(&scene.side, WR_DROP_TYPE, 1);
	for (unsigned first = 0; first < 256; first++) {
		bytes[0] = (uint8_t)first;
		if (first != WR_ENGINE_KNOCK_FIRST)
			puppet_send(&scene.puppet, bytes, 100, 0);
	}
	/* Types 1 to 3 of a wrong length; data that is for nobody. */
	side_await(&scene.side, WR_DROP_TYPE, 252);
	side_await(&scene.side, WR_DROP_SHORT, 3);
	side_await(&scene.side, WR_DROP_INDEX, 1);
	assert_int_equal(scene.ear.count, 0);
	scene_close(&scene);
}

static void test_knock_has_a_budget(void **state)
{
	uint8_t knock[142] = { WR_ENGINE_KNOCK_FIRST };
	struct scene scene;
	uint64_t seen = 0;

	(void)state;
	scene_open(&scene, 1);
	for (unsigned i = 0; i < MANY; i++)
		puppet_send(&scene.puppet, knock, sizeof(knock), 0);
	while (seen < MANY) {
		side_turn(&scene.side);
		seen = counted(&scene).knocks + side_verdicts(&scene.side, WR_DROP_BUDGET);
	}
	/* Of one source: 32 at once, and 16 a second. */
	await_knocks(&scene, (unsigned)counted(&scene).knocks);
	assert_in_range(scene.ear.count, 32, 100);
	/* Handshakes are not held up. */
	puppet_shake_hands(&scene.puppet);
	scene_close(&scene);
}

static void test_knock_is_dropped_where_nobody_is_told(void **state)
{
	const uint8_t knock[142] = { WR_ENGINE_KNOCK_FIRST };
	struct puppet puppet;
	struct side side;

	(void)state;
	side_open(&side, 1, false, 1);
	puppet_open(&puppet, &side, "10.0.0.0/8", true);
	puppet_send(&puppet, knock, sizeof(knock), 0);
	side_await(&side, WR_DROP_TYPE, 1);
	side_close(&side);
	puppet_close(&puppet);
}

static void test_knock_leaves_from_the_port(void **state)
{
	static const uint8_t bytes[5] = "Wxyz";
	struct wr_bytes knock = { bytes, sizeof(bytes) };
	struct heard heard;
	struct scene scene;

	(void)state;
	scene_open(&scene, 1);
	assert_int_equal(wr_engine_send(scene.side.engine, knock, &scene.puppet.self), 0);
	puppet_hear(&scene.puppet, &heard);
	assert_int_equal(heard.len, sizeof(bytes));
	assert_memory_equal(heard.bytes, bytes, sizeof(bytes));
	wr_engine_unlisten(scene.side.engine);
	assert_int_equal(wr_engine_send(scene.side.engine, knock, &scene.puppet.self), -ENOTCONN);
	scene_close(&scene);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_knock_reaches_who_is_told),
		cmocka_unit_test(test_knock_is_nothing_else),
		cmocka_unit_test(test_knock_has_a_budget),
		cmocka_unit_test(test_knock_is_dropped_where_nobody_is_told),
		cmocka_unit_test(test_knock_leaves_from_the_port),
	};

	return cmocka_run_group_tests(tests, engines_setup, NULL);
}
