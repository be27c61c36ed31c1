#include "wire/item.h"

#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "item_vectors.h"
#include "mesh_items.h"

#define HEAD_LEN 81

/* --- Items of each kind, as the vectors have them. --- */

static struct wr_endpoint endpoint_of(const char *text)
{
	struct wr_endpoint endpoint;

	assert_true(wr_endpoint_parse(text, strlen(text), &endpoint));
	return endpoint;
}

static struct wr_prefix prefix_of(const char *text)
{
	struct wr_prefix prefix;

	assert_true(wr_prefix_parse(text, strlen(text), &prefix));
	return prefix;
}

static struct wr_item make_record(void)
{
	struct wr_item item = mesh_item_of(WR_ITEM_RECORD, UINT64_C(5) << 32 | 1);
	struct wr_record record = {
		.flags = WR_RECORD_LEFT | WR_RECORD_RELAYS | WR_RECORD_OPEN,
		.name = "db-2",
		.name_since = 1000,
		.v4 = { 10, 200, 1, 2 },
		.v4_since = 2000,
		.candidate_count = 2,
		.candidates = { { 0, endpoint_of("192.168.1.5:51820") },
				{ 3, endpoint_of("[2001:db8::1]:443") } },
		.relay_count = 1,
		.relays = { mesh_identity(3) },
		.route_count = 2,
		.routes = { prefix_of("192.168.0.0/16"), prefix_of("fd00:1::/32") },
		.program = "warren 0.1.0",
	};

	item.subject = mesh_identity(1);
	item.record = record;
	return item;
}

static struct wr_item make_certificate(void)
{
	struct wr_item item = mesh_item_of(WR_ITEM_CERTIFICATE, 9);

	item.subject = mesh_identity(1);
	item.certificate = (struct wr_certificate){
		.name = "db-2",
		.tag_count = 2,
		.tags = { "db", "Prod.1" },
		.not_after = 1893456000,
	};
	return item;
}

static struct wr_item make_revocation(void)
{
	struct wr_item item = mesh_item_of(WR_ITEM_REVOCATION, 10);

	item.subject = mesh_identity(1);
	item.revocation.not_after = 1893456000;
	return item;
}

static struct wr_item make_charter(void)
{
	struct wr_item item = mesh_item_of(WR_ITEM_CHARTER, 1);

	item.subject = mesh_identity(2);
	item.charter.is_closed = true;
	return item;
}

static struct wr_item make_policy(void)
{
	static const char text[] = "allow * -> * tcp 22\n";
	struct wr_item item = mesh_item_of(WR_ITEM_POLICY, 3);
	struct wr_bytes bytes = { (const uint8_t *)text, strlen(text) };
	struct wr_hash hash = wr_hash2(bytes, (struct wr_bytes){ 0 });

	item.policy = (struct wr_policy_piece){ .number = 0, .count = 1, .text = bytes };
	memcpy(item.policy.digest, hash.bytes, sizeof(hash.bytes));
	return item;
}

static const struct {
	struct wr_item (*make)(void);
	uint8_t signer;
	const char *known;
} kinds[] = {
	{ make_record, 1, vector_record },         { make_certificate, 2, vector_certificate },
	{ make_revocation, 2, vector_revocation }, { make_charter, 2, vector_charter },
	{ make_policy, 2, vector_policy },
};

/* --- What is written, is read. --- */

/* What is read, is written again the same. As the writing has known answers, too, each field is
 * read into its place. */
static void assert_reads_as(const struct mesh_item *written, uint8_t signer)
{
	struct wr_key identity = mesh_identity(signer);
	struct mesh_item again;
	struct wr_item item;

	assert_true(wr_item_read(mesh_bytes(written), &item));
	assert_memory_equal(&item.signer, &identity, sizeof(identity));
	again = mesh_sign(&item, signer);
	assert_int_equal(again.len, written->len);
	assert_memory_equal(again.bytes, written->bytes, written->len);
}

static void test_item_known_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(kinds); i++) {
		struct wr_item item = kinds[i].make();
		struct mesh_item known, written = mesh_sign(&item, kinds[i].signer);

		known.len = unit_hex(kinds[i].known, known.bytes, sizeof(known.bytes));
		assert_int_equal(written.len, known.len);
		assert_memory_equal(written.bytes, known.bytes, known.len);
		assert_reads_as(&known, kinds[i].signer);
		assert_true(wr_item_check(mesh_bytes(&known)));
	}
}

static void test_item_head_says_what_it_is(void **state)
{
	struct wr_key subject = mesh_identity(1), signer = mesh_identity(2);
	struct wr_item item = make_certificate();
	struct mesh_item written = mesh_sign(&item, 2);
	struct wr_item_head head;

	(void)state;
	assert_true(wr_item_peek(mesh_bytes(&written), &head));
	assert_int_equal(head.kind, WR_ITEM_CERTIFICATE);
	assert_memory_equal(head.mesh, mesh_tag, sizeof(mesh_tag));
	assert_memory_equal(head.signer, &signer, sizeof(signer));
	assert_memory_equal(head.subject, &subject, sizeof(subject));
	assert_int_equal(head.version, 9);
}

static void test_item_of_the_largest_kind_fits(void **state)
{
	struct wr_item item = make_record();
	struct wr_record *record = &item.record;
	struct mesh_item written;

	(void)state;
	memset(record->name, 'a', WR_ITEM_NAME_LEN);
	memset(record->program, '~', sizeof(record->program) - 1);
	record->candidate_count = WR_ITEM_CANDIDATES;
	record->relay_count = WR_ITEM_RELAYS;
	record->route_count = WR_ITEM_ROUTES;
	record->relays[1] = mesh_identity(4);
	for (size_t i = 0; i < WR_ITEM_CANDIDATES; i++)
		record->candidates[i] = record->candidates[1];
	for (size_t i = 0; i < WR_ITEM_ROUTES; i++)
		record->routes[i] = record->routes[1];
	written = mesh_sign(&item, 1);
	assert_reads_as(&written, 1);

	item = make_certificate();
	memset(item.certificate.name, 'a', WR_ITEM_NAME_LEN);
	item.certificate.tag_count = WR_ITEM_TAGS;
	for (size_t i = 0; i < WR_ITEM_TAGS; i++)
		memset(item.certificate.tags[i], 'A', WR_ITEM_NAME_LEN);
	written = mesh_sign(&item, 2);
	assert_reads_as(&written, 2);
}

static void test_item_with_nothing_in_it_is_good(void **state)
{
	struct wr_item item = mesh_item_of(WR_ITEM_RECORD, 0);
	struct mesh_item written;

	(void)state;
	item.subject = mesh_identity(1);
	written = mesh_sign(&item, 1);
	assert_reads_as(&written, 1);
	item = mesh_item_of(WR_ITEM_CERTIFICATE, UINT64_MAX);
	written = mesh_sign(&item, 2);
	assert_reads_as(&written, 2);
}

static void test_item_policy_of_the_longest_piece_fits(void **state)
{
	char text[WR_ITEM_POLICY_PIECE + 1];
	struct wr_item item = make_policy();
	struct wr_key seed = mesh_seed(2);
	uint8_t bytes[WR_ITEM_MAX_LEN];
	struct mesh_item written;

	(void)state;
	memset(text, 'x', sizeof(text));
	item.policy.number = item.subject.bytes[WR_KEY_LEN - 1] = WR_ITEM_POLICY_PIECES - 1;
	item.policy.count = WR_ITEM_POLICY_PIECES;
	item.policy.text = (struct wr_bytes){ (const uint8_t *)text, WR_ITEM_POLICY_PIECE };
	written = mesh_sign(&item, 2);
	assert_reads_as(&written, 2);
	item.policy.text.len++;
	assert_int_equal(wr_item_write(&item, &seed, bytes), 0);
	item.policy.text.len = 100000;
	assert_int_equal(wr_item_write(&item, &seed, bytes), 0);
}

/* --- What is changed, is no item any more. --- */

static void test_item_with_any_bit_changed_is_not_authentic(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(kinds); i++) {
		struct wr_item item = kinds[i].make();
		struct mesh_item written = mesh_sign(&item, kinds[i].signer);

		for (size_t bit = 0; bit < 8 * written.len; bit++) {
			written.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_false(wr_item_check(mesh_bytes(&written)));
			written.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_true(wr_item_check(mesh_bytes(&written)));
	}
}

static void test_item_of_any_other_length_is_refused(void **state)
{
	uint8_t longer[WR_ITEM_MAX_LEN + 1] = { 0 };
	struct wr_item read;

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(kinds); i++) {
		struct wr_item item = kinds[i].make();
		struct mesh_item written = mesh_sign(&item, kinds[i].signer);

		memcpy(longer, written.bytes, written.len);
		for (size_t len = 0; len <= sizeof(longer); len++) {
			struct wr_bytes bytes = { longer, len };

			if (len == written.len)
				continue;
			assert_false(wr_item_check(bytes));
			/* A policy's text takes what stands there, the signature sees it. */
			if (item.kind != WR_ITEM_POLICY)
				assert_false(wr_item_read(bytes, &read));
		}
	}
}

static void test_item_is_signed_by_who_may(void **state)
{
	struct wr_key seed = mesh_seed(3);
	struct wr_item item = make_record();
	uint8_t bytes[WR_ITEM_MAX_LEN];

	(void)state;
	assert_int_equal(wr_item_write(&item, &seed, bytes), 0);
	item = make_charter();
	assert_int_equal(wr_item_write(&item, &seed, bytes), 0);
	/* Of others the item itself cannot tell. */
	item = make_certificate();
	assert_int_not_equal(wr_item_write(&item, &seed, bytes), 0);
}

/* With a signature of the whole, which does not make another's record one's own. */
static void test_item_check_wants_a_record_of_the_signers_own(void **state)
{
	struct wr_key seed = mesh_seed(3), signer = mesh_identity(3);
	struct wr_item item = make_record();
	struct mesh_item written = mesh_sign(&item, 1);
	struct wr_signature signature;
	struct wr_item read;

	(void)state;
	memcpy(written.bytes + 1 + WR_MESH_TAG_LEN, &signer, sizeof(signer));
	wr_sign(&seed, "warren item 1",
		(struct wr_bytes){ written.bytes, written.len - sizeof(signature) }, &signature);
	memcpy(written.bytes + written.len - sizeof(signature), &signature, sizeof(signature));
	assert_true(wr_sign_check(
		&signer, "warren item 1",
		(struct wr_bytes){ written.bytes, written.len - sizeof(signature) }, &signature));
	assert_false(wr_item_check(mesh_bytes(&written)));
	assert_false(wr_item_read(mesh_bytes(&written), &read));
}

/* --- Malformed fields. --- */

static void assert_not_written(const struct wr_item *item, uint8_t signer, const char *what)
{
	struct wr_key seed = mesh_seed(signer);
	uint8_t bytes[WR_ITEM_MAX_LEN];

	if (wr_item_write(item, &seed, bytes) != 0)
		fail_msg("%s was written", what);
}

#define ASSERT_BAD(make, signer, change) \
	do { \
		struct wr_item item = make(); \
		change; \
		assert_not_written(&item, signer, #change); \
	} while (0)

static void test_item_record_with_a_bad_field_is_not_written(void **state)
{
	(void)state;
#define BAD(change) ASSERT_BAD(make_record, 1, item.record.change)
	BAD(name[0] = '-');
	BAD(name[3] = '-');
	BAD(name[0] = 'D');
	BAD(name[1] = '.');
	BAD(v4[0] = 0);
	BAD(v4[0] = 127);
	BAD(v4[0] = 224);
	BAD(v4[0] = 255);
	BAD(candidate_count = WR_ITEM_CANDIDATES + 1);
	BAD(relay_count = WR_ITEM_RELAYS + 1);
	BAD(route_count = WR_ITEM_ROUTES + 1);
	BAD(candidate_count = 3);
	BAD(candidates[0].kind = 4);
	BAD(candidates[0].endpoint.port = 0);
	BAD(candidates[0].endpoint.ip.family = WR_FAMILY_NONE);
	BAD(candidates[0].endpoint.ip.bytes[0] = 224);
	BAD(candidates[0].endpoint.ip.bytes[0] = 127);
	BAD(candidates[1].endpoint.ip.bytes[0] = 0xff);
	BAD(relays[0] = mesh_identity(1));
	BAD(routes[0].length = 33);
	BAD(routes[0].length = 8);
	BAD(routes[1].length = 129);
	BAD(routes[1].ip.bytes[15] = 1);
	BAD(program[0] = '\n');
	BAD(program[3] = '\x7f');
#undef BAD
	ASSERT_BAD(make_record, 1, memset(item.record.name, 'a', sizeof(item.record.name)));
	ASSERT_BAD(make_record, 1, memset(item.record.program, 'a', sizeof(item.record.program)));
	ASSERT_BAD(make_record, 1, {
		item.record.relay_count = 2;
		item.record.relays[1] = item.record.relays[0];
	});
}

static void test_item_certificate_with_a_bad_field_is_not_written(void **state)
{
	(void)state;
	ASSERT_BAD(make_certificate, 2, item.certificate.name[0] = '_');
	ASSERT_BAD(make_certificate, 2, item.certificate.tag_count = WR_ITEM_TAGS + 1);
	ASSERT_BAD(make_certificate, 2, item.certificate.tag_count = 3);
	ASSERT_BAD(make_certificate, 2, item.certificate.tags[0][0] = ' ');
	ASSERT_BAD(make_certificate, 2, memset(item.certificate.tags[0], 'a', 64));
}

static void test_item_policy_with_a_bad_field_is_not_written(void **state)
{
	const struct wr_bytes nul = { (const uint8_t *)"a\0b", 3 };

	(void)state;
	ASSERT_BAD(make_policy, 2, item.policy.count = 0);
	ASSERT_BAD(make_policy, 2, item.policy.count = WR_ITEM_POLICY_PIECES + 1);
	ASSERT_BAD(make_policy, 2, item.policy.number = 1);
	ASSERT_BAD(make_policy, 2, {
		item.policy.count = 2;
		item.policy.number = 1;
	});
	ASSERT_BAD(make_policy, 2, item.subject.bytes[0] = 1);
	ASSERT_BAD(make_policy, 2, item.subject.bytes[31] = WR_ITEM_POLICY_PIECES);
	ASSERT_BAD(make_policy, 2, item.policy.text = nul);
}

/* Bytes that the writer cannot make. */
static void test_item_with_bad_bytes_is_not_read(void **state)
{
	static const struct {
		size_t kind, at;
		uint8_t value;
		const char *what;
	} cases[] = {
		{ 0, 0, 0, "kind 0" },
		{ 0, 0, WR_ITEM_KINDS, "a later kind" },
		{ 0, 0, 2, "a record as a certificate" },
		{ 0, HEAD_LEN + 4, 5, "a name longer than it is" },
		{ 0, HEAD_LEN + 4, 64, "a name longer than may be" },
		{ 0, HEAD_LEN + 4, 255, "a name longer than the item" },
		{ 0, HEAD_LEN + 6, 0, "a name with a NUL" },
		{ 0, HEAD_LEN + 29, 255, "more candidates than fit" },
		{ 0, HEAD_LEN + 33, 5, "an address of no family" },
		{ 1, HEAD_LEN + 5, 255, "more tags than fit" },
		{ 1, HEAD_LEN + 6, 0, "an empty tag" },
		{ 3, HEAD_LEN, 2, "a charter that is neither" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct wr_item item = kinds[cases[i].kind].make(), read;
		struct mesh_item written = mesh_sign(&item, kinds[cases[i].kind].signer);

		written.bytes[cases[i].at] = cases[i].value;
		if (wr_item_read(mesh_bytes(&written), &read))
			fail_msg("%s was read", cases[i].what);
	}
}

/* Each count is asked for before it is believed. */
static void test_item_that_ends_behind_a_bad_count_is_not_read(void **state)
{
	static const struct {
		size_t kind, at;
	} counts[] = { { 0, HEAD_LEN + 29 },
		       { 0, HEAD_LEN + 30 },
		       { 0, HEAD_LEN + 31 },
		       { 1, HEAD_LEN + 5 } };

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(counts); i++) {
		struct wr_item item = kinds[counts[i].kind].make(), read;
		struct mesh_item written = mesh_sign(&item, kinds[counts[i].kind].signer);
		size_t end = counts[i].kind ? counts[i].at + 1 : HEAD_LEN + 32;

		written.bytes[counts[i].at] = 9;
		written.len = end + WR_SIGNATURE_LEN;
		assert_false(wr_item_read(mesh_bytes(&written), &read));
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
		cmocka_unit_test(test_item_known_answers),
		cmocka_unit_test(test_item_head_says_what_it_is),
		cmocka_unit_test(test_item_of_the_largest_kind_fits),
		cmocka_unit_test(test_item_with_nothing_in_it_is_good),
		cmocka_unit_test(test_item_policy_of_the_longest_piece_fits),
		cmocka_unit_test(test_item_with_any_bit_changed_is_not_authentic),
		cmocka_unit_test(test_item_of_any_other_length_is_refused),
		cmocka_unit_test(test_item_is_signed_by_who_may),
		cmocka_unit_test(test_item_check_wants_a_record_of_the_signers_own),
		cmocka_unit_test(test_item_record_with_a_bad_field_is_not_written),
		cmocka_unit_test(test_item_certificate_with_a_bad_field_is_not_written),
		cmocka_unit_test(test_item_policy_with_a_bad_field_is_not_written),
		cmocka_unit_test(test_item_with_bad_bytes_is_not_read),
		cmocka_unit_test(test_item_that_ends_behind_a_bad_count_is_not_read),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
