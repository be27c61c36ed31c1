#include "wire/stun.h"

#include "unit.h"

/* RFC 5769, section 2: the id of its examples. */
static const struct wr_stun_id rfc_id = { {
	0xb7,
	0xe7,
	0xa7,
	0x01,
	0xbc,
	0x34,
	0xd6,
	0x86,
	0xfa,
	0x87,
	0xdf,
	0xae,
} };

/* RFC 5769, section 2.2: the response that tells 192.0.2.1:32853, without what its
 * credentials add. */
static const uint8_t rfc_answer4[] = {
	0x01, 0x01, 0x00, 0x1c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01,
	0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b,
	0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63, 0x74, 0x6f, 0x72, 0x20,
	0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
};

/* Section 2.3: 2001:db8:1234:5678:11:2233:4455:6677, port 32853. */
static const uint8_t rfc_answer6[] = {
	0x01, 0x01, 0x00, 0x28, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6,
	0x86, 0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76,
	0x65, 0x63, 0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01,
	0x13, 0xa9, 0xfa, 0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
};

#define BYTES(array) ((struct wr_bytes){ (array), sizeof(array) })

static struct wr_endpoint endpoint(const char *text)
{
	struct wr_endpoint endpoint;

	assert_true(wr_endpoint_parse(text, strlen(text), &endpoint));
	return endpoint;
}

static void assert_tells(struct wr_bytes answer, const char *text)
{
	struct wr_endpoint expected = endpoint(text), mapped;

	assert_true(wr_stun_is(answer));
	assert_true(wr_stun_answer_read(answer, &rfc_id, &mapped));
	assert_true(wr_endpoint_equal(&mapped, &expected));
}

static void test_stun_reads_the_examples_of_the_rfc(void **state)
{
	(void)state;
	assert_tells(BYTES(rfc_answer4), "192.0.2.1:32853");
	assert_tells(BYTES(rfc_answer6), "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
}

static void test_stun_writes_what_the_rfc_has(void **state)
{
	struct wr_endpoint v4 = endpoint("192.0.2.1:32853");
	struct wr_endpoint v6 = endpoint("[2001:db8:1234:5678:11:2233:4455:6677]:32853");
	uint8_t answer[WR_STUN_ANSWER_MAX_LEN];

	(void)state;
	assert_int_equal(wr_stun_answer_write(&rfc_id, &v4, answer), 32);
	assert_memory_equal(answer + 20, rfc_answer4 + 36, 12);
	assert_tells((struct wr_bytes){ answer, 32 }, "192.0.2.1:32853");
	assert_int_equal(wr_stun_answer_write(&rfc_id, &v6, answer), 44);
	assert_memory_equal(answer + 20, rfc_answer6 + 36, 24);
	assert_tells((struct wr_bytes){ answer, 44 },
		     "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
}

static void test_stun_request_is_read_as_written(void **state)
{
	static const uint8_t head[8] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 };
	uint8_t request[WR_STUN_REQUEST_LEN];
	struct wr_stun_id id;

	(void)state;
	wr_stun_request_write(&rfc_id, request);
	assert_memory_equal(request, head, sizeof(head));
	assert_true(wr_stun_is(BYTES(request)));
	assert_true(wr_stun_request_read(BYTES(request), &id));
	assert_memory_equal(&id, &rfc_id, sizeof(id));
}

/* A request with one attribute of this type, whose length says `said`. */
static bool takes(uint8_t high, uint8_t low, uint8_t said, size_t len)
{
	uint8_t request[WR_STUN_REQUEST_LEN + 8];
	struct wr_stun_id id;

	wr_stun_request_write(&rfc_id, request);
	request[3] = (uint8_t)(len - WR_STUN_REQUEST_LEN);
	memcpy(request + WR_STUN_REQUEST_LEN, (uint8_t[8]){ high, low, 0, said, 'w', 'a' }, 8);
	return wr_stun_request_read((struct wr_bytes){ request, len }, &id);
}

static void test_stun_request_asks_only_for_what_we_know(void **state)
{
	(void)state;
	assert_true(takes(0x80, 0x22, 2, 28)); /* SOFTWARE, padded */
	assert_true(takes(0x80, 0x22, 4, 28));
	assert_false(takes(0x00, 0x03, 4, 28)); /* CHANGE-REQUEST */
	assert_false(takes(0x00, 0x06, 2, 28)); /* USERNAME */
	assert_false(takes(0x80, 0x22, 5, 28)); /* longer than the message */
	assert_false(takes(0x80, 0x22, 0, 26)); /* no whole words */
	assert_true(takes(0x80, 0x22, 0, 24));
}

static void test_stun_refuses_what_is_cut_or_long(void **state)
{
	uint8_t bytes[sizeof(rfc_answer4) + 4] = { 0 };
	struct wr_endpoint mapped;

	(void)state;
	memcpy(bytes, rfc_answer4, sizeof(rfc_answer4));
	for (size_t len = 0; len <= sizeof(bytes); len++)
		assert_true(wr_stun_answer_read((struct wr_bytes){ bytes, len }, &rfc_id,
						&mapped) == (len == sizeof(rfc_answer4)));
}

static void test_stun_answer_is_of_the_question(void **state)
{
	struct wr_endpoint mapped = { .port = 7 };
	struct wr_stun_id other = rfc_id;

	(void)state;
	other.bytes[11] ^= 1;
	assert_false(wr_stun_answer_read(BYTES(rfc_answer4), &other, &mapped));
	assert_int_equal(mapped.port, 7);
}

/* A changed byte is another address at the most, never a crash, and never another type. */
static void test_stun_answer_with_other_bytes(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t value;
	} cases[] = {
		{ "a request", 0, 0 },
		{ "an error response", 1, 0x11 },
		{ "another magic number", 4, 0 },
		{ "no family", 41, 3 },
		{ "IPv6 with 4 bytes", 41, 2 },
		{ "shorter than its attributes", 3, 0x18 },
		{ "must be understood", 20, 0 },
		{ "no address", 36, 0x80 },
	};
	uint8_t bytes[sizeof(rfc_answer4)];
	struct wr_endpoint mapped;

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		memcpy(bytes, rfc_answer4, sizeof(bytes));
		bytes[cases[i].at] = cases[i].value;
		if (wr_stun_answer_read(BYTES(bytes), &rfc_id, &mapped))
			fail_msg("%s was taken", cases[i].name);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stun_reads_the_examples_of_the_rfc),
		cmocka_unit_test(test_stun_writes_what_the_rfc_has),
		cmocka_unit_test(test_stun_request_is_read_as_written),
		cmocka_unit_test(test_stun_request_asks_only_for_what_we_know),
		cmocka_unit_test(test_stun_refuses_what_is_cut_or_long),
		cmocka_unit_test(test_stun_answer_is_of_the_question),
		cmocka_unit_test(test_stun_answer_with_other_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
