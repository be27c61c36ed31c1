#include "wire/message.h"

#include "unit.h"

/* `len` bytes: `first`, then 1, 2, 3, ... at their own places. */
static void fill(uint8_t *bytes, size_t len, uint8_t type)
{
	static const uint8_t head[4] = { 0 };

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)i;
	memcpy(bytes, head, sizeof(head));
	bytes[0] = type;
}

static void assert_counting(const uint8_t *bytes, size_t len, size_t from)
{
	for (size_t i = 0; i < len; i++)
		assert_int_equal(bytes[i], (uint8_t)(from + i));
}

static void test_message_initiation_has_its_fields_in_place(void **state)
{
	uint8_t bytes[WR_INITIATION_LEN], again[WR_INITIATION_LEN];
	struct wr_initiation message;

	(void)state;
	fill(bytes, sizeof(bytes), WR_MESSAGE_INITIATION);
	assert_true(wr_initiation_read((struct wr_bytes){ bytes, sizeof(bytes) }, &message));
	assert_int_equal(message.sender, 0x07060504);
	assert_counting(message.ephemeral, 32, 8);
	assert_counting(message.static_sealed, 48, 40);
	assert_counting(message.timestamp_sealed, 28, 88);
	assert_counting(message.mac1, 16, 116);
	assert_counting(message.mac2, 16, 132);
	wr_initiation_write(&message, again);
	assert_memory_equal(again, bytes, sizeof(bytes));
}

static void test_message_response_has_its_fields_in_place(void **state)
{
	uint8_t bytes[WR_RESPONSE_LEN], again[WR_RESPONSE_LEN];
	struct wr_response message;

	(void)state;
	fill(bytes, sizeof(bytes), WR_MESSAGE_RESPONSE);
	assert_true(wr_response_read((struct wr_bytes){ bytes, sizeof(bytes) }, &message));
	assert_int_equal(message.sender, 0x07060504);
	assert_int_equal(message.receiver, 0x0b0a0908);
	assert_counting(message.ephemeral, 32, 12);
	assert_counting(message.empty_sealed, 16, 44);
	assert_counting(message.mac1, 16, 60);
	assert_counting(message.mac2, 16, 76);
	wr_response_write(&message, again);
	assert_memory_equal(again, bytes, sizeof(bytes));
}

static void test_message_cookie_reply_has_its_fields_in_place(void **state)
{
	uint8_t bytes[WR_COOKIE_LEN], again[WR_COOKIE_LEN];
	struct wr_cookie_reply message;

	(void)state;
	fill(bytes, sizeof(bytes), WR_MESSAGE_COOKIE);
	assert_true(wr_cookie_reply_read((struct wr_bytes){ bytes, sizeof(bytes) }, &message));
	assert_int_equal(message.receiver, 0x07060504);
	assert_counting(message.nonce, 24, 8);
	assert_counting(message.cookie_sealed, 32, 32);
	wr_cookie_reply_write(&message, again);
	assert_memory_equal(again, bytes, sizeof(bytes));
}

static bool reads_as(enum wr_message_type type, struct wr_bytes datagram)
{
	struct wr_initiation initiation;
	struct wr_response response;
	struct wr_cookie_reply cookie;

	switch (type) {
	case WR_MESSAGE_INITIATION: return wr_initiation_read(datagram, &initiation);
	case WR_MESSAGE_RESPONSE: return wr_response_read(datagram, &response);
	case WR_MESSAGE_COOKIE: return wr_cookie_reply_read(datagram, &cookie);
	case WR_MESSAGE_DATA: return datagram.len >= 32 && datagram.data[0] == 4;
	case WR_MESSAGE_NONE: break;
	}
	return false;
}

/* Every type byte at every length: the type is what its length allows, and only
 * that type's reader takes it. */
static void test_message_type_goes_with_its_length(void **state)
{
	static const size_t lens[5] = { 0, 148, 92, 64, 0 };
	uint8_t bytes[200];

	(void)state;
	for (unsigned first = 0; first < 256; first++) {
		fill(bytes, sizeof(bytes), (uint8_t)first);
		for (size_t len = 0; len <= sizeof(bytes); len++) {
			struct wr_bytes datagram = { bytes, len };
			enum wr_message_type want = WR_MESSAGE_NONE;

			if (first >= 1 && first <= 3 && len == lens[first])
				want = (enum wr_message_type)first;
			if (first == 4 && len >= 32)
				want = WR_MESSAGE_DATA;
			assert_int_equal(wr_message_type(datagram), want);
			for (unsigned type = 1; type <= 3; type++)
				assert_int_equal(reads_as((enum wr_message_type)type, datagram),
						 want == (enum wr_message_type)type);
		}
	}
}

static void test_message_with_a_reserved_byte_set_is_none(void **state)
{
	static const size_t lens[5] = { 0, 148, 92, 64, 32 };
	uint8_t bytes[200];

	(void)state;
	for (unsigned type = 1; type <= 4; type++) {
		for (unsigned at = 1; at <= 3; at++) {
			struct wr_bytes datagram = { bytes, lens[type] };

			fill(bytes, sizeof(bytes), (uint8_t)type);
			assert_int_equal(wr_message_type(datagram), type);
			bytes[at] = 0x80;
			assert_int_equal(wr_message_type(datagram), WR_MESSAGE_NONE);
			if (type != WR_MESSAGE_DATA)
				assert_false(reads_as((enum wr_message_type)type, datagram));
		}
	}
}

static void test_message_data_header_is_little_endian(void **state)
{
	static const uint8_t want[WR_DATA_HEADER_LEN] = {
		4, 0, 0, 0, 0x44, 0x33, 0x22, 0x11, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11,
	};
	uint8_t header[WR_DATA_HEADER_LEN];

	(void)state;
	wr_data_header_write(header, 0x11223344, UINT64_C(0x1122334455667788));
	assert_memory_equal(header, want, sizeof(want));
	assert_int_equal(wr_data_receiver(header), 0x11223344);
	assert_int_equal(wr_data_counter(header), UINT64_C(0x1122334455667788));
}

static void test_message_padding_stays_within_the_mtu(void **state)
{
	static const struct {
		size_t len, mtu, want;
	} cases[] = {
		{ 0, 1420, 0 },       { 1, 1420, 16 },      { 16, 1420, 16 },
		{ 17, 1420, 32 },     { 1408, 1420, 1408 }, { 1409, 1420, 1420 },
		{ 1420, 1420, 1420 }, { 1421, 1420, 1421 }, { 65535, 65535, 65535 },
		{ 5, 3, 5 },          { 1, 7, 7 },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++)
		assert_int_equal(wr_data_padded(cases[i].len, cases[i].mtu), cases[i].want);
}

static void test_message_refusal_tells_length_from_type(void **state)
{
	static const struct {
		const char *name;
		uint8_t data[5];
		size_t len;
		enum wr_verdict want;
	} cases[] = {
		{ "nothing", { 0 }, 0, WR_DROP_SHORT },
		{ "three bytes", { 9, 9, 9 }, 3, WR_DROP_SHORT },
		{ "an initiation's beginning", { 1 }, 5, WR_DROP_SHORT },
		{ "a data message's beginning", { 4 }, 5, WR_DROP_SHORT },
		{ "type 0", { 0 }, 5, WR_DROP_TYPE },
		{ "type 5", { 5 }, 5, WR_DROP_TYPE },
		{ "reserved bytes set", { 1, 1 }, 5, WR_DROP_TYPE },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_bytes datagram = { cases[i].data, cases[i].len };

		if (wr_message_refuse(datagram) != cases[i].want)
			fail_msg("%s", cases[i].name);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_initiation_has_its_fields_in_place),
		cmocka_unit_test(test_message_response_has_its_fields_in_place),
		cmocka_unit_test(test_message_cookie_reply_has_its_fields_in_place),
		cmocka_unit_test(test_message_type_goes_with_its_length),
		cmocka_unit_test(test_message_with_a_reserved_byte_set_is_none),
		cmocka_unit_test(test_message_data_header_is_little_endian),
		cmocka_unit_test(test_message_padding_stays_within_the_mtu),
		cmocka_unit_test(test_message_refusal_tells_length_from_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
