#include "wire/door.h"

#include "crypto/crypto.h"
#include "mesh_items.h"

static struct mesh_item record, charter, certificate;

static struct wr_door make(enum wr_door_type type)
{
	struct wr_door door = { .type = type };

	switch (type) {
	case WR_DOOR_PLEA:
		memset(door.id, 7, sizeof(door.id));
		memset(door.proof, 8, sizeof(door.proof));
		door.record = mesh_bytes(&record);
		break;
	case WR_DOOR_GRANT:
		door.charter = mesh_bytes(&charter);
		door.certificate = mesh_bytes(&certificate);
		break;
	case WR_DOOR_REFUSAL:
		door.guest = mesh_identity(1);
		door.reason = WR_DOOR_EXPIRED;
		break;
	}
	return door;
}

static void assert_bytes_equal(struct wr_bytes a, struct wr_bytes b)
{
	assert_int_equal(a.len, b.len);
	if (a.len)
		assert_memory_equal(a.data, b.data, a.len);
}

static void test_door_reads_what_was_written(void **state)
{
	(void)state;
	for (unsigned type = WR_DOOR_PLEA; type <= WR_DOOR_REFUSAL; type++) {
		struct wr_door door = make((enum wr_door_type)type), read;
		uint8_t datagram[WR_DOOR_MAX_LEN];
		size_t len = wr_door_write(&door, datagram);

		assert_true(len > 2);
		assert_int_equal(datagram[0], 'D');
		assert_int_equal(datagram[1], type);
		assert_true(wr_door_read((struct wr_bytes){ datagram, len }, &read));
		assert_int_equal(read.type, type);
		assert_memory_equal(read.id, door.id, sizeof(door.id));
		assert_memory_equal(read.proof, door.proof, sizeof(door.proof));
		assert_bytes_equal(read.record, door.record);
		assert_bytes_equal(read.charter, door.charter);
		assert_bytes_equal(read.certificate, door.certificate);
		assert_memory_equal(&read.guest, &door.guest, sizeof(door.guest));
		assert_int_equal(read.reason, door.reason);
	}
}

/* Where each field stands. */
static void test_door_known_answers(void **state)
{
	struct wr_door refusal = make(WR_DOOR_REFUSAL), plea = make(WR_DOOR_PLEA);
	struct wr_door grant = make(WR_DOOR_GRANT);
	uint8_t datagram[WR_DOOR_MAX_LEN], known[64];

	(void)state;
	unit_hex("44 03 8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c 03", known,
		 sizeof(known));
	assert_int_equal(wr_door_write(&refusal, datagram), 35);
	assert_memory_equal(datagram, known, 35);
	assert_int_equal(wr_door_write(&plea, datagram), 26 + record.len);
	unit_hex("44 01 0707070707070707 08080808080808080808080808080808", known, sizeof(known));
	assert_memory_equal(datagram, known, 26);
	assert_memory_equal(datagram + 26, record.bytes, record.len);
	assert_int_equal(wr_door_write(&grant, datagram), 4 + charter.len + certificate.len);
	unit_hex("44 02 0092", known, sizeof(known));
	assert_memory_equal(datagram, known, 4);
	assert_memory_equal(datagram + 4, charter.bytes, charter.len);
	assert_memory_equal(datagram + 4 + charter.len, certificate.bytes, certificate.len);
}

/* Items end where the datagram does, and are looked at when they are taken: here only that there
 * can be one. */
static void test_door_of_a_length_that_cannot_be_is_none(void **state)
{
	const size_t item = 145; /* an item without a body */
	const struct {
		size_t least, most;
	} lengths[] = {
		[WR_DOOR_PLEA] = { 26 + item, 26 + WR_ITEM_MAX_LEN },
		[WR_DOOR_GRANT] = { 4 + charter.len + item, WR_DOOR_MAX_LEN },
		[WR_DOOR_REFUSAL] = { 35, 35 },
	};

	(void)state;
	for (unsigned type = WR_DOOR_PLEA; type <= WR_DOOR_REFUSAL; type++) {
		struct wr_door door = make((enum wr_door_type)type), read;
		uint8_t datagram[WR_DOOR_MAX_LEN + 1] = { 0 };

		assert_int_not_equal(wr_door_write(&door, datagram), 0);
		for (size_t len = 0; len <= sizeof(datagram); len++)
			assert_int_equal(wr_door_read((struct wr_bytes){ datagram, len }, &read),
					 len >= lengths[type].least && len <= lengths[type].most);
	}
}

static void assert_not_written(struct wr_door door)
{
	uint8_t datagram[WR_DOOR_MAX_LEN];

	assert_int_equal(wr_door_write(&door, datagram), 0);
}

static void test_door_with_a_bad_field_is_not_written(void **state)
{
	static uint8_t long_item[WR_DOOR_MAX_LEN + 1] = { WR_ITEM_RECORD };
	struct wr_door door = make(WR_DOOR_PLEA);

	(void)state;
	door.record = mesh_bytes(&charter);
	assert_not_written(door);
	door.record = (struct wr_bytes){ 0 };
	assert_not_written(door);
	door.record = (struct wr_bytes){ long_item, sizeof(long_item) };
	assert_not_written(door);
	door = make(WR_DOOR_GRANT);
	door.charter = mesh_bytes(&certificate);
	assert_not_written(door);
	door = make(WR_DOOR_GRANT);
	door.certificate = mesh_bytes(&charter);
	assert_not_written(door);
	door = make(WR_DOOR_GRANT);
	door.certificate = (struct wr_bytes){ 0 };
	assert_not_written(door);
	door = make(WR_DOOR_REFUSAL);
	door.reason = (enum wr_door_reason)0;
	assert_not_written(door);
	door.reason = WR_DOOR_REASONS;
	assert_not_written(door);
	door.type = (enum wr_door_type)0;
	assert_not_written(door);
	door.type = (enum wr_door_type)4;
	assert_not_written(door);
}

static void test_door_bytes_of_no_type_are_none(void **state)
{
	struct wr_door door = make(WR_DOOR_REFUSAL), read;
	uint8_t datagram[WR_DOOR_MAX_LEN];
	size_t len = wr_door_write(&door, datagram);

	(void)state;
	for (unsigned type = 0; type < 256; type++) {
		datagram[1] = (uint8_t)type;
		assert_int_equal(wr_door_read((struct wr_bytes){ datagram, len }, &read),
				 type == WR_DOOR_REFUSAL);
	}
	datagram[1] = WR_DOOR_REFUSAL;
	datagram[0] = 'G';
	assert_false(wr_door_read((struct wr_bytes){ datagram, len }, &read));
}

/* Keyed BLAKE2s of the identity, made with Python's hashlib. */
static void test_door_proof_is_of_secret_and_guest(void **state)
{
	uint8_t secret[WR_INVITATION_SECRET_LEN], proof[WR_DOOR_PROOF_LEN], known[16];
	struct wr_key guest = mesh_identity(1), other = mesh_identity(2);

	(void)state;
	for (unsigned i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)(110 + i);
	unit_hex("93efdcd9177fd9f52942548be9e33407", known, sizeof(known));
	wr_door_prove(secret, &guest, proof);
	assert_memory_equal(proof, known, sizeof(known));
	wr_door_prove(secret, &other, proof);
	assert_memory_not_equal(proof, known, sizeof(known));
	secret[0] ^= 1;
	wr_door_prove(secret, &guest, proof);
	assert_memory_not_equal(proof, known, sizeof(known));
}

static void test_door_each_reason_is_passed_on_and_has_its_text(void **state)
{
	(void)state;
	for (unsigned reason = 1; reason < WR_DOOR_REASONS; reason++) {
		struct wr_door door = make(WR_DOOR_REFUSAL), read;
		uint8_t datagram[WR_DOOR_MAX_LEN];
		size_t len;

		door.reason = (enum wr_door_reason)reason;
		len = wr_door_write(&door, datagram);
		assert_true(wr_door_read((struct wr_bytes){ datagram, len }, &read));
		assert_int_equal(read.reason, reason);
		assert_true(strlen(wr_door_reason_text(read.reason)) > 20);
	}
}

static int start(void **state)
{
	(void)state;
	if (wr_crypto_start() != 0)
		return -1;
	record = mesh_record(1, 1, "db");
	charter = mesh_charter(2, 1, true);
	certificate = mesh_certificate(2, 1, 2, 0);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_door_reads_what_was_written),
		cmocka_unit_test(test_door_known_answers),
		cmocka_unit_test(test_door_of_a_length_that_cannot_be_is_none),
		cmocka_unit_test(test_door_with_a_bad_field_is_not_written),
		cmocka_unit_test(test_door_bytes_of_no_type_are_none),
		cmocka_unit_test(test_door_proof_is_of_secret_and_guest),
		cmocka_unit_test(test_door_each_reason_is_passed_on_and_has_its_text),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
