#include <pthread.h>

#include "unit.h"
#include "wg/latch.h"

/* An endpoint all of whose fields say `number`. */
static struct wr_endpoint numbered(uint32_t number)
{
	struct wr_endpoint endpoint = {
		.ip = { .family = WR_IPV6 },
		.port = (uint16_t)number,
		.scope = number,
		.local = { .family = WR_IPV6 },
		.interface = number,
	};

	memcpy(endpoint.ip.bytes + 12, &number, sizeof(number));
	memcpy(endpoint.local.bytes, &number, sizeof(number));
	return endpoint;
}

static bool is_whole(const struct wr_endpoint *endpoint)
{
	struct wr_endpoint whole = numbered(endpoint->scope);

	return endpoint->port == whole.port && wr_endpoint_equal(endpoint, &whole) &&
	       endpoint->interface == whole.interface;
}

static void test_latch_is_not_known_at_first(void **state)
{
	struct wr_latch latch = { 0 };
	struct wr_endpoint endpoint = numbered(7), before = endpoint;

	(void)state;
	assert_int_equal(wr_latch_read(&latch, &endpoint), 0);
	assert_memory_equal(&endpoint, &before, sizeof(endpoint));
}

static void test_latch_gives_what_was_written_last(void **state)
{
	struct wr_latch latch = { 0 };
	struct wr_endpoint endpoint;
	uint32_t version = 0;

	(void)state;
	for (uint32_t i = 1; i < 100; i++) {
		struct wr_endpoint written = numbered(i);

		wr_latch_write(&latch, &written);
		assert_int_not_equal(wr_latch_read(&latch, &endpoint), version);
		version = wr_latch_read(&latch, &endpoint);
		assert_int_equal(endpoint.scope, i);
		assert_true(is_whole(&endpoint));
	}
}

static void test_latch_version_never_becomes_not_known(void **state)
{
	struct wr_latch latch = { .version = UINT32_MAX - 1 };
	struct wr_endpoint endpoint;

	(void)state;
	for (uint32_t i = 1; i < 5; i++) {
		struct wr_endpoint written = numbered(i);

		wr_latch_write(&latch, &written);
		assert_int_not_equal(wr_latch_read(&latch, &endpoint), 0);
		assert_int_equal(endpoint.scope, i);
	}
}

static void test_latch_refuses_a_second_writer(void **state)
{
	struct wr_latch latch = { .is_writing = true };
	struct wr_endpoint endpoint = numbered(1);

	(void)state;
	assert_false(wr_latch_try_write(&latch, &endpoint));
	assert_int_equal(wr_latch_read(&latch, &endpoint), 0);
}

/* --- Two that write, and one that reads. --- */

#define WRITES 100000

static void *write_many(void *context)
{
	struct wr_latch *latch = context;

	for (uint32_t i = 1; i <= WRITES; i++) {
		struct wr_endpoint endpoint = numbered(i);

		wr_latch_write(latch, &endpoint);
	}
	return NULL;
}

static void test_latch_replaces_only_what_was_read(void **state)
{
	struct wr_latch latch = { 0 };
	struct wr_endpoint one = numbered(1), two = numbered(2), three = numbered(3), endpoint;
	uint32_t version;

	(void)state;
	wr_latch_write(&latch, &one);
	version = wr_latch_read(&latch, &endpoint);
	assert_true(wr_latch_try_replace(&latch, version, &two));
	assert_false(wr_latch_try_replace(&latch, version, &three));
	assert_int_not_equal(wr_latch_read(&latch, &endpoint), version);
	assert_int_equal(endpoint.scope, 2);
	latch.is_writing = true;
	assert_false(wr_latch_try_replace(&latch, latch.version, &three));
}

static void test_latch_reader_sees_only_whole_endpoints(void **state)
{
	struct wr_latch latch = { 0 };
	struct wr_endpoint endpoint = { 0 };
	pthread_t writers[2];

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(writers); i++)
		assert_int_equal(pthread_create(&writers[i], NULL, write_many, &latch), 0);
	while (endpoint.scope < WRITES) {
		if (wr_latch_read(&latch, &endpoint))
			assert_true(is_whole(&endpoint));
	}
	for (size_t i = 0; i < WR_ARRAY_LEN(writers); i++)
		pthread_join(writers[i], NULL);
	assert_true(wr_latch_read(&latch, &endpoint));
	assert_true(is_whole(&endpoint));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_latch_is_not_known_at_first),
		cmocka_unit_test(test_latch_gives_what_was_written_last),
		cmocka_unit_test(test_latch_version_never_becomes_not_known),
		cmocka_unit_test(test_latch_refuses_a_second_writer),
		cmocka_unit_test(test_latch_replaces_only_what_was_read),
		cmocka_unit_test(test_latch_reader_sees_only_whole_endpoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
