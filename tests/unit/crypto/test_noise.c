#include "crypto/noise.h"

#include "crypto/crypto.h"
#include "naive_aead.h"

static const struct wr_bytes nothing = { 0 };

static struct wr_bytes text(const char *string)
{
	return (struct wr_bytes){ (const uint8_t *)string, strlen(string) };
}

/* 0, 1, 2, ... */
static struct wr_bytes counting(size_t len)
{
	static uint8_t bytes[256];

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	assert_true(len <= sizeof(bytes));
	return (struct wr_bytes){ bytes, len };
}

static struct wr_key counting_key(void)
{
	struct wr_key key;

	memcpy(key.bytes, counting(WR_KEY_LEN).data, WR_KEY_LEN);
	return key;
}

static void assert_hex(const uint8_t *bytes, size_t len, const char *hex)
{
	uint8_t want[512];

	assert_int_equal(unit_hex(hex, want, sizeof(want)), len);
	assert_memory_equal(bytes, want, len);
}

/* "abc": RFC 7693 appendix B; the last: the protocol's first chaining key; others:
 * python3 -c 'import hashlib; print(hashlib.blake2s(INPUT).hexdigest())' */
static void test_noise_hash_known_answers(void **state)
{
	static const struct {
		const char *text;
		size_t counting;
		const char *want;
	} cases[] = {
		{ "abc", 0, "508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982" },
		{ "", 0, "69217a3079908094e11121d042354a7c1f55b6482ca1a51e1b250dfd1ed0eef9" },
		{ "", 64, "56f34e8b96557e90c1f24b52d0c89d51086acf1b00f634cf1dde9233b8eaaa3e" },
		{ "", 256, "5fdeb59f681d975f52c8e69c5502e02a12a3afcc5836ba58f42784c439228781" },
		{ "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s", 0,
		  "60e26daef327efc02ec335e2a025d2d016eb4206f87277f52d38d1988b78cd36" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_hash hash = wr_hash2(text(cases[i].text), counting(cases[i].counting));

		assert_hex(hash.bytes, sizeof(hash.bytes), cases[i].want);
	}
}

static void test_noise_hash_is_that_of_both_parts_joined(void **state)
{
	struct wr_bytes all = counting(200);

	(void)state;
	for (size_t cut = 0; cut <= all.len; cut++) {
		struct wr_hash parts = wr_hash2((struct wr_bytes){ all.data, cut },
						(struct wr_bytes){ all.data + cut, all.len - cut });
		struct wr_hash whole = wr_hash2(all, nothing);

		assert_memory_equal(parts.bytes, whole.bytes, WR_HASH_LEN);
	}
}

/* python3 -c 'import hashlib; print(hashlib.blake2s(INPUT, key=KEY, digest_size=16).hexdigest())'
 */
static void test_noise_mac_known_answers(void **state)
{
	static const struct {
		size_t key_len, input_len;
		const char *want;
	} cases[] = {
		{ 32, 0, "9536f9b267655743dee97b8a670f9f53" },
		{ 32, 116, "072e94ffbfc684bd8ab2a1b9dade2fd5" },
	};
	struct wr_mac mac;

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		mac = wr_mac16(counting(cases[i].key_len), counting(cases[i].input_len));
		assert_hex(mac.bytes, sizeof(mac.bytes), cases[i].want);
	}
	mac = wr_mac16(counting(16), text("abc"));
	assert_hex(mac.bytes, sizeof(mac.bytes), "75296c2d2c0f51210b383f386bc8b1ff");
	mac = wr_mac16(text("\x07"), counting(64));
	assert_hex(mac.bytes, sizeof(mac.bytes), "32d34ab354386f6d83aaf37b5615d2a1");
}

static void test_noise_mac_equal_sees_every_bit(void **state)
{
	uint8_t a[WR_MAC_LEN] = { 0 }, b[WR_MAC_LEN] = { 0 };

	(void)state;
	assert_true(wr_mac_equal(a, b));
	for (size_t bit = 0; bit < 8 * WR_MAC_LEN; bit++) {
		b[bit / 8] = (uint8_t)(1 << bit % 8);
		assert_false(wr_mac_equal(a, b));
		b[bit / 8] = 0;
	}
}

/* With prk = hmac.new(bytes(range(32)), INPUT, hashlib.blake2s).digest(), then
 * t1 = hmac.new(prk, b"\1", hashlib.blake2s).digest(),
 * t2 = hmac.new(prk, t1 + b"\2", hashlib.blake2s).digest() and so on, in Python. */
static void test_noise_kdf_known_answers(void **state)
{
	static const char *const want[2][3] = {
		{ "a308e29d3a10567bd1ac089e27310bd54ec6522ca2118240c3dd2416f7dc23fa",
		  "c68caa124476385ed5f83d7aa98ebe58c9b636f48586d36061cf3781cc84b9a7",
		  "089a9e4090ac20caaafab1a1e6d221242a8f1f547f4c2aea31d6312858451388" },
		{ "7a38c34bf2b8738d7374ca77c44ecb309a11d2b2528304fa86052c365e722624",
		  "1a17621f346abdc520746a9fb64d8eb03231d674fc15687537b0780fd9c060fd",
		  "4eaf02809ac4b930ef63479de62275f1c55656e61f78a3cc653c18a2223d6c5f" },
	};
	struct wr_bytes inputs[2] = { { counting(256).data + 0x40, 32 }, nothing };
	struct wr_key key = counting_key();

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		for (size_t count = 1; count <= 3; count++) {
			struct wr_key got[3] = { { { 0 } } };
			static const struct wr_key untouched;

			wr_kdf(&key, inputs[i], count, &got[0], &got[1], &got[2]);
			for (size_t n = 0; n < 3; n++) {
				if (n < count)
					assert_hex(got[n].bytes, WR_KEY_LEN, want[i][n]);
				else
					assert_memory_equal(&got[n], &untouched, WR_KEY_LEN);
			}
		}
	}
}

static void test_noise_kdf_outputs_may_be_its_inputs(void **state)
{
	struct wr_key chaining = counting_key(), input, second, want[3], got[3];

	(void)state;
	memset(&input, 5, sizeof(input));
	wr_kdf(&chaining, (struct wr_bytes){ input.bytes, WR_KEY_LEN }, 3, &want[0], &want[1],
	       &want[2]);

	got[0] = chaining;
	got[1] = input;
	wr_kdf(&got[0], (struct wr_bytes){ got[1].bytes, WR_KEY_LEN }, 3, &got[0], &got[1],
	       &got[2]);
	assert_memory_equal(got, want, sizeof(want));

	second = chaining;
	wr_kdf(&second, (struct wr_bytes){ input.bytes, WR_KEY_LEN }, 2, &got[0], &second, NULL);
	assert_memory_equal(&second, &want[1], WR_KEY_LEN);
}

/* RFC 8439 appendix A.5. */
static void test_noise_open_field_equals_the_rfc(void **state)
{
	static const char hex[] = "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb2"
				  "4c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf"
				  "332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c855"
				  "9797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4"
				  "b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523e"
				  "af4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a"
				  "0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a10"
				  "49e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29"
				  "a6ad5cb4022b02709beead9d67890cbb22392336fea1851f38";
	static const char plain[] =
		"Internet-Drafts are draft documents valid for a maximum of six months and may be "
		"updated, replaced, or obsoleted by other documents at any time. It is "
		"inappropriate to use Internet-Drafts as reference material or to cite them other "
		"than as /\xe2\x80\x9cwork in progress./\xe2\x80\x9d";
	uint8_t sealed[300], additional[12], got[300], again[300];
	struct wr_bytes ad = { additional, sizeof(additional) };
	uint64_t counter = UINT64_C(0x0807060504030201);
	size_t len = unit_hex(hex, sealed, sizeof(sealed));
	struct wr_key key;

	(void)state;
	unit_hex("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0", key.bytes, 32);
	unit_hex("f33388860000000000004e91", additional, sizeof(additional));
	assert_int_equal(len, sizeof(plain) - 1 + 16);
	assert_true(wr_open_field(&key, counter, (struct wr_bytes){ sealed, len }, ad, got));
	assert_memory_equal(got, plain, sizeof(plain) - 1);
	wr_seal_field(&key, counter, text(plain), ad, again);
	assert_memory_equal(again, sealed, len);
}

static void test_noise_fields_equal_their_naive_twin(void **state)
{
	struct unit_random random = unit_random_start(__func__);

	(void)state;
	for (size_t len = 0; len < 200; len++) {
		uint8_t plain[200], additional[64], want[216], got[216], nonce[12];
		struct wr_bytes ad = { additional, unit_random_below(&random, 65) };
		uint64_t counter = unit_random_next(&random);
		struct wr_key key;

		unit_random_bytes(&random, plain, len);
		unit_random_bytes(&random, additional, ad.len);
		unit_random_bytes(&random, key.bytes, sizeof(key.bytes));
		naive_store(nonce, 0, 4);
		naive_store(nonce + 4, counter, 8);
		naive_seal(key.bytes, nonce, (struct wr_bytes){ plain, len }, ad, want);
		wr_seal_field(&key, counter, (struct wr_bytes){ plain, len }, ad, got);
		assert_memory_equal(got, want, len + 16);
		memset(got, 0xee, len);
		assert_true(
			wr_open_field(&key, counter, (struct wr_bytes){ want, len + 16 }, ad, got));
		assert_memory_equal(got, plain, len);
	}
}

static void test_noise_open_field_refuses_and_zeroes(void **state)
{
	static const uint8_t zeros[8];
	struct wr_key key = counting_key();
	uint8_t sealed[8 + 16], got[8];

	(void)state;
	wr_seal_field(&key, 0, counting(8), text("ad"), sealed);
	for (size_t bit = 0; bit < 8 * sizeof(sealed); bit++) {
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
		memset(got, 7, sizeof(got));
		assert_false(wr_open_field(&key, 0, (struct wr_bytes){ sealed, sizeof(sealed) },
					   text("ad"), got));
		assert_memory_equal(got, zeros, sizeof(got));
		sealed[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_false(wr_open_field(&key, 1, (struct wr_bytes){ sealed, sizeof(sealed) }, text("ad"),
				   got));
	assert_false(wr_open_field(&key, 0, (struct wr_bytes){ sealed, sizeof(sealed) }, text("da"),
				   got));
	assert_false(wr_open_field(&key, 0, (struct wr_bytes){ sealed, 15 }, text("ad"), got));
	assert_false(wr_open_field(&key, 0, nothing, text("ad"), got));
	assert_true(wr_open_field(&key, 0, (struct wr_bytes){ sealed, sizeof(sealed) }, text("ad"),
				  got));
}

/* draft-irtf-cfrg-xchacha-03 appendix A.3.1. */
static void test_noise_cookie_equals_the_draft(void **state)
{
	static const char hex[] = "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb"
				  "731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
				  "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
				  "21f9664c97637da9768812f615c68b13b52e"
				  "c0875924c1c7987947deafd8780acf49";
	static const char plain[] =
		"Ladies and Gentlemen of the class of '99: If I could offer you "
		"only one tip for the future, sunscreen would be it.";
	uint8_t nonce[WR_XNONCE_LEN], additional[12], want[200], got[200];
	struct wr_bytes ad = { additional, sizeof(additional) };
	size_t len = unit_hex(hex, want, sizeof(want));
	struct wr_key key;

	(void)state;
	unit_hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f", key.bytes, 32);
	unit_hex("404142434445464748494a4b4c4d4e4f5051525354555657", nonce, sizeof(nonce));
	unit_hex("50515253c0c1c2c3c4c5c6c7", additional, sizeof(additional));
	assert_int_equal(len, sizeof(plain) - 1 + 16);
	wr_seal_cookie(&key, nonce, text(plain), ad, got);
	assert_memory_equal(got, want, len);
	assert_true(wr_open_cookie(&key, nonce, (struct wr_bytes){ want, len }, ad, got));
	assert_memory_equal(got, plain, sizeof(plain) - 1);
	want[len - 1] ^= 1;
	assert_false(wr_open_cookie(&key, nonce, (struct wr_bytes){ want, len }, ad, got));
	want[len - 1] ^= 1;
	nonce[0] ^= 1;
	assert_false(wr_open_cookie(&key, nonce, (struct wr_bytes){ want, len }, ad, got));
}

/* "SipHash: a fast short-input PRF", appendix A, and its reference's vectors. */
static void test_noise_siphash_equals_the_reference(void **state)
{
	static const struct {
		size_t len;
		uint64_t want;
	} cases[] = {
		{ 0, UINT64_C(0x726fdb47dd0e0e31) },
		{ 1, UINT64_C(0x74f839c593dc67fd) },
		{ 15, UINT64_C(0xa129ca6149be45e5) },
	};
	struct wr_siphash_key key;

	(void)state;
	memcpy(key.bytes, counting(sizeof(key.bytes)).data, sizeof(key.bytes));
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++)
		assert_int_equal(wr_siphash(&key, counting(cases[i].len)), cases[i].want);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_noise_hash_known_answers),
		cmocka_unit_test(test_noise_hash_is_that_of_both_parts_joined),
		cmocka_unit_test(test_noise_mac_known_answers),
		cmocka_unit_test(test_noise_mac_equal_sees_every_bit),
		cmocka_unit_test(test_noise_kdf_known_answers),
		cmocka_unit_test(test_noise_kdf_outputs_may_be_its_inputs),
		cmocka_unit_test(test_noise_open_field_equals_the_rfc),
		cmocka_unit_test(test_noise_fields_equal_their_naive_twin),
		cmocka_unit_test(test_noise_open_field_refuses_and_zeroes),
		cmocka_unit_test(test_noise_cookie_equals_the_draft),
		cmocka_unit_test(test_noise_siphash_equals_the_reference),
	};

	if (wr_crypto_start() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
