#include "crypto/crypto.h"
#include "crypto/noise.h"
#include "gossip/admission.h"
#include "mesh_items.h"

#define FOUNDER 100
#define PIECES_MAX 5

/* A policy of some pieces, each of which holds a few words. */
struct policy {
	char text[WR_ITEM_POLICY_PIECE * PIECES_MAX];
	struct mesh_item pieces[PIECES_MAX];
	size_t count;
};

static struct policy make(uint64_t version, size_t count)
{
	struct policy policy = { .count = count };
	char words[PIECES_MAX][64];
	struct wr_hash digest;

	for (size_t i = 0; i < count; i++) {
		snprintf(words[i], sizeof(words[i]), "# %u of %u\n", (unsigned)i,
			 (unsigned)version);
		strcat(policy.text, words[i]);
	}
	digest = wr_hash2((struct wr_bytes){ (const uint8_t *)policy.text, strlen(policy.text) },
			  (struct wr_bytes){ 0 });
	for (size_t i = 0; i < count; i++) {
		struct wr_policy_piece piece = { .number = (uint8_t)i, .count = (uint8_t)count };

		memcpy(piece.digest, digest.bytes, sizeof(piece.digest));
		piece.text = (struct wr_bytes){ (const uint8_t *)words[i], strlen(words[i]) };
		policy.pieces[i] = mesh_policy_piece(FOUNDER, version, &piece);
	}
	return policy;
}

static struct wr_admission *make_admission(void)
{
	struct wr_key founder = mesh_identity(FOUNDER);
	struct wr_admission *admission = wr_admission_new(mesh_tag, &founder);

	assert_non_null(admission);
	return admission;
}

static unsigned take(struct wr_admission *admission, const struct mesh_item *piece)
{
	assert_true(wr_admission_check(admission, mesh_bytes(piece)));
	return wr_admission_take(admission, mesh_bytes(piece));
}

static void take_all(struct wr_admission *admission, const struct policy *policy)
{
	for (size_t i = 0; i < policy->count; i++)
		take(admission, &policy->pieces[i]);
}

static uint64_t awaited(const struct wr_admission *admission)
{
	struct wr_admission_figures figures;

	wr_admission_look(admission, &figures);
	return figures.policy_awaited;
}

/* 0: none. */
static void assert_in_force(const struct wr_admission *admission, uint64_t wanted,
			    const struct policy *policy)
{
	uint64_t version = 0;
	const char *text = wr_admission_policy(admission, &version);

	assert_int_equal(version, wanted);
	if (wanted)
		assert_string_equal(text, policy->text);
	else
		assert_null(text);
}

static void test_policy_of_one_piece(void **state)
{
	struct wr_admission *admission = make_admission();
	struct policy policy = make(1, 1);

	(void)state;
	assert_in_force(admission, 0, NULL);
	assert_int_equal(take(admission, &policy.pieces[0]), WR_ADMISSION_POLICY);
	assert_in_force(admission, 1, &policy);
	assert_int_equal(take(admission, &policy.pieces[0]), 0);
	assert_int_equal(awaited(admission), 0);
	wr_admission_free(admission);
}

static void test_policy_pieces_come_in_any_order(void **state)
{
	struct unit_random random = unit_random_start("policy");
	struct policy policy = make(7, PIECES_MAX);

	(void)state;
	for (unsigned round = 0; round < 50; round++) {
		struct wr_admission *admission = make_admission();
		unsigned there = 0;

		while (there != (1u << PIECES_MAX) - 1) {
			size_t i = unit_random_below(&random, PIECES_MAX);
			unsigned changed = take(admission, &policy.pieces[i]);

			there |= 1u << i;
			assert_int_equal(changed,
					 there == (1u << PIECES_MAX) - 1 ? WR_ADMISSION_POLICY : 0);
			assert_int_equal(awaited(admission), changed ? 0 : 7);
			assert_in_force(admission, changed ? 7 : 0, &policy);
		}
		wr_admission_free(admission);
	}
}

static void test_policy_two_versions_at_once(void **state)
{
	struct wr_admission *admission = make_admission();
	struct policy older = make(2, 3), newer = make(3, 3);

	(void)state;
	take(admission, &older.pieces[0]);
	take(admission, &newer.pieces[0]);
	take(admission, &older.pieces[1]);
	take(admission, &newer.pieces[1]);
	assert_in_force(admission, 0, NULL);
	assert_int_equal(awaited(admission), 3);
	assert_int_equal(take(admission, &older.pieces[2]), WR_ADMISSION_POLICY);
	assert_in_force(admission, 2, &older);
	assert_int_equal(awaited(admission), 3);
	assert_int_equal(take(admission, &newer.pieces[2]), WR_ADMISSION_POLICY);
	assert_in_force(admission, 3, &newer);
	assert_int_equal(awaited(admission), 0);
	wr_admission_free(admission);
}

static void test_policy_is_not_rolled_back(void **state)
{
	struct wr_admission *admission = make_admission();
	struct policy older = make(2, 2), newer = make(3, 2);

	(void)state;
	take_all(admission, &newer);
	take_all(admission, &older);
	assert_in_force(admission, 3, &newer);
	assert_int_equal(awaited(admission), 0);
	/* What was half there is not finished behind its back. */
	wr_admission_free(admission);
	admission = make_admission();
	take(admission, &older.pieces[0]);
	take_all(admission, &newer);
	take(admission, &older.pieces[1]);
	assert_in_force(admission, 3, &newer);
	wr_admission_free(admission);
}

/* Of more versions than there is room for, the oldest gives way, wherever it stands. */
static void test_policy_newest_versions_keep_their_places(void **state)
{
	struct policy four = make(4, 2), five = make(5, 2), six = make(6, 2), seven = make(7, 2);
	struct policy *const orders[][4] = { { &four, &six, &five, &seven },
					     { &six, &four, &five, &seven },
					     { &seven, &six, &five, &four } };

	(void)state;
	for (size_t order = 0; order < WR_ARRAY_LEN(orders); order++) {
		struct wr_admission *admission = make_admission();

		for (size_t i = 0; i < 4; i++)
			assert_int_equal(take(admission, &orders[order][i]->pieces[0]), 0);
		assert_int_equal(awaited(admission), 7);
		/* These are forgotten. */
		assert_int_equal(take(admission, &four.pieces[1]), 0);
		assert_int_equal(take(admission, &five.pieces[1]), 0);
		assert_in_force(admission, 0, NULL);
		assert_int_equal(take(admission, &six.pieces[1]), WR_ADMISSION_POLICY);
		assert_in_force(admission, 6, &six);
		assert_int_equal(take(admission, &seven.pieces[1]), WR_ADMISSION_POLICY);
		assert_in_force(admission, 7, &seven);
		wr_admission_free(admission);
	}
}

static void test_policy_of_another_digest_is_not_mixed_in(void **state)
{
	struct wr_admission *admission = make_admission();
	struct policy policy = make(3, 2), other = make(3, 2);
	struct wr_policy_piece piece = { .number = 1, .count = 2 };

	(void)state;
	piece.text = (struct wr_bytes){ (const uint8_t *)"other\n", 6 };
	other.pieces[1] = mesh_policy_piece(FOUNDER, 3, &piece);
	take(admission, &policy.pieces[0]);
	assert_int_equal(take(admission, &other.pieces[1]), 0);
	assert_in_force(admission, 0, NULL);
	take(admission, &policy.pieces[1]);
	assert_in_force(admission, 3, &policy);
	wr_admission_free(admission);
}

/* All pieces are there, but they do not make what was said: the one before stays in force. */
static void test_policy_with_a_wrong_digest_is_dropped(void **state)
{
	struct wr_admission *admission = make_admission();
	struct policy policy = make(1, 2), next = make(3, 2);
	struct wr_policy_piece piece = { .count = 1 };
	struct mesh_item wrong;

	(void)state;
	take_all(admission, &policy);
	piece.text = (struct wr_bytes){ (const uint8_t *)"allow all\n", 10 };
	wrong = mesh_policy_piece(FOUNDER, 2, &piece);
	assert_int_equal(take(admission, &wrong), 0);
	assert_in_force(admission, 1, &policy);
	assert_int_equal(awaited(admission), 0);
	take_all(admission, &next);
	assert_in_force(admission, 3, &next);
	wr_admission_free(admission);
}

static void test_policy_of_the_most_pieces(void **state)
{
	static char text[WR_ITEM_POLICY_PIECE * WR_ITEM_POLICY_PIECES + 1];
	struct wr_admission *admission = make_admission();
	struct wr_bytes whole = { (const uint8_t *)text, sizeof(text) - 1 };
	struct wr_hash digest;
	uint64_t version;

	(void)state;
	memset(text, '#', sizeof(text) - 1);
	digest = wr_hash2(whole, (struct wr_bytes){ 0 });
	for (unsigned i = WR_ITEM_POLICY_PIECES; i-- > 0;) {
		struct wr_policy_piece piece = { .number = (uint8_t)i,
						 .count = WR_ITEM_POLICY_PIECES };
		struct mesh_item item;

		memcpy(piece.digest, digest.bytes, sizeof(piece.digest));
		piece.text = (struct wr_bytes){ whole.data + (size_t)i * WR_ITEM_POLICY_PIECE,
						WR_ITEM_POLICY_PIECE };
		item = mesh_policy_piece(FOUNDER, 1, &piece);
		assert_int_equal(take(admission, &item), i == 0 ? WR_ADMISSION_POLICY : 0);
	}
	assert_string_equal(wr_admission_policy(admission, &version), text);
	wr_admission_free(admission);
}

/* What was kept on the disk gives the policy again, though newer pieces are on their way. */
static void test_policy_items_bring_it_back(void **state)
{
	struct wr_admission *admission = make_admission(), *again = make_admission();
	struct policy policy = make(4, 3), newer = make(5, 3);
	struct wr_bytes item;
	size_t count = 0;

	(void)state;
	assert_false(wr_admission_policy_item(admission, &(size_t){ 0 }, &item));
	take_all(admission, &policy);
	take(admission, &newer.pieces[0]);
	for (size_t i = 0; wr_admission_policy_item(admission, &i, &item); count++) {
		assert_true(wr_admission_check(again, item));
		wr_admission_take(again, item);
	}
	assert_int_equal(count, 3);
	assert_in_force(again, 4, &policy);
	wr_admission_free(admission);
	wr_admission_free(again);
}

static void test_policy_of_who_is_no_founder_is_forged(void **state)
{
	struct wr_key other = mesh_identity(1);
	struct wr_admission *admission = wr_admission_new(mesh_tag, &other);
	struct policy policy = make(1, 1);
	struct wr_admission_figures figures;

	(void)state;
	assert_false(wr_admission_check(admission, mesh_bytes(&policy.pieces[0])));
	assert_int_equal(wr_admission_take(admission, mesh_bytes(&policy.pieces[0])), 0);
	assert_in_force(admission, 0, NULL);
	wr_admission_look(admission, &figures);
	assert_int_equal(figures.forged, 1);
	wr_admission_free(admission);
}

static int start(void **state)
{
	(void)state;
	return wr_crypto_start();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy_of_one_piece),
		cmocka_unit_test(test_policy_pieces_come_in_any_order),
		cmocka_unit_test(test_policy_two_versions_at_once),
		cmocka_unit_test(test_policy_is_not_rolled_back),
		cmocka_unit_test(test_policy_newest_versions_keep_their_places),
		cmocka_unit_test(test_policy_of_another_digest_is_not_mixed_in),
		cmocka_unit_test(test_policy_with_a_wrong_digest_is_dropped),
		cmocka_unit_test(test_policy_of_the_most_pieces),
		cmocka_unit_test(test_policy_items_bring_it_back),
		cmocka_unit_test(test_policy_of_who_is_no_founder_is_forged),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
