#include "crypto/sign.h"

#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "unit.h"

/* Made with Python's cryptography (OpenSSL's Ed25519 and X25519): the seed is 32 times 01, the
 * message "test", a zero byte, "hello". */
static const char known_identity[] =
	"8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c";
static const char known_signature[] =
	"1a272a08b1402e6b4e3ab1de8cbe00d04f5a81c51e24e69113b15bc5552b85eb"
	"dda95e007f0b931fbe84f08486bbc4f08ef520178b60dfe5c6d8c30ee763cd07";
static const char known_private[] =
	"58e86efb75fa4e2c410f46e16de9f6acae1a1703528651b69bc176c088bef36e";
static const char known_public[] =
	"1b1b58dd50ea14b60da17b790cd02754d970c9bab864ebb3c0f3016fe51d3f57";

static const struct wr_bytes hello = { (const uint8_t *)"hello", 5 };

static struct wr_key make_seed(uint8_t number)
{
	struct wr_key seed;

	memset(&seed, number, sizeof(seed));
	return seed;
}

static void assert_hex(const void *bytes, size_t len, const char *hex)
{
	uint8_t wanted[64];

	assert_int_equal(unit_hex(hex, wanted, sizeof(wanted)), len);
	assert_memory_equal(bytes, wanted, len);
}

static void test_sign_known_answer(void **state)
{
	struct wr_key seed = make_seed(1), identity = wr_sign_public(&seed);
	struct wr_signature signature;

	(void)state;
	assert_hex(&identity, sizeof(identity), known_identity);
	wr_sign(&seed, "test", hello, &signature);
	assert_hex(&signature, sizeof(signature), known_signature);
	assert_true(wr_sign_check(&identity, "test", hello, &signature));
}

static void test_sign_x25519_is_of_the_same_secret(void **state)
{
	struct wr_key seed = make_seed(1), identity = wr_sign_public(&seed), secret, converted;

	(void)state;
	wr_sign_private_x25519(&seed, &secret);
	assert_hex(&secret, sizeof(secret), known_private);
	assert_true(wr_sign_public_x25519(&identity, &converted));
	assert_hex(&converted, sizeof(converted), known_public);
	for (uint8_t i = 2; i < 50; i++) {
		struct wr_key derived;

		seed = make_seed(i);
		identity = wr_sign_public(&seed);
		wr_sign_private_x25519(&seed, &secret);
		derived = wr_x25519_public(&secret);
		assert_true(wr_sign_public_x25519(&identity, &converted));
		assert_memory_equal(&derived, &converted, sizeof(derived));
	}
}

static void test_sign_is_of_one_context_message_and_signer(void **state)
{
	struct wr_key seed = make_seed(1), other_seed = make_seed(2);
	struct wr_key identity = wr_sign_public(&seed), other = wr_sign_public(&other_seed);
	struct wr_signature signature;

	(void)state;
	wr_sign(&seed, "test", hello, &signature);
	assert_false(wr_sign_check(&other, "test", hello, &signature));
	assert_false(wr_sign_check(&identity, "tes", hello, &signature));
	assert_false(wr_sign_check(&identity, "testh", (struct wr_bytes){ hello.data + 1, 4 },
				   &signature));
	assert_false(
		wr_sign_check(&identity, "test", (struct wr_bytes){ hello.data, 4 }, &signature));
	assert_false(wr_sign_check(&identity, "test", (struct wr_bytes){ 0 }, &signature));
}

static void test_sign_any_bit_changed_fails(void **state)
{
	struct wr_key seed = make_seed(1), identity = wr_sign_public(&seed);
	struct wr_signature signature;
	uint8_t message[] = "hello";

	(void)state;
	wr_sign(&seed, "test", hello, &signature);
	for (size_t i = 0; i < 8 * sizeof(signature); i++) {
		signature.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(wr_sign_check(&identity, "test", hello, &signature));
		signature.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t i = 0; i < 8 * hello.len; i++) {
		message[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(wr_sign_check(&identity, "test",
					   (struct wr_bytes){ message, hello.len }, &signature));
		message[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t i = 0; i < 8 * sizeof(identity); i++) {
		identity.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(wr_sign_check(&identity, "test", hello, &signature));
		identity.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_true(wr_sign_check(&identity, "test", hello, &signature));
}

/* RFC 8032 section 5.1.7: S + L would be a second signature of the same message. */
static void test_sign_has_one_signature_of_each_form(void **state)
{
	static const char order[] =
		"edd3f55c1a631258d69cf7a2def9de14 00000000000000000000000000000010";
	struct wr_key seed = make_seed(1), identity = wr_sign_public(&seed);
	struct wr_signature signature;
	uint8_t l[32];
	unsigned carry = 0;

	(void)state;
	unit_hex(order, l, sizeof(l));
	wr_sign(&seed, "test", hello, &signature);
	for (size_t i = 0; i < sizeof(l); i++) {
		carry += (unsigned)signature.bytes[32 + i] + l[i];
		signature.bytes[32 + i] = (uint8_t)carry;
		carry >>= 8;
	}
	assert_false(wr_sign_check(&identity, "test", hello, &signature));
}

/* Points of low order check any message; they are nobody's identity. */
static void test_sign_refuses_points_of_low_order(void **state)
{
	static const char *const points[] = {
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0100000000000000000000000000000000000000000000000000000000000000",
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	};
	struct wr_signature signature = { .bytes = { 1 } }; /* R is the neutral point, S is 0 */
	struct wr_key identity, converted;

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(points); i++) {
		unit_hex(points[i], &identity, sizeof(identity));
		assert_false(wr_sign_check(&identity, "test", hello, &signature));
		assert_false(wr_sign_public_x25519(&identity, &converted));
	}
}

static void test_sign_longest_message(void **state)
{
	static uint8_t message[WR_SIGN_MAX_LEN];
	struct wr_key seed = make_seed(1), identity = wr_sign_public(&seed);
	struct wr_signature signature;
	struct wr_bytes longest = { message, sizeof(message) - sizeof("test") };
	struct wr_bytes longer = { message, longest.len + 1 };

	(void)state;
	wr_sign(&seed, "test", longest, &signature);
	assert_true(wr_sign_check(&identity, "test", longest, &signature));
	assert_false(wr_sign_check(&identity, "test", longer, &signature));
}

static int start(void **state)
{
	(void)state;
	return wr_crypto_start();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign_known_answer),
		cmocka_unit_test(test_sign_x25519_is_of_the_same_secret),
		cmocka_unit_test(test_sign_is_of_one_context_message_and_signer),
		cmocka_unit_test(test_sign_any_bit_changed_fails),
		cmocka_unit_test(test_sign_has_one_signature_of_each_form),
		cmocka_unit_test(test_sign_refuses_points_of_low_order),
		cmocka_unit_test(test_sign_longest_message),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
