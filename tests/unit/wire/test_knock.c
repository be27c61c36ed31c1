#include "wire/knock.h"

#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "mesh_items.h"

/* Made with Python's hashlib and cryptography; the MAC's key is 20 21 .. 3f, the mesh's tag 00 ..
 * 07, the identity mesh_identity(1). */
static const char known[] =
	"57524e4b010100010203040506078a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf374"
	"8801b40f6f5cca6cca6a0000000000000005000000075dd122ff0598f105964b10ec306913a5675c"
	"b88838d2cc7153b8a2c5ce09c49030275e2319de8c6989af1d061151ef4c2a86e5430020403e147e"
	"a47c9441b60c52e5589002338ac1d53f3630ccb5da6a";

struct made {
	uint8_t bytes[WR_KNOCK_LEN];
};

static struct wr_key mac_key(void)
{
	struct wr_key key;

	for (unsigned i = 0; i < sizeof(key.bytes); i++)
		key.bytes[i] = (uint8_t)(32 + i);
	return key;
}

static struct wr_knock make_knock(void)
{
	struct wr_knock knock = { .flags = WR_KNOCK_ASKS,
				  .port = 51820,
				  .knock_port = 51818,
				  .epoch = 5,
				  .sequence = 7 };

	memcpy(knock.mesh, mesh_tag, sizeof(knock.mesh));
	return knock;
}

static struct made make(void)
{
	struct wr_knock knock = make_knock();
	struct wr_key seed = mesh_seed(1), key = mac_key();
	struct made made;

	wr_knock_write(&knock, &seed, &key, made.bytes);
	return made;
}

static enum wr_knock_fault read_it(const void *bytes, size_t len, struct wr_knock *ret_knock)
{
	struct wr_key key = mac_key();

	return wr_knock_read((struct wr_bytes){ bytes, len }, mesh_tag, &key, ret_knock);
}

static bool check(const struct made *made)
{
	return wr_knock_check((struct wr_bytes){ made->bytes, sizeof(made->bytes) });
}

static void test_knock_known_answer(void **state)
{
	struct wr_knock wanted = make_knock(), knock;
	struct wr_key identity = mesh_identity(1);
	struct made made = make();
	uint8_t bytes[WR_KNOCK_LEN];

	(void)state;
	assert_int_equal(unit_hex(known, bytes, sizeof(bytes)), WR_KNOCK_LEN);
	assert_memory_equal(made.bytes, bytes, sizeof(bytes));
	assert_int_equal(read_it(bytes, sizeof(bytes), &knock), WR_KNOCK_GOOD);
	assert_true(check(&made));
	assert_int_equal(knock.flags, wanted.flags);
	assert_memory_equal(knock.mesh, mesh_tag, sizeof(mesh_tag));
	assert_memory_equal(&knock.identity, &identity, sizeof(identity));
	assert_int_equal(knock.port, 51820);
	assert_int_equal(knock.knock_port, 51818);
	assert_int_equal(knock.epoch, 5);
	assert_int_equal(knock.sequence, 7);
}

static void test_knock_of_another_length_is_none(void **state)
{
	uint8_t bytes[WR_KNOCK_LEN + 2] = { 0 };
	struct made made = make();
	struct wr_knock knock;

	(void)state;
	memcpy(bytes, made.bytes, sizeof(made.bytes));
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		if (len == WR_KNOCK_LEN)
			continue;
		assert_int_equal(read_it(bytes, len, &knock), WR_KNOCK_MALFORMED);
		assert_false(wr_knock_check((struct wr_bytes){ bytes, len }));
	}
}

/* What each byte's change is taken for; nothing gets by. */
static void test_knock_with_any_bit_changed_is_refused(void **state)
{
	struct made made = make();
	struct wr_knock knock = { .port = 1 };

	(void)state;
	for (size_t i = 0; i < 8 * sizeof(made.bytes); i++) {
		enum wr_knock_fault wanted = WR_KNOCK_MAC;

		if (i / 8 < 5)
			wanted = WR_KNOCK_MALFORMED;
		else if (i / 8 >= 6 && i / 8 < 14)
			wanted = WR_KNOCK_OTHER_MESH;
		made.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(read_it(made.bytes, sizeof(made.bytes), &knock), wanted);
		/* The signature holds all but the MAC together, too. */
		assert_int_equal(check(&made), i / 8 >= WR_KNOCK_LEN - 16);
		made.bytes[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_int_equal(knock.port, 1);
}

static void test_knock_of_who_has_not_the_key_fails(void **state)
{
	struct wr_knock knock = make_knock(), read;
	struct wr_key seed = mesh_seed(1), key = mesh_seed(9);
	struct made made;

	(void)state;
	wr_knock_write(&knock, &seed, &key, made.bytes);
	assert_int_equal(read_it(made.bytes, sizeof(made.bytes), &read), WR_KNOCK_MAC);
}

/* A member of the mesh cannot knock as another one: its MAC is right, its signature not. */
static void test_knock_in_another_name_fails(void **state)
{
	struct made made = make();
	struct wr_key key = mac_key(), other = mesh_identity(2);
	struct wr_knock knock;
	struct wr_mac mac;

	(void)state;
	memcpy(made.bytes + 14, &other, sizeof(other));
	mac = wr_mac16((struct wr_bytes){ key.bytes, sizeof(key.bytes) },
		       (struct wr_bytes){ made.bytes, WR_KNOCK_LEN - 16 });
	memcpy(made.bytes + WR_KNOCK_LEN - 16, &mac, sizeof(mac));
	assert_int_equal(read_it(made.bytes, sizeof(made.bytes), &knock), WR_KNOCK_GOOD);
	assert_false(check(&made));
}

static void test_knock_without_ports_or_sequence_is_malformed(void **state)
{
	static const struct {
		size_t at, len;
	} fields[] = { { 46, 2 }, { 48, 2 }, { 58, 4 } };

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(fields); i++) {
		struct made made = make();
		struct wr_key key = mac_key();
		struct wr_knock knock;
		struct wr_mac mac;

		memset(made.bytes + fields[i].at, 0, fields[i].len);
		mac = wr_mac16((struct wr_bytes){ key.bytes, sizeof(key.bytes) },
			       (struct wr_bytes){ made.bytes, WR_KNOCK_LEN - 16 });
		memcpy(made.bytes + WR_KNOCK_LEN - 16, &mac, sizeof(mac));
		assert_int_equal(read_it(made.bytes, sizeof(made.bytes), &knock),
				 WR_KNOCK_MALFORMED);
	}
}

static int start(void **state)
{
	(void)state;
	return wr_crypto_start();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_knock_known_answer),
		cmocka_unit_test(test_knock_of_another_length_is_none),
		cmocka_unit_test(test_knock_with_any_bit_changed_is_refused),
		cmocka_unit_test(test_knock_of_who_has_not_the_key_fails),
		cmocka_unit_test(test_knock_in_another_name_fails),
		cmocka_unit_test(test_knock_without_ports_or_sequence_is_malformed),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
