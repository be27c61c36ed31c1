#include "zeroconf/discovery_judge.h"

#include "crypto/crypto.h"
#include "unit.h"
#include "zeroconf/discovery_answers.h"
#include "zeroconf/discovery_known.h"
#include "zeroconf/discovery_pace.h"

#define PLACES 64

static struct wr_mesh_keys mesh, other_mesh;
static const struct wr_siphash_key secret = { { 1, 2, 3 } };
static struct wr_judge *judge;

struct datagram {
	uint8_t bytes[WR_KNOCK_LEN];
};

static struct wr_key seed_of(unsigned number)
{
	struct wr_key seed = { { 0x5e, 0xed } };

	memcpy(seed.bytes + 4, &number, sizeof(number));
	return seed;
}

static struct datagram knock_of(const struct wr_mesh_keys *keys, unsigned member, uint64_t epoch,
				uint32_t sequence)
{
	struct wr_key seed = seed_of(member);
	struct wr_knock knock = {
		.flags = WR_KNOCK_ASKS,
		.identity = wr_sign_public(&seed),
		.port = 51820,
		.knock_port = 51821,
		.epoch = epoch,
		.sequence = sequence,
	};
	struct datagram datagram;

	memcpy(knock.mesh, keys->tag, sizeof(knock.mesh));
	wr_knock_write(&knock, &seed, &keys->mac, datagram.bytes);
	return datagram;
}

static struct wr_ip source_of(unsigned number)
{
	return (struct wr_ip){ .family = WR_IPV4,
			       .bytes = { 10, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
					  (uint8_t)number } };
}

static struct wr_instant at_ms(uint64_t ms)
{
	return (struct wr_instant){ UINT64_C(1000000) * (1000 + ms) };
}

static enum wr_hearing hear_at(const struct datagram *datagram, unsigned source, uint64_t ms)
{
	struct wr_bytes bytes = { datagram->bytes, sizeof(datagram->bytes) };
	struct wr_ip ip = source_of(source);
	struct wr_knock knock;

	return wr_judge_hear(judge, bytes, &ip, at_ms(ms), &knock);
}

static enum wr_hearing hear(struct datagram datagram)
{
	return hear_at(&datagram, 1, 0);
}

static int begin(void **state)
{
	struct wr_key root = { { 7 } }, other_root = { { 8 } }, seed = seed_of(0);
	struct wr_key own = wr_sign_public(&seed);

	(void)state;
	wr_mesh_keys(&root, &mesh);
	wr_mesh_keys(&other_root, &other_mesh);
	judge = wr_judge_new(&mesh, &own, PLACES, &secret);
	assert_non_null(judge);
	return 0;
}

static int end(void **state)
{
	(void)state;
	judge = wr_judge_free(judge);
	assert_null(wr_judge_free(NULL));
	return 0;
}

/* --- What is good. --- */

static void test_judge_tells_what_a_good_one_says(void **state)
{
	struct datagram datagram = knock_of(&mesh, 1, 5, 6);
	struct wr_ip ip = source_of(1);
	struct wr_knock knock;
	struct wr_key seed = seed_of(1), identity = wr_sign_public(&seed);

	(void)state;
	assert_int_equal(wr_judge_hear(judge, (struct wr_bytes){ datagram.bytes, WR_KNOCK_LEN },
				       &ip, at_ms(0), &knock),
			 WR_HEARD_GOOD);
	assert_true(wr_key_equal(&knock.identity, &identity));
	assert_int_equal(knock.flags, WR_KNOCK_ASKS);
	assert_int_equal(knock.port, 51820);
	assert_int_equal(knock.knock_port, 51821);
	assert_int_equal(knock.epoch, 5);
	assert_int_equal(knock.sequence, 6);
}

static void test_judge_knows_its_own(void **state)
{
	(void)state;
	assert_int_equal(hear(knock_of(&mesh, 0, 1, 1)), WR_HEARD_OWN);
	assert_int_equal(hear(knock_of(&mesh, 0, 1, 1)), WR_HEARD_OWN);
}

/* --- What is forged. --- */

static void test_judge_refuses_each_changed_byte(void **state)
{
	struct datagram good = knock_of(&mesh, 1, 1, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(good.bytes); i++) {
		struct datagram bad = good;
		enum wr_hearing wanted = i < 5    ? WR_HEARD_MALFORMED
					 : i < 6  ? WR_HEARD_FORGED
					 : i < 14 ? WR_HEARD_FOREIGN
						  : WR_HEARD_FORGED;

		bad.bytes[i] ^= 1;
		assert_int_equal(hear(bad), wanted);
	}
	assert_int_equal(hear(good), WR_HEARD_GOOD);
}

static void test_judge_refuses_other_lengths(void **state)
{
	struct datagram good = knock_of(&mesh, 1, 1, 1);
	struct wr_ip ip = source_of(1);
	struct wr_knock knock;
	uint8_t longer[WR_KNOCK_LEN + 1] = { 0 };

	(void)state;
	memcpy(longer, good.bytes, WR_KNOCK_LEN);
	for (size_t len = 0; len <= sizeof(longer); len++) {
		/* Of its own size, so that a sanitizer sees what is read past it. */
		uint8_t *exact = malloc(len ? len : 1);

		memcpy(exact, longer, len);
		if (len != WR_KNOCK_LEN)
			assert_int_equal(wr_judge_hear(judge, (struct wr_bytes){ exact, len }, &ip,
						       at_ms(0), &knock),
					 WR_HEARD_MALFORMED);
		free(exact);
	}
}

/* Of another mesh; and of somebody who knows our tag, which is public, but not the key. */
static void test_judge_refuses_who_has_another_secret(void **state)
{
	struct wr_mesh_keys stolen_tag = other_mesh;

	(void)state;
	memcpy(stolen_tag.tag, mesh.tag, sizeof(mesh.tag));
	assert_int_equal(hear(knock_of(&other_mesh, 1, 1, 1)), WR_HEARD_FOREIGN);
	assert_int_equal(hear(knock_of(&stolen_tag, 1, 1, 1)), WR_HEARD_FORGED);
	assert_int_equal(hear(knock_of(&mesh, 1, 1, 1)), WR_HEARD_GOOD);
}

/* A member that speaks in another's name has the key of the MAC, but cannot sign. What it forges
 * must not make the other's next knock a replay. */
static void test_judge_refuses_a_member_in_anothers_name(void **state)
{
	struct datagram forged = knock_of(&mesh, 1, 9, 9);
	struct wr_mac mac;

	(void)state;
	forged.bytes[WR_KNOCK_LEN - 16 - 1] ^= 1;
	mac = wr_mac16((struct wr_bytes){ mesh.mac.bytes, WR_KEY_LEN },
		       (struct wr_bytes){ forged.bytes, WR_KNOCK_LEN - 16 });
	memcpy(forged.bytes + WR_KNOCK_LEN - 16, mac.bytes, 16);
	assert_int_equal(hear(forged), WR_HEARD_FORGED);
	assert_int_equal(hear(knock_of(&mesh, 1, 1, 1)), WR_HEARD_GOOD);
}

/* --- What was heard before. --- */

static void test_judge_refuses_replays(void **state)
{
	static const struct {
		uint64_t epoch;
		uint32_t sequence;
		enum wr_hearing wanted;
	} cases[] = {
		{ 3, 500, WR_HEARD_GOOD },
		{ 3, 500, WR_HEARD_REPLAYED },
		{ 3, 501, WR_HEARD_GOOD },
		{ 2, 900, WR_HEARD_REPLAYED },
		/* Out of order, within the window. */
		{ 3, 504, WR_HEARD_GOOD },
		{ 3, 503, WR_HEARD_GOOD },
		{ 3, 503, WR_HEARD_REPLAYED },
		{ 3, 501, WR_HEARD_REPLAYED },
		{ 3, 441, WR_HEARD_GOOD },
		{ 3, 440, WR_HEARD_REPLAYED },
		/* A new start. */
		{ 4, 1, WR_HEARD_GOOD },
		{ 3, 505, WR_HEARD_REPLAYED },
		{ 4, 2, WR_HEARD_GOOD },
		{ 4, 1, WR_HEARD_REPLAYED },
		/* Far ahead: what is before is too old, or new. */
		{ 4, 1000, WR_HEARD_GOOD },
		{ 4, 3, WR_HEARD_REPLAYED },
		{ 4, 937, WR_HEARD_GOOD },
		{ 4, 1000, WR_HEARD_REPLAYED },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct datagram datagram = knock_of(&mesh, 1, cases[i].epoch, cases[i].sequence);

		assert_int_equal(hear_at(&datagram, 1, i * 1000), cases[i].wanted);
	}
}

/* --- How much. --- */

static unsigned count_good(unsigned count, unsigned sources, unsigned first_member, uint64_t ms)
{
	unsigned good = 0;

	for (unsigned i = 0; i < count; i++) {
		struct datagram datagram = knock_of(&mesh, first_member + i, 1, 1);
		enum wr_hearing hearing = hear_at(&datagram, i % sources, ms);

		assert_true(hearing == WR_HEARD_GOOD || hearing == WR_HEARD_LIMITED);
		good += hearing == WR_HEARD_GOOD;
	}
	return good;
}

static void test_judge_bounds_what_one_source_and_all_can_do(void **state)
{
	(void)state;
	assert_int_equal(count_good(100, 1, 1000, 0), 16);
	/* A second later. */
	assert_int_equal(count_good(100, 1, 2000, 1000), 16);
	assert_int_equal(count_good(500, 500, 3000, 3000), 200);
}

static void test_judge_counts_a_network_as_one_source(void **state)
{
	unsigned good = 0;

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		struct datagram datagram = knock_of(&mesh, 1 + i, 1, 1);
		struct wr_ip ip = { .family = WR_IPV6, .bytes = { 0xfe, 0x80, [15] = (uint8_t)i } };
		struct wr_knock knock;

		good += wr_judge_hear(judge, (struct wr_bytes){ datagram.bytes, WR_KNOCK_LEN }, &ip,
				      at_ms(0), &knock) == WR_HEARD_GOOD;
	}
	assert_int_equal(good, 16);
}

/* Who has no key can play back what he heard, from as many made-up sources as he likes, and forge;
 * members are heard nevertheless. */
static void test_judge_hears_members_in_a_strangers_flood(void **state)
{
	struct datagram heard = knock_of(&mesh, 1, 1, 1), forged = heard;

	(void)state;
	forged.bytes[20] ^= 1;
	assert_int_equal(hear(heard), WR_HEARD_GOOD);
	for (unsigned i = 0; i < 10000; i++) {
		assert_int_equal(hear_at(&heard, i, 0), WR_HEARD_REPLAYED);
		assert_int_equal(hear_at(&forged, i, 0), WR_HEARD_FORGED);
	}
	assert_int_equal(count_good(100, 100, 1000, 0), 100);
}

/* --- What is remembered. --- */

static struct wr_knock plain_knock(unsigned member, uint32_t sequence)
{
	struct wr_knock knock = { .epoch = 1, .sequence = sequence };

	memcpy(knock.identity.bytes, &member, sizeof(member));
	return knock;
}

static bool note(struct wr_known *known, unsigned member, uint32_t sequence)
{
	struct wr_knock knock = plain_knock(member, sequence);

	return wr_known_note(known, &knock);
}

static bool is_new(const struct wr_known *known, unsigned member, uint32_t sequence)
{
	struct wr_knock knock = plain_knock(member, sequence);

	return wr_known_is_new(known, &knock);
}

static void test_known_forgets_who_was_not_heard_for_longest(void **state)
{
	struct wr_known known;

	(void)state;
	wr_known_init(&known, 3, &secret);
	for (unsigned member = 1; member <= 3; member++)
		assert_true(note(&known, member, 7));
	assert_true(note(&known, 1, 8)); /* heard again: 2 is the longest unheard */
	assert_true(note(&known, 4, 7));
	assert_int_equal(wr_known_count(&known), 3);
	assert_false(is_new(&known, 1, 8));
	assert_true(is_new(&known, 1, 9));
	assert_true(is_new(&known, 2, 7));
	assert_false(is_new(&known, 3, 7));
	assert_false(is_new(&known, 4, 7));
	wr_known_done(&known);
}

/* A list that is searched from end to end, with all that was ever seen. */
#define NAIVE_MOST 20
#define NAIVE_SEQUENCES 2000

struct naive_place {
	unsigned member;
	size_t latest;
	bool seen[NAIVE_SEQUENCES];
};

struct naive {
	struct naive_place places[NAIVE_MOST]; /* the longest unheard first */
	size_t count;
};

static size_t naive_find(const struct naive *naive, unsigned member)
{
	size_t i = 0;

	while (i < naive->count && naive->places[i].member != member)
		i++;
	return i;
}

static bool naive_is_new(const struct naive *naive, unsigned member, size_t sequence)
{
	const struct naive_place *place = &naive->places[naive_find(naive, member)];

	return place == &naive->places[naive->count] ||
	       (!place->seen[sequence] && sequence + WR_KNOWN_WINDOW > place->latest);
}

static void naive_note(struct naive *naive, unsigned member, size_t sequence)
{
	struct naive_place noted = { .member = member };
	size_t at = naive_find(naive, member);

	if (at < naive->count)
		noted = naive->places[at];
	else if (naive->count == NAIVE_MOST)
		at = 0;
	if (at < naive->count) {
		memmove(&naive->places[at], &naive->places[at + 1],
			(naive->count - at - 1) * sizeof(naive->places[0]));
		naive->count--;
	}
	noted.seen[sequence] = true;
	noted.latest = sequence > noted.latest ? sequence : noted.latest;
	naive->places[naive->count++] = noted;
}

static void test_known_is_like_a_list(void **state)
{
	struct unit_random random = unit_random_start("known");
	static struct naive naive;
	struct wr_known known;
	unsigned noted = 0;

	(void)state;
	wr_known_init(&known, NAIVE_MOST, &secret);
	for (unsigned i = 0; i < 100000; i++) {
		unsigned member = (unsigned)unit_random_below(&random, 22);
		uint32_t sequence = 1 + i / 100 + (uint32_t)unit_random_below(&random, 100);
		bool wanted = naive_is_new(&naive, member, sequence);

		assert_int_equal(is_new(&known, member, sequence), wanted);
		if (!wanted)
			continue;
		assert_true(note(&known, member, sequence));
		naive_note(&naive, member, sequence);
		assert_int_equal(wr_known_count(&known), naive.count);
		noted++;
	}
	assert_in_range(noted, 10000, 90000);
	wr_known_done(&known);
}

/* --- When. --- */

static uint64_t pause_ms(unsigned step, size_t members, uint64_t random)
{
	return wr_pace_pause(step, members, random).ns / 1000000;
}

static void test_pace_is_quick_at_first_and_slow_at_last(void **state)
{
	static const struct {
		unsigned step;
		size_t members;
		uint64_t ms;
	} cases[] = {
		{ 0, 1, 250 },          { 1, 1, 250 },
		{ 2, 1, 500 },          { 3, 1, 1000 },
		{ 4, 1, 2000 },         { 8, 1, 32000 },
		{ 9, 1, 60000 },        { 4000000000, 1, 60000 },
		{ 50, 10, 60000 },      { 50, 50, 300000 },
		{ 50, 100, 600000 },    { 50, 1000, 600000 },
		{ 50, 10000, 6000000 }, { 0, 10000, 250 },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		uint64_t ms = cases[i].ms;

		assert_int_equal(pause_ms(cases[i].step, cases[i].members, 0), ms - ms / 4);
		assert_int_equal(pause_ms(cases[i].step, cases[i].members, ms / 2),
				 ms - ms / 4 + ms / 2);
		assert_int_equal(pause_ms(cases[i].step, cases[i].members, ms / 4), ms);
	}
}

static void test_pace_has_some_eight_answers(void **state)
{
	static const size_t sizes[] = { 1, 2, 8, 9, 50, 1000, 10000 };
	struct unit_random random = unit_random_start("answers");

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(sizes); i++) {
		size_t answers = 0, rounds = 1000000 / sizes[i];
		uint64_t longest = 0;

		for (size_t j = 0; j < rounds * sizes[i]; j++) {
			struct wr_span delay;

			if (!wr_pace_answers(sizes[i], unit_random_next(&random), &delay))
				continue;
			answers++;
			longest = delay.ns > longest ? delay.ns : longest;
		}
		if (sizes[i] <= 8) {
			assert_int_equal(answers, rounds * sizes[i]);
			assert_int_equal(longest, 0);
		} else {
			assert_in_range(answers, rounds * 7, rounds * 9);
			assert_in_range(longest, 180000000, 200000000);
		}
	}
}

static void test_answers_wait_for_their_time(void **state)
{
	static const uint64_t due_ms[] = { 30, 10, 20, 10 };
	struct wr_answers answers = { 0 };
	struct wr_endpoint to;

	(void)state;
	assert_true(wr_is_never(wr_answers_deadline(&answers)));
	assert_false(wr_answers_take(&answers, at_ms(1000), &to));
	for (size_t i = 0; i < WR_ARRAY_LEN(due_ms); i++)
		wr_answers_add(&answers, &(struct wr_answer){ .to.port = (uint16_t)(1 + i),
							      .due = at_ms(due_ms[i]) });
	assert_int_equal(wr_answers_deadline(&answers).ns, at_ms(10).ns);
	assert_false(wr_answers_take(&answers, at_ms(9), &to));
	assert_true(wr_answers_take(&answers, at_ms(10), &to));
	assert_int_equal(to.port, 2);
	assert_true(wr_answers_take(&answers, at_ms(10), &to));
	assert_int_equal(to.port, 4);
	assert_false(wr_answers_take(&answers, at_ms(10), &to));
	assert_int_equal(wr_answers_deadline(&answers).ns, at_ms(20).ns);
	/* No more than there is room for. */
	for (size_t i = 0; i < 1000; i++)
		wr_answers_add(&answers, &(struct wr_answer){ .due = at_ms(40) });
	assert_int_equal(answers.count, WR_ANSWERS_MAX);
	for (size_t i = 0; i < WR_ANSWERS_MAX; i++)
		assert_true(wr_answers_take(&answers, at_ms(40), &to));
	assert_int_equal(answers.count, 0);
}

static int start(void **state)
{
	(void)state;
	return wr_crypto_start();
}

#define JUDGE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		JUDGE_TEST(test_judge_tells_what_a_good_one_says),
		JUDGE_TEST(test_judge_knows_its_own),
		JUDGE_TEST(test_judge_refuses_each_changed_byte),
		JUDGE_TEST(test_judge_refuses_other_lengths),
		JUDGE_TEST(test_judge_refuses_who_has_another_secret),
		JUDGE_TEST(test_judge_refuses_a_member_in_anothers_name),
		JUDGE_TEST(test_judge_refuses_replays),
		JUDGE_TEST(test_judge_bounds_what_one_source_and_all_can_do),
		JUDGE_TEST(test_judge_counts_a_network_as_one_source),
		JUDGE_TEST(test_judge_hears_members_in_a_strangers_flood),
		cmocka_unit_test(test_known_forgets_who_was_not_heard_for_longest),
		cmocka_unit_test(test_known_is_like_a_list),
		cmocka_unit_test(test_pace_is_quick_at_first_and_slow_at_last),
		cmocka_unit_test(test_pace_has_some_eight_answers),
		cmocka_unit_test(test_answers_wait_for_their_time),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
