#include "unit.h"
#include "wire/packet.h"
#include "wire/sum.h"

/* RFC 1071 section 4.1: 16 bits at a time, most significant byte first. */
static uint16_t naive_sum(const uint8_t *bytes, size_t len, uint16_t before)
{
	uint32_t sum = before;

	for (size_t i = 0; i < len; i += 2) {
		sum += (uint32_t)bytes[i] << 8 | (i + 1 < len ? bytes[i + 1] : 0);
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

static uint16_t in_host_order(uint16_t folded)
{
	uint8_t bytes[2];

	memcpy(bytes, &folded, 2);
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint16_t sum_of(const uint8_t *bytes, size_t len)
{
	return in_host_order(wr_sum_fold(wr_sum((struct wr_bytes){ bytes, len }, 0)));
}

static void test_checksum_known_answers(void **state)
{
	static const uint8_t rfc1071[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	uint8_t header[] = {
		0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11,
		0x77, 0x77, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7,
	};

	(void)state;
	assert_int_equal(sum_of(rfc1071, sizeof(rfc1071)), 0xddf2);
	assert_int_equal(sum_of(rfc1071, 0), 0);
	assert_int_equal(sum_of(rfc1071 + 2, 1), 0xf200);
	wr_ipv4_checksum_write(header, sizeof(header));
	assert_memory_equal(header + 10, "\xb8\x61", 2);
	assert_int_equal(sum_of(header, sizeof(header)), 0xffff);
}

/* Every length, at every alignment. */
static void test_checksum_equals_its_naive_twin(void **state)
{
	struct unit_random random = unit_random_start(__func__);
	static uint8_t bytes[2048 + 64];

	(void)state;
	for (size_t len = 0; len <= 2048; len++) {
		size_t offset = unit_random_below(&random, 64);

		unit_random_bytes(&random, bytes, sizeof(bytes));
		assert_int_equal(sum_of(bytes + offset, len), naive_sum(bytes + offset, len, 0));
	}
}

/* Carries at every place: nothing but ones, and nothing but zeros. */
static void test_checksum_carries_everywhere(void **state)
{
	static uint8_t ones[65536], zeros[65536];

	(void)state;
	memset(ones, 0xff, sizeof(ones));
	for (size_t len = 0; len <= sizeof(ones); len += len < 300 ? 1 : 977) {
		assert_int_equal(sum_of(ones, len), naive_sum(ones, len, 0));
		assert_int_equal(sum_of(zeros, len), 0);
	}
	assert_int_equal(sum_of(ones, sizeof(ones)), 0xffff);
}

/* Each instruction set's code, on random bytes and on nothing but ones. */
static void test_checksum_blocks_equal_their_naive_twin(void **state)
{
	struct unit_random random = unit_random_start(__func__);
	static uint8_t bytes[64 * WR_SUM_BLOCK];

	(void)state;
	for (size_t i = 0; wr_sum_all()[i]; i++) {
		for (size_t count = 0; count <= 2 * 64; count++) {
			size_t len = count / 2 * WR_SUM_BLOCK;

			memset(bytes, 0xff, sizeof(bytes));
			if (count % 2)
				unit_random_bytes(&random, bytes, sizeof(bytes));
			assert_int_equal(in_host_order(wr_sum_fold(
						 wr_sum_all()[i](bytes, len / WR_SUM_BLOCK))),
					 naive_sum(bytes, len, 0));
		}
	}
}

static void test_checksum_continues_over_even_runs(void **state)
{
	struct unit_random random = unit_random_start(__func__);
	uint8_t bytes[1500];

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		size_t len = unit_random_below(&random, sizeof(bytes) + 1);
		size_t cut = unit_random_below(&random, len / 2 + 1) * 2;
		uint64_t sum;

		unit_random_bytes(&random, bytes, len);
		sum = wr_sum((struct wr_bytes){ bytes, cut }, 0);
		sum = wr_sum((struct wr_bytes){ bytes + cut, len - cut }, sum);
		assert_int_equal(in_host_order(wr_sum_fold(sum)), naive_sum(bytes, len, 0));
	}
}

static void test_checksum_folds_any_sum(void **state)
{
	static const struct {
		uint64_t sum;
		uint16_t want;
	} cases[] = {
		{ 0, 0 },
		{ 0xffff, 0xffff },
		{ 0x10000, 1 },
		{ UINT64_MAX, 0xffff },
		{ UINT64_C(0xffffffff00000001), 0x0001 },
		{ UINT64_C(0xfffffffeffffffff), 0xfffe },
		{ UINT64_C(0x0001000200030004), 10 },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++)
		assert_int_equal(wr_sum_fold(cases[i].sum), cases[i].want);
}

/* RFC 768 and RFC 8200 section 8.1: the pseudo header, written out. */
static void test_checksum_of_pseudo_headers(void **state)
{
	struct unit_random random = unit_random_start(__func__);

	(void)state;
	for (unsigned round = 0; round < 1000; round++) {
		bool is_ipv4 = round % 2;
		size_t ip_len = is_ipv4 ? 4 : 16, len = 0;
		uint32_t l4_len = (uint32_t)unit_random_below(&random, 65536);
		uint8_t addresses[32], pseudo[40] = { 0 };
		struct wr_packet packet = {
			.src = addresses,
			.dst = addresses + 16,
			.family = is_ipv4 ? WR_IPV4 : WR_IPV6,
			.protocol = (uint8_t)unit_random_next(&random),
		};

		unit_random_bytes(&random, addresses, sizeof(addresses));
		memcpy(pseudo, packet.src, ip_len);
		memcpy(pseudo + ip_len, packet.dst, ip_len);
		len = 2 * ip_len;
		if (is_ipv4) {
			pseudo[len + 1] = packet.protocol;
			pseudo[len + 2] = (uint8_t)(l4_len >> 8);
			pseudo[len + 3] = (uint8_t)l4_len;
			len += 4;
		} else {
			pseudo[len + 2] = (uint8_t)(l4_len >> 8);
			pseudo[len + 3] = (uint8_t)l4_len;
			pseudo[len + 7] = packet.protocol;
			len += 8;
		}
		assert_int_equal(in_host_order(wr_sum_fold(wr_sum_pseudo(&packet, l4_len))),
				 naive_sum(pseudo, len, 0));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checksum_known_answers),
		cmocka_unit_test(test_checksum_equals_its_naive_twin),
		cmocka_unit_test(test_checksum_carries_everywhere),
		cmocka_unit_test(test_checksum_blocks_equal_their_naive_twin),
		cmocka_unit_test(test_checksum_continues_over_even_runs),
		cmocka_unit_test(test_checksum_folds_any_sum),
		cmocka_unit_test(test_checksum_of_pseudo_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
