#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "unit.h"

static struct wr_key key_of(const char *hex)
{
	struct wr_key key;

	assert_int_equal(unit_hex(hex, key.bytes, sizeof(key.bytes)), sizeof(key.bytes));
	return key;
}

/* RFC 7748 section 5.2. */
static void test_x25519_equals_the_rfc(void **state)
{
	static const struct {
		const char *scalar, *point, *want;
	} cases[] = {
		{ "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4",
		  "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c",
		  "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552" },
		{ "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d",
		  "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493",
		  "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_key scalar = key_of(cases[i].scalar), point = key_of(cases[i].point);
		struct wr_key want = key_of(cases[i].want), got;

		assert_true(wr_x25519(&scalar, &point, &got));
		assert_memory_equal(got.bytes, want.bytes, WR_KEY_LEN);
	}
}

/* RFC 7748 section 5.2: the result is the next scalar, the scalar the next point. */
static void test_x25519_iterated_equals_the_rfc(void **state)
{
	struct wr_key one = key_of("422c8e7a6227d7bca1350b3e2bb7279f"
				   "7897b87bb6854b783c60e80311ae3079");
	struct wr_key thousand = key_of("684cf59ba83309552800ef566f2f4d3c"
					"1c3887c49360e3875f2eb94d99532c51");
	struct wr_key scalar = { { 9 } }, point = { { 9 } }, result;

	(void)state;
	for (unsigned i = 1; i <= 1000; i++) {
		assert_true(wr_x25519(&scalar, &point, &result));
		point = scalar;
		scalar = result;
		if (i == 1)
			assert_memory_equal(result.bytes, one.bytes, WR_KEY_LEN);
	}
	assert_memory_equal(result.bytes, thousand.bytes, WR_KEY_LEN);
}

/* RFC 7748 section 6.1. */
static void test_x25519_public_keys_agree(void **state)
{
	struct wr_key alice = key_of("77076d0a7318a57d3c16c17251b26645"
				     "df4c2f87ebc0992ab177fba51db92c2a");
	struct wr_key bob = key_of("5dab087e624a8a4b79e17f8b83800ee6"
				   "6f3bb1292618b6fd1c2f8b27ff88e0eb");
	struct wr_key alice_public = key_of("8520f0098930a754748b7ddcb43ef75a"
					    "0dbf3a0d26381af4eba4a98eaa9b4e6a");
	struct wr_key bob_public = key_of("de9edb7d7b7dc1b4d35b61c2ece43537"
					  "3f8343c85b78674dadfc7e146f882b4f");
	struct wr_key shared = key_of("4a5d9d5ba4ce2de1728e3bf480350f25"
				      "e07e21c947d19e3376f09b3c1e161742");
	struct wr_key got;

	(void)state;
	got = wr_x25519_public(&alice);
	assert_memory_equal(got.bytes, alice_public.bytes, WR_KEY_LEN);
	got = wr_x25519_public(&bob);
	assert_memory_equal(got.bytes, bob_public.bytes, WR_KEY_LEN);
	assert_true(wr_x25519(&alice, &bob_public, &got));
	assert_memory_equal(got.bytes, shared.bytes, WR_KEY_LEN);
	assert_true(wr_x25519(&bob, &alice_public, &got));
	assert_memory_equal(got.bytes, shared.bytes, WR_KEY_LEN);
}

static void test_x25519_public_equals_a_product_with_the_base_point(void **state)
{
	struct unit_random random = unit_random_start(__func__);
	static const struct wr_key base = { { 9 } };
	struct wr_key private_key, public_key, want;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		unit_random_bytes(&random, private_key.bytes, WR_KEY_LEN);
		if (i % 2)
			wr_x25519_clamp(&private_key);
		public_key = wr_x25519_public(&private_key);
		assert_true(wr_x25519(&private_key, &base, &want));
		assert_memory_equal(public_key.bytes, want.bytes, WR_KEY_LEN);
	}
}

static void test_x25519_takes_its_output_for_input(void **state)
{
	struct wr_key scalar = key_of("a546e36bf0527c9d3b16154b82465edd"
				      "62144c0ac1fc5a18506a2244ba449ac4");
	struct wr_key point = key_of("e6db6867583030db3594c1a424b15f7c"
				     "726624ec26b3353b10a903a6d0ab1c4c");
	struct wr_key want = key_of("c3da55379de9c6908e94ea4df28d084f"
				    "32eccf03491c71f754b4075577a28552");

	(void)state;
	assert_true(wr_x25519(&scalar, &point, &point));
	assert_memory_equal(point.bytes, want.bytes, WR_KEY_LEN);
}

/* The points of small order of the curve and of its twist, with and without the
 * bit that X25519 ignores: a shared secret that everybody knows. */
static void test_x25519_refuses_points_of_low_order(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
	};
	struct unit_random random = unit_random_start(__func__);

	(void)state;
	for (size_t i = 0; i < 2 * WR_ARRAY_LEN(points); i++) {
		struct wr_key point = key_of(points[i / 2]), scalar, shared = { { 77 } };

		unit_random_bytes(&random, scalar.bytes, WR_KEY_LEN);
		if (i % 2)
			point.bytes[31] |= 0x80;
		assert_false(wr_x25519(&scalar, &point, &shared));
		assert_int_equal(shared.bytes[0], 77);
	}
}

static void test_x25519_clamp_sets_the_fixed_bits(void **state)
{
	struct wr_key ones, zeros = { { 0 } };

	(void)state;
	memset(&ones, 0xff, sizeof(ones));
	wr_x25519_clamp(&ones);
	wr_x25519_clamp(&zeros);
	assert_int_equal(ones.bytes[0], 0xf8);
	assert_int_equal(ones.bytes[31], 0x7f);
	assert_int_equal(ones.bytes[15], 0xff);
	assert_int_equal(zeros.bytes[0], 0);
	assert_int_equal(zeros.bytes[31], 0x40);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x25519_equals_the_rfc),
		cmocka_unit_test(test_x25519_iterated_equals_the_rfc),
		cmocka_unit_test(test_x25519_public_keys_agree),
		cmocka_unit_test(test_x25519_public_equals_a_product_with_the_base_point),
		cmocka_unit_test(test_x25519_takes_its_output_for_input),
		cmocka_unit_test(test_x25519_refuses_points_of_low_order),
		cmocka_unit_test(test_x25519_clamp_sets_the_fixed_bits),
	};

	if (wr_crypto_start() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
