#include "wg/cookie.h"

#include "unit.h"
#include "vectors/handshake.h"
#include "wg/timing.h"

#define S UINT64_C(1000000000)
#define LIFETIME WR_SPAN_S(120)
#define LEN 100

static const struct wr_key zero_key;
static const uint8_t no_mac[16];

static struct wr_instant at(uint64_t seconds)
{
	return (struct wr_instant){ seconds * S };
}

static struct wr_key key(const char *hex)
{
	struct wr_key key;

	assert_int_equal(unit_hex(hex, key.bytes, sizeof(key.bytes)), sizeof(key.bytes));
	return key;
}

static struct wr_endpoint endpoint_of(const char *text)
{
	struct wr_endpoint endpoint;

	assert_true(wr_endpoint_parse(text, strlen(text), &endpoint));
	return endpoint;
}

static void check_reply(const struct cookie_vector *vector)
{
	struct wr_key own_public = key(VECTOR_RESPONDER_PUBLIC);
	struct wr_cookie_baker baker = { .secret = key(VECTOR_COOKIE_SECRET) };
	struct wr_endpoint from = { .port = (uint16_t)vector->port };
	uint8_t nonce[24], got[WR_COOKIE_LEN], want[WR_COOKIE_LEN];
	struct wr_mac mac1, cookie;
	struct wr_cookie_reply reply;
	struct wr_cookie_jar jar;

	print_message("%s\n", vector->name);
	from.ip.family = unit_hex(vector->address, from.ip.bytes, 16) == 4 ? WR_IPV4 : WR_IPV6;
	unit_hex(vector->nonce, nonce, sizeof(nonce));
	unit_hex(vector->mac1, mac1.bytes, sizeof(mac1.bytes));
	unit_hex(vector->cookie, cookie.bytes, sizeof(cookie.bytes));
	unit_hex(vector->reply, want, sizeof(want));
	wr_cookie_baker_reply(&baker, &own_public, 0x05060708, mac1.bytes, &from, nonce, &reply);
	wr_cookie_reply_write(&reply, got);
	assert_memory_equal(got, want, sizeof(got));

	wr_cookie_jar_init(&jar, &own_public);
	assert_true(wr_cookie_jar_take(&jar, &reply, &mac1, at(1), LIFETIME));
	assert_memory_equal(jar.cookie.bytes, cookie.bytes, sizeof(cookie.bytes));
}

static void test_cookie_gives_known_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cookie_vectors); i++)
		check_reply(&cookie_vectors[i]);
}

/* A baker, a jar with a cookie from it, and a message. */
struct pair {
	struct wr_key own_public;
	struct wr_cookie_baker baker;
	struct wr_cookie_jar jar;
	struct wr_endpoint from;
	uint8_t message[LEN];
};

static void pair_start(struct pair *pair)
{
	struct wr_key secret = key(VECTOR_COOKIE_SECRET);

	*pair = (struct pair){ .own_public = key(VECTOR_RESPONDER_PUBLIC) };
	pair->from = endpoint_of("192.0.2.1:1000");
	wr_cookie_baker_refresh(&pair->baker, &secret, at(1000), LIFETIME);
	wr_cookie_jar_init(&pair->jar, &pair->own_public);
	wr_cookie_jar_sign(&pair->jar, at(1000), pair->message, LEN);
}

static void make_reply(const struct pair *pair, struct wr_cookie_reply *reply)
{
	static const uint8_t nonce[24] = { 1 };

	wr_cookie_baker_reply(&pair->baker, &pair->own_public, 1, pair->message + LEN - 32,
			      &pair->from, nonce, reply);
}

static bool take(struct pair *pair, const struct wr_cookie_reply *reply, uint64_t seconds)
{
	struct wr_mac mac1;

	memcpy(mac1.bytes, pair->message + LEN - 32, sizeof(mac1.bytes));
	return wr_cookie_jar_take(&pair->jar, reply, &mac1, at(seconds), LIFETIME);
}

static bool is_good(const struct pair *pair, const struct wr_endpoint *from)
{
	return wr_cookie_baker_check(&pair->baker, (struct wr_bytes){ pair->message, LEN }, from);
}

static void test_cookie_jar_signs_without_a_cookie(void **state)
{
	struct pair pair;

	(void)state;
	pair_start(&pair);
	assert_true(wr_cookie_mac1_check(&pair.own_public, (struct wr_bytes){ pair.message, LEN }));
	assert_false(wr_cookie_mac1_check(&zero_key, (struct wr_bytes){ pair.message, LEN }));
	assert_memory_equal(pair.message + LEN - 16, no_mac, 16);
	assert_false(is_good(&pair, &pair.from));
	pair.message[3] ^= 1;
	assert_false(
		wr_cookie_mac1_check(&pair.own_public, (struct wr_bytes){ pair.message, LEN }));
}

static void test_cookie_proves_one_address_and_port(void **state)
{
	static const char *const others[] = { "192.0.2.2:1000", "192.0.2.1:1001",
					      "[c000:201::]:1000" };
	struct wr_cookie_reply reply;
	struct pair pair;

	(void)state;
	pair_start(&pair);
	make_reply(&pair, &reply);
	assert_true(take(&pair, &reply, 1000));
	wr_cookie_jar_sign(&pair.jar, at(1001), pair.message, LEN);
	assert_true(is_good(&pair, &pair.from));
	for (size_t i = 0; i < WR_ARRAY_LEN(others); i++) {
		struct wr_endpoint other = endpoint_of(others[i]);

		assert_false(is_good(&pair, &other));
	}
	pair.message[LEN - 1] ^= 1;
	assert_false(is_good(&pair, &pair.from));
}

static void test_cookie_jar_take_refuses_what_is_forged(void **state)
{
	struct wr_cookie_reply reply, forged;
	struct pair pair;

	(void)state;
	pair_start(&pair);
	make_reply(&pair, &reply);
	forged = reply;
	forged.cookie_sealed[0] ^= 1;
	assert_false(take(&pair, &forged, 1000));
	forged = reply;
	forged.nonce[0] ^= 1;
	assert_false(take(&pair, &forged, 1000));
	/* Made for another message. */
	pair.message[LEN - 32] ^= 1;
	assert_false(take(&pair, &reply, 1000));
	assert_int_equal(pair.jar.expires.ns, 0);
}

/* Kernel: COOKIE_SECRET_MAX_AGE - COOKIE_SECRET_LATENCY, 115 s. */
static void test_cookie_jar_stops_using_an_old_cookie(void **state)
{
	struct wr_cookie_reply reply;
	struct pair pair;

	(void)state;
	pair_start(&pair);
	make_reply(&pair, &reply);
	assert_true(take(&pair, &reply, 1000));
	wr_cookie_jar_sign(&pair.jar, (struct wr_instant){ 1115 * S - 1 }, pair.message, LEN);
	assert_true(is_good(&pair, &pair.from));
	wr_cookie_jar_sign(&pair.jar, at(1115), pair.message, LEN);
	assert_memory_equal(pair.message + LEN - 16, no_mac, 16);
}

static void test_cookie_baker_changes_its_secret(void **state)
{
	struct wr_key fresh = { { 9 } };
	struct wr_cookie_reply reply;
	struct pair pair;

	(void)state;
	pair_start(&pair);
	make_reply(&pair, &reply);
	assert_true(take(&pair, &reply, 1000));
	wr_cookie_jar_sign(&pair.jar, at(1001), pair.message, LEN);
	wr_cookie_baker_refresh(&pair.baker, &fresh, (struct wr_instant){ 1120 * S - 1 }, LIFETIME);
	assert_true(is_good(&pair, &pair.from));
	wr_cookie_baker_refresh(&pair.baker, &fresh, at(1120), LIFETIME);
	assert_memory_equal(&pair.baker.secret, &fresh, sizeof(fresh));
	assert_false(is_good(&pair, &pair.from));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cookie_gives_known_answers),
		cmocka_unit_test(test_cookie_jar_signs_without_a_cookie),
		cmocka_unit_test(test_cookie_proves_one_address_and_port),
		cmocka_unit_test(test_cookie_jar_take_refuses_what_is_forged),
		cmocka_unit_test(test_cookie_jar_stops_using_an_old_cookie),
		cmocka_unit_test(test_cookie_baker_changes_its_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
