#include "wg/handshake.h"

#include "unit.h"
#include "vectors/handshake.h"
#include "wg/cookie.h"

#define I_SENDER UINT32_C(0x01020304)
#define R_SENDER UINT32_C(0xa1b2c3d4)

static struct wr_key key(const char *hex)
{
	struct wr_key key;

	assert_int_equal(unit_hex(hex, key.bytes, sizeof(key.bytes)), sizeof(key.bytes));
	return key;
}

static struct wr_identity identity(const char *private_hex)
{
	struct wr_key private_key = key(private_hex);
	struct wr_identity identity;

	wr_identity_set(&identity, &private_key);
	return identity;
}

/* Both sides of a handshake with the fixed keys. */
struct sides {
	struct wr_identity initiator, responder;
	struct wr_key i_ephemeral, r_ephemeral, static_static;
	struct wr_handshake handshake;
	uint8_t timestamp[WR_TAI64N_LEN];
	struct wr_initiation initiation;
};

static void sides_start(struct sides *sides)
{
	*sides = (struct sides){
		.initiator = identity(VECTOR_INITIATOR_STATIC),
		.responder = identity(VECTOR_RESPONDER_STATIC),
		.i_ephemeral = key(VECTOR_INITIATOR_EPHEMERAL),
		.r_ephemeral = key(VECTOR_RESPONDER_EPHEMERAL),
	};
	assert_true(wr_x25519(&sides->initiator.private_key, &sides->responder.public_key,
			      &sides->static_static));
	unit_hex(VECTOR_TIMESTAMP, sides->timestamp, sizeof(sides->timestamp));
	sides->handshake.index.index = I_SENDER;
	sides->handshake.static_static = sides->static_static;
}

static void sides_initiate(struct sides *sides)
{
	assert_true(wr_handshake_initiate(&sides->handshake, &sides->initiator,
					  &sides->responder.public_key, &sides->i_ephemeral,
					  sides->timestamp, &sides->initiation));
	assert_int_equal(sides->handshake.state, WR_HANDSHAKE_INITIATED);
}

static void sides_open(const struct sides *sides, struct wr_initiation_opened *opened)
{
	uint8_t timestamp[WR_TAI64N_LEN];

	assert_true(wr_handshake_open_initiation(&sides->responder, &sides->initiation, opened));
	assert_memory_equal(&opened->peer_public, &sides->initiator.public_key, WR_KEY_LEN);
	assert_true(wr_handshake_open_timestamp(&sides->static_static, opened, timestamp));
	assert_memory_equal(timestamp, sides->timestamp, sizeof(timestamp));
}

static void assert_bytes(const uint8_t *bytes, size_t len, const char *hex)
{
	uint8_t want[WR_HANDSHAKE_MAX_LEN];

	assert_int_equal(unit_hex(hex, want, sizeof(want)), len);
	assert_memory_equal(bytes, want, len);
}

static void check_initiation(const struct sides *sides, const struct handshake_vector *vector)
{
	uint8_t message[WR_INITIATION_LEN];
	struct wr_cookie_jar jar;

	wr_cookie_jar_init(&jar, &sides->responder.public_key);
	if (*vector->cookie) {
		unit_hex(vector->cookie, jar.cookie.bytes, sizeof(jar.cookie.bytes));
		jar.expires = WR_NEVER;
	}
	wr_initiation_write(&sides->initiation, message);
	wr_cookie_jar_sign(&jar, (struct wr_instant){ 1 }, message, sizeof(message));
	assert_bytes(message, sizeof(message), vector->initiation);
}

static void check_response(const struct sides *sides, const struct wr_response *response,
			   const struct handshake_vector *vector)
{
	uint8_t message[WR_RESPONSE_LEN];
	struct wr_cookie_jar jar;

	wr_cookie_jar_init(&jar, &sides->initiator.public_key);
	wr_response_write(response, message);
	wr_cookie_jar_sign(&jar, (struct wr_instant){ 1 }, message, sizeof(message));
	assert_bytes(message, sizeof(message), vector->response);
}

static void check_vector(const struct handshake_vector *vector)
{
	struct sides sides;
	struct wr_initiation_opened opened;
	struct wr_response response;
	struct wr_transport_keys responders, initiators;
	struct wr_key psk = key(vector->psk);

	print_message("%s\n", vector->name);
	sides_start(&sides);
	sides_initiate(&sides);
	check_initiation(&sides, vector);

	sides_open(&sides, &opened);
	assert_true(
		wr_handshake_respond(&opened, &psk, &sides.r_ephemeral, &response, &responders));
	response.sender = R_SENDER;
	check_response(&sides, &response, vector);

	assert_true(wr_handshake_finish(&sides.handshake, &sides.initiator, &psk, &response,
					&initiators));
	assert_bytes(initiators.send.bytes, WR_KEY_LEN, vector->initiator_send);
	assert_bytes(initiators.receive.bytes, WR_KEY_LEN, vector->initiator_receive);
	assert_memory_equal(&responders.send, &initiators.receive, WR_KEY_LEN);
	assert_memory_equal(&responders.receive, &initiators.send, WR_KEY_LEN);
}

static void test_handshake_gives_known_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(handshake_vectors); i++)
		check_vector(&handshake_vectors[i]);
}

static void test_handshake_begins_with_the_hash_of_its_name(void **state)
{
	static const char construction[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";
	static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";
	struct wr_hash chaining =
		wr_hash2((struct wr_bytes){ (const uint8_t *)construction, strlen(construction) },
			 (struct wr_bytes){ 0 });
	struct wr_hash hash =
		wr_hash2((struct wr_bytes){ chaining.bytes, sizeof(chaining.bytes) },
			 (struct wr_bytes){ (const uint8_t *)identifier, strlen(identifier) });

	(void)state;
	assert_bytes(chaining.bytes, sizeof(chaining.bytes), VECTOR_INITIAL_CHAINING_KEY);
	assert_bytes(hash.bytes, sizeof(hash.bytes), VECTOR_INITIAL_HASH);
}

/* Whatever bit of the message is flipped, it is not taken for the peer's. */
static void test_handshake_open_refuses_each_flipped_bit(void **state)
{
	struct sides sides;

	(void)state;
	sides_start(&sides);
	sides_initiate(&sides);
	for (size_t byte = offsetof(struct wr_initiation, ephemeral);
	     byte < offsetof(struct wr_initiation, mac1); byte++) {
		struct wr_initiation forged = sides.initiation;
		struct wr_initiation_opened opened;
		uint8_t timestamp[WR_TAI64N_LEN];
		unsigned bit = 1u << byte % 7; /* X25519 ignores the last bit of a key */

		((uint8_t *)&forged)[byte] ^= (uint8_t)bit;
		assert_false(wr_handshake_open_initiation(&sides.responder, &forged, &opened) &&
			     wr_handshake_open_timestamp(&sides.static_static, &opened, timestamp));
	}
}

static void test_handshake_finish_refuses_what_is_not_the_answer(void **state)
{
	struct sides sides;
	struct wr_initiation_opened opened;
	struct wr_response response, forged;
	struct wr_transport_keys keys;
	struct wr_key psk = key(handshake_vectors[1].psk), none = { 0 };

	(void)state;
	sides_start(&sides);
	sides_initiate(&sides);
	sides_open(&sides, &opened);
	assert_true(wr_handshake_respond(&opened, &psk, &sides.r_ephemeral, &response, &keys));

	forged = response;
	forged.empty_sealed[0] ^= 1;
	assert_false(wr_handshake_finish(&sides.handshake, &sides.initiator, &psk, &forged, &keys));
	forged = response;
	forged.ephemeral[0] ^= 1;
	assert_false(wr_handshake_finish(&sides.handshake, &sides.initiator, &psk, &forged, &keys));
	assert_false(
		wr_handshake_finish(&sides.handshake, &sides.initiator, &none, &response, &keys));
	/* And it is still there to be finished. */
	assert_true(
		wr_handshake_finish(&sides.handshake, &sides.initiator, &psk, &response, &keys));
}

static void test_handshake_refuses_points_of_low_order(void **state)
{
	static const struct wr_key low_order[] = { { { 0 } }, { { 1 } } };
	struct sides sides;

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(low_order); i++) {
		struct wr_initiation message;
		struct wr_initiation_opened opened;
		struct wr_response response;
		struct wr_transport_keys keys;

		sides_start(&sides);
		assert_false(wr_handshake_initiate(&sides.handshake, &sides.initiator,
						   &low_order[i], &sides.i_ephemeral,
						   sides.timestamp, &message));
		assert_int_equal(sides.handshake.state, WR_HANDSHAKE_IDLE);
		sides_initiate(&sides);
		sides_open(&sides, &opened);
		opened.ephemeral = low_order[i];
		assert_false(wr_handshake_respond(&opened, &low_order[0], &sides.r_ephemeral,
						  &response, &keys));
		memcpy(sides.initiation.ephemeral, &low_order[i], WR_KEY_LEN);
		assert_false(
			wr_handshake_open_initiation(&sides.responder, &sides.initiation, &opened));
	}
	/* No secret between the static keys. */
	sides_start(&sides);
	sides.handshake.static_static = (struct wr_key){ 0 };
	assert_false(wr_handshake_initiate(&sides.handshake, &sides.initiator,
					   &sides.responder.public_key, &sides.i_ephemeral,
					   sides.timestamp, &sides.initiation));
}

static void test_handshake_needs_a_private_key(void **state)
{
	struct sides sides;
	struct wr_initiation_opened opened;

	(void)state;
	sides_start(&sides);
	sides_initiate(&sides);
	sides.responder.private_key = (struct wr_key){ 0 };
	assert_false(wr_handshake_open_initiation(&sides.responder, &sides.initiation, &opened));
	sides.initiator.private_key = (struct wr_key){ 0 };
	assert_false(wr_handshake_initiate(&sides.handshake, &sides.initiator,
					   &sides.responder.public_key, &sides.i_ephemeral,
					   sides.timestamp, &sides.initiation));
}

static void test_handshake_clear_forgets_the_secrets(void **state)
{
	static const struct wr_key zero;
	struct sides sides;

	(void)state;
	sides_start(&sides);
	sides_initiate(&sides);
	assert_memory_not_equal(&sides.handshake.ephemeral_private, &zero, WR_KEY_LEN);
	wr_handshake_clear(&sides.handshake);
	assert_int_equal(sides.handshake.state, WR_HANDSHAKE_IDLE);
	assert_memory_equal(&sides.handshake.ephemeral_private, &zero, WR_KEY_LEN);
	assert_memory_equal(&sides.handshake.chaining_key, &zero, WR_KEY_LEN);
	assert_memory_equal(&sides.handshake.hash, &zero, WR_KEY_LEN);
	assert_memory_equal(&sides.handshake.static_static, &sides.static_static, WR_KEY_LEN);
}

static void test_identity_set_clamps_and_derives(void **state)
{
	struct wr_key raw = { { 0xff, 0xff } }, zero = { 0 };
	struct wr_identity identity;

	(void)state;
	raw.bytes[31] = 0xff;
	wr_identity_set(&identity, &raw);
	assert_int_equal(identity.private_key.bytes[0], 0xf8);
	assert_int_equal(identity.private_key.bytes[31], 0x7f);
	assert_false(wr_key_is_zero(&identity.public_key));
	wr_identity_set(&identity, &zero);
	assert_true(wr_key_is_zero(&identity.private_key));
	assert_true(wr_key_is_zero(&identity.public_key));
}

static void test_tai64n_rounds_down_and_always_grows(void **state)
{
	static const struct {
		const char *name;
		uint64_t wall_ns;
		const char *previous, *want;
	} cases[] = {
		{ "the first", UINT64_C(1700000000123456789), "000000000000000000000000",
		  "400000006553f10a07000000" },
		{ "on a step", UINT64_C(1700000000016777216), "000000000000000000000000",
		  "400000006553f10a01000000" },
		{ "the same again", UINT64_C(1700000000123456789), "400000006553f10a07000000",
		  "400000006553f10a08000000" },
		{ "within the same step", UINT64_C(1700000000130000000), "400000006553f10a07000000",
		  "400000006553f10a08000000" },
		{ "the clock went back", UINT64_C(1600000000000000000), "400000006553f10a07000000",
		  "400000006553f10a08000000" },
		{ "back, at the end of a second", 0, "400000006553f10a3b000000",
		  "400000006553f10b00000000" },
		{ "the last of a second", UINT64_C(1700000000999999999), "000000000000000000000000",
		  "400000006553f10a3b000000" },
		{ "1970", 0, "000000000000000000000000", "400000000000000a00000000" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		uint8_t previous[WR_TAI64N_LEN], got[WR_TAI64N_LEN];

		print_message("%s\n", cases[i].name);
		unit_hex(cases[i].previous, previous, sizeof(previous));
		wr_tai64n((struct wr_wall){ cases[i].wall_ns }, previous, got);
		assert_bytes(got, sizeof(got), cases[i].want);
		assert_true(memcmp(got, previous, sizeof(got)) > 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake_gives_known_answers),
		cmocka_unit_test(test_handshake_begins_with_the_hash_of_its_name),
		cmocka_unit_test(test_handshake_open_refuses_each_flipped_bit),
		cmocka_unit_test(test_handshake_finish_refuses_what_is_not_the_answer),
		cmocka_unit_test(test_handshake_refuses_points_of_low_order),
		cmocka_unit_test(test_handshake_needs_a_private_key),
		cmocka_unit_test(test_handshake_clear_forgets_the_secrets),
		cmocka_unit_test(test_identity_set_clamps_and_derives),
		cmocka_unit_test(test_tai64n_rounds_down_and_always_grows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
