#include "tunnel/uapi_inbox.h"

#include "unit.h"

static void put(struct wr_uapi_inbox *inbox, const void *bytes, size_t len)
{
	const uint8_t *from = bytes;

	while (len) {
		size_t room = wr_uapi_inbox_room(inbox, 1 << 20);
		size_t part = room < len ? room : len;

		assert_true(room > 0);
		memcpy(inbox->data + inbox->len, from, part);
		wr_uapi_inbox_add(inbox, part);
		from += part;
		len -= part;
	}
}

static void assert_next(struct wr_uapi_inbox *inbox, const char *want)
{
	struct wr_bytes request;

	assert_true(wr_uapi_inbox_peek(inbox, &request));
	assert_int_equal(request.len, strlen(want));
	assert_memory_equal(request.data, want, request.len);
	wr_uapi_inbox_drop(inbox, request.len);
}

static void test_inbox_gives_requests_one_by_one(void **state)
{
	struct wr_uapi_inbox inbox = { 0 };
	struct wr_bytes request;

	(void)state;
	assert_false(wr_uapi_inbox_peek(&inbox, &request));
	put(&inbox, "get=1\n\nset=1\na=b\n\n\n\nget", 23);
	assert_next(&inbox, "get=1\n\n");
	assert_next(&inbox, "set=1\na=b\n\n");
	assert_next(&inbox, "\n\n");
	assert_false(wr_uapi_inbox_peek(&inbox, &request));
	put(&inbox, "=1\n", 3);
	assert_false(wr_uapi_inbox_peek(&inbox, &request));
	put(&inbox, "\n", 1);
	assert_next(&inbox, "get=1\n\n");
	wr_uapi_inbox_done(&inbox);
}

/* Cut anywhere, the same requests come out. */
static void test_inbox_minds_no_cuts(void **state)
{
	struct unit_random random = unit_random_start("test_inbox_minds_no_cuts");
	static char text[100000], got[sizeof(text)];

	(void)state;
	for (int round = 0; round < 50; round++) {
		struct wr_uapi_inbox inbox = { 0 };
		size_t sent = 0, have = 0;
		struct wr_bytes request;

		for (size_t i = 0; i < sizeof(text); i++)
			text[i] = "ab\n"[unit_random_below(&random, 3)];
		while (sent < sizeof(text)) {
			size_t len = 1 + unit_random_below(&random, 5000);

			len = len < sizeof(text) - sent ? len : sizeof(text) - sent;
			put(&inbox, text + sent, len);
			sent += len;
			while (wr_uapi_inbox_peek(&inbox, &request)) {
				/* The first empty line ends it. */
				assert_memory_equal(request.data + request.len - 2, "\n\n", 2);
				assert_ptr_equal(memmem(request.data, request.len, "\n\n", 2),
						 request.data + request.len - 2);
				memcpy(got + have, request.data, request.len);
				have += request.len;
				wr_uapi_inbox_drop(&inbox, request.len);
			}
		}
		memcpy(got + have, inbox.data, inbox.len);
		assert_int_equal(have + inbox.len, sizeof(text));
		assert_memory_equal(got, text, sizeof(text));
		wr_uapi_inbox_done(&inbox);
	}
}

static void test_inbox_has_a_limit(void **state)
{
	struct wr_uapi_inbox inbox = { 0 };
	size_t room, all = 0;

	(void)state;
	while ((room = wr_uapi_inbox_room(&inbox, 100000)) > 0) {
		wr_uapi_inbox_add(&inbox, room);
		all += room;
	}
	assert_int_equal(all, 100000);
	wr_uapi_inbox_done(&inbox);
}

/* What was read held keys. */
static void test_inbox_wipes_and_shrinks(void **state)
{
	struct wr_uapi_inbox inbox = { 0 };
	static uint8_t secret[5000];
	const uint8_t *data;

	(void)state;
	memset(secret, 's', sizeof(secret));
	put(&inbox, secret, sizeof(secret));
	put(&inbox, "\n\n", 2);
	data = inbox.data;
	wr_uapi_inbox_drop(&inbox, inbox.len);
	for (size_t i = 0; i < sizeof(secret); i++)
		assert_int_equal(data[i], 0);
	for (int i = 0; i < 10; i++)
		put(&inbox, secret, sizeof(secret));
	assert_true(inbox.capacity > 16384);
	wr_uapi_inbox_drop(&inbox, inbox.len);
	assert_int_equal(inbox.capacity, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inbox_gives_requests_one_by_one),
		cmocka_unit_test(test_inbox_minds_no_cuts),
		cmocka_unit_test(test_inbox_has_a_limit),
		cmocka_unit_test(test_inbox_wipes_and_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
