#include "crypto/unlock.h"

#include <errno.h>

#include "crypto/crypto.h"
#include "unit.h"

static struct wr_bytes bytes_of(const char *text)
{
	return (struct wr_bytes){ (const uint8_t *)text, strlen(text) };
}

static int set_up(void **state)
{
	(void)state;
	return wr_crypto_start();
}

/* --- The vault. --- */

static void test_unlock_opens_what_it_made(void **state)
{
	struct wr_vault vault, opened;
	struct wr_wrapped wrapped;

	(void)state;
	assert_int_equal(wr_vault_new(bytes_of("correct horse"), &vault, &wrapped), 0);
	assert_int_equal(wr_vault_open(bytes_of("correct horse"), &wrapped, &opened), 0);
	assert_memory_equal(&vault, &opened, sizeof(vault));
	/* The key does not stand in it. */
	assert_null(memmem(&wrapped, sizeof(wrapped), &vault, sizeof(vault)));
}

static void test_unlock_refuses_another_secret(void **state)
{
	static const char *const wrong[] = { "correct hors", "correct horse ", "Correct horse",
					     "" };
	struct wr_vault vault, opened = { 0 }, untouched = { 0 };
	struct wr_wrapped wrapped;

	(void)state;
	assert_int_equal(wr_vault_new(bytes_of("correct horse"), &vault, &wrapped), 0);
	for (size_t i = 0; i < WR_ARRAY_LEN(wrong); i++) {
		print_message("'%s'\n", wrong[i]);
		assert_int_equal(wr_vault_open(bytes_of(wrong[i]), &wrapped, &opened),
				 -EKEYREJECTED);
		assert_memory_equal(&opened, &untouched, sizeof(opened));
	}
}

static void test_unlock_refuses_a_changed_wrapping(void **state)
{
	static const size_t places[] = { 0, 15, 16, 39, 40, 87, 88, 92 };
	struct wr_vault vault, opened;
	struct wr_wrapped wrapped;

	(void)state;
	assert_int_equal(wr_vault_new(bytes_of("x"), &vault, &wrapped), 0);
	for (size_t i = 0; i < WR_ARRAY_LEN(places); i++) {
		struct wr_wrapped changed = wrapped;

		changed.bytes[places[i]] ^= 1;
		assert_int_equal(wr_vault_open(bytes_of("x"), &changed, &opened), -EKEYREJECTED);
	}
}

/* A cost that would take all memory, or for ever, is refused before it is paid. */
static void test_unlock_refuses_a_cost_without_measure(void **state)
{
	static const uint8_t costs[][8] = {
		{ 0xff, 0xff, 0xff, 0xff, 0, 0, 1, 0 },
		{ 3, 0, 0, 0, 0xff, 0xff, 0xff, 0xff },
		{ 0, 0, 0, 0, 0, 0, 1, 0 },
		{ 3, 0, 0, 0, 0, 0, 0, 0 },
	};
	struct wr_wrapped wrapped = { { 0 } };
	struct wr_vault vault;

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(costs); i++) {
		memcpy(wrapped.bytes + sizeof(wrapped) - 8, costs[i], 8);
		assert_int_equal(wr_vault_open(bytes_of("x"), &wrapped, &vault), -EKEYREJECTED);
	}
}

static void test_unlock_new_secret_means_a_new_wrapping_only(void **state)
{
	struct wr_vault vault, opened;
	struct wr_wrapped old, wrapped;
	uint8_t sealed[5 + WR_SEAL_OVERHEAD], plain[5];

	(void)state;
	assert_int_equal(wr_vault_new(bytes_of("old"), &vault, &old), 0);
	wr_vault_seal(&vault, "place", bytes_of("hello"), sealed);
	assert_int_equal(wr_vault_rewrap(&vault, bytes_of("new"), &wrapped), 0);
	assert_int_equal(wr_vault_open(bytes_of("old"), &wrapped, &opened), -EKEYREJECTED);
	assert_int_equal(wr_vault_open(bytes_of("new"), &wrapped, &opened), 0);
	assert_true(wr_vault_unseal(&opened, "place", (struct wr_bytes){ sealed, sizeof(sealed) },
				    plain));
	assert_memory_equal(plain, "hello", 5);
}

static void test_unlock_wants_a_secret(void **state)
{
	struct wr_vault vault;
	struct wr_wrapped wrapped;

	(void)state;
	assert_int_equal(wr_vault_new(bytes_of(""), &vault, &wrapped), -EINVAL);
}

/* --- Seals. --- */

static void test_unlock_seal_is_for_its_vault_and_place(void **state)
{
	struct wr_vault vault, other;
	uint8_t sealed[32 + WR_SEAL_OVERHEAD], again[sizeof(sealed)], plain[32], secret[32];
	struct wr_bytes all = { sealed, sizeof(sealed) };

	(void)state;
	wr_random(&vault, sizeof(vault));
	wr_random(&other, sizeof(other));
	wr_random(secret, sizeof(secret));
	wr_vault_seal(&vault, "org-key:o1", (struct wr_bytes){ secret, 32 }, sealed);
	assert_true(wr_vault_unseal(&vault, "org-key:o1", all, plain));
	assert_memory_equal(plain, secret, sizeof(secret));
	assert_false(wr_vault_unseal(&vault, "org-key:o2", all, plain));
	assert_false(wr_vault_unseal(&other, "org-key:o1", all, plain));
	assert_false(wr_vault_unseal(&vault, "org-key:o1", (struct wr_bytes){ sealed, 39 }, plain));
	assert_false(wr_vault_unseal(&vault, "org-key:o1", (struct wr_bytes){ sealed, 0 }, plain));
	/* Never twice the same. */
	wr_vault_seal(&vault, "org-key:o1", (struct wr_bytes){ secret, 32 }, again);
	assert_memory_not_equal(sealed, again, sizeof(sealed));
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 0x80;
		assert_false(wr_vault_unseal(&vault, "org-key:o1", all, plain));
		sealed[i] ^= 0x80;
	}
}

/* --- Passwords. --- */

static void test_unlock_password_matches_itself_only(void **state)
{
	char hash[WR_PASSWORD_HASH_LEN], again[WR_PASSWORD_HASH_LEN];

	(void)state;
	assert_int_equal(wr_password_hash("pässword", hash), 0);
	assert_true(strncmp(hash, "$argon2id$v=19$m=65536,t=2,p=1$", 31) == 0);
	assert_true(wr_password_matches("pässword", hash));
	assert_false(wr_password_matches("passwörd", hash));
	assert_false(wr_password_matches("", hash));
	assert_int_equal(wr_password_hash("pässword", again), 0);
	assert_string_not_equal(hash, again);
	assert_false(wr_password_matches("", ""));
	assert_false(wr_password_matches("x", "$argon2id$v=19$m=9999999999,t=2,p=1$x$x"));
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* The least of three is what it takes when nobody disturbs. */
static uint64_t least_of_three(const char *hash)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < 3; i++) {
		uint64_t before = cpu_ns(), took;

		if (hash)
			assert_false(wr_password_matches("wrong", hash));
		else
			wr_password_pretend("wrong");
		took = cpu_ns() - before;
		least = took < least ? took : least;
	}
	return least;
}

static void test_unlock_pretending_takes_as_long(void **state)
{
	char hash[WR_PASSWORD_HASH_LEN];
	uint64_t real, pretended;

	(void)state;
	assert_int_equal(wr_password_hash("x", hash), 0);
	real = least_of_three(hash);
	pretended = least_of_three(NULL);
	print_message("real %llu us, pretended %llu us\n", (unsigned long long)real / 1000,
		      (unsigned long long)pretended / 1000);
	assert_true(pretended > real / 2 && pretended < real * 2);
}

/* --- Tokens. --- */

static void test_unlock_tokens_are_known_by_their_hash(void **state)
{
	char token[WR_TOKEN_LEN], other[WR_TOKEN_LEN];
	struct wr_token_hash hash, other_hash, again;

	(void)state;
	wr_token_new("warren_t_", token, &hash);
	wr_token_new("warren_t_", other, &other_hash);
	assert_int_equal(strlen(token), 9 + 43);
	assert_int_equal(strncmp(token, "warren_t_", 9), 0);
	assert_int_equal(strspn(token + 9, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					   "0123456789-_"),
			 43);
	assert_string_not_equal(token, other);
	again = wr_token_hash_of(token);
	assert_memory_equal(&hash, &again, sizeof(hash));
	assert_memory_not_equal(&hash, &other_hash, sizeof(hash));
}

/* RFC 7693's BLAKE2b with 32 bytes: tokens that are given out stay good. */
static void test_unlock_token_hash_is_blake2b(void **state)
{
	struct wr_token_hash hash = wr_token_hash_of("abc");
	uint8_t wanted[32];

	(void)state;
	unit_hex("bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319", wanted, 32);
	assert_memory_equal(&hash, wanted, 32);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unlock_opens_what_it_made),
		cmocka_unit_test(test_unlock_refuses_another_secret),
		cmocka_unit_test(test_unlock_refuses_a_changed_wrapping),
		cmocka_unit_test(test_unlock_refuses_a_cost_without_measure),
		cmocka_unit_test(test_unlock_new_secret_means_a_new_wrapping_only),
		cmocka_unit_test(test_unlock_wants_a_secret),
		cmocka_unit_test(test_unlock_seal_is_for_its_vault_and_place),
		cmocka_unit_test(test_unlock_password_matches_itself_only),
		cmocka_unit_test(test_unlock_pretending_takes_as_long),
		cmocka_unit_test(test_unlock_tokens_are_known_by_their_hash),
		cmocka_unit_test(test_unlock_token_hash_is_blake2b),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
