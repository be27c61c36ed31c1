#include "crowd.h"

#include "crypto/sign.h"

/* What a member that means harm, and who is none, can do: little. */

#define HOSTILE 4

static struct wr_frame_mark mark_of(struct crowd *crowd, unsigned i)
{
	uint8_t bytes[WR_ITEM_MAX_LEN];
	size_t len = crowd_record(crowd, i, crowd->members[i].version, 0, bytes);
	struct wr_gossip_blob *blob = wr_gossip_blob_new((struct wr_bytes){ bytes, len });
	struct wr_frame_mark mark;

	assert_non_null(blob);
	mark = (struct wr_frame_mark){ blob->key, (uint32_t)(blob->digest >> 32) & ~1u };
	wr_gossip_blob_unref(blob);
	return mark;
}

static struct crowd *settled(unsigned count)
{
	struct crowd *crowd = crowd_new(count);

	crowd_gather(crowd);
	assert_true(crowd_settles(crowd, count, 5000));
	crowd_run(crowd, 10000);
	return crowd;
}

static struct wr_bytes bytes_of(const struct wr_frame_writer *writer)
{
	return (struct wr_bytes){ writer->bytes, writer->len };
}

/* "It is dead", told to everybody, again and again. */
static void test_gossip_one_that_is_called_dead_objects(void **state)
{
	struct crowd *crowd = settled(20);

	(void)state;
	for (unsigned round = 0; round < 50; round++) {
		struct wr_frame_mark mark = mark_of(crowd, 7);
		struct wr_frame_writer frame;

		wr_frame_begin(&frame);
		mark.print |= WR_FRAME_PRINT_DEAD;
		assert_true(wr_frame_add_death(&frame, (struct wr_frame_death){ mark, 1 }));
		for (unsigned to = 0; to < 20; to++)
			if (to != 7 && to != HOSTILE)
				crowd_inject(crowd, HOSTILE, to, bytes_of(&frame));
		crowd_run(crowd, 1000);
		for (unsigned i = 0; i < 20; i++)
			assert_true(crowd_status(crowd, i, 7) <= WR_GOSSIP_SUSPECT);
	}
	assert_true(crowd->members[7].renewals > 0);
	assert_true(crowd_settles(crowd, 20, 5000));
	crowd_free(crowd);
}

static void test_gossip_nobody_dies_by_one_accuser_s_repetition(void **state)
{
	struct crowd *crowd = settled(20);
	struct wr_frame_mark mark = mark_of(crowd, 7);
	struct wr_frame_writer frame;

	(void)state;
	wr_frame_begin(&frame);
	assert_true(wr_frame_add_mark(&frame, WR_FRAME_SUSPECT, mark));
	for (unsigned i = 0; i < 1000; i++)
		crowd_inject(crowd, HOSTILE, 2, bytes_of(&frame));
	assert_int_equal(crowd_look(crowd, 2).died, 0);
	assert_true(crowd_settles(crowd, 20, 5000));
	assert_int_equal(crowd_look(crowd, 2).died, 0);
	crowd_free(crowd);
}

/* Probes, and favours that were asked of the liar: by whom, and under which number. */
static struct {
	unsigned from;
	uint32_t sequence;
} asked[64];
static unsigned asked_count;

static void note_probes(struct crowd *crowd, unsigned from, unsigned to, struct wr_bytes frame)
{
	struct wr_reader reader = wr_frame_parts(frame);
	struct wr_frame_part part;

	(void)crowd;
	while (to == HOSTILE && wr_frame_next(&reader, &part))
		if ((part.kind == WR_FRAME_ASK || part.kind == WR_FRAME_PROBE) &&
		    asked_count < WR_ARRAY_LEN(asked)) {
			asked[asked_count].from = from;
			asked[asked_count++].sequence = part.sequence;
		}
}

static void lie(struct crowd *crowd)
{
	for (unsigned i = 0; i < asked_count; i++) {
		struct wr_frame_writer frame;

		wr_frame_begin(&frame);
		assert_true(wr_frame_add_sequence(&frame, WR_FRAME_ACK, asked[i].sequence));
		crowd_inject(crowd, HOSTILE, asked[i].from, bytes_of(&frame));
	}
	asked_count = 0;
}

/* "It answers me", says the only other one, always. */
static void test_gossip_nobody_keeps_the_dead_alive(void **state)
{
	struct crowd *crowd = settled(5);

	(void)state;
	for (unsigned i = 1; i < HOSTILE; i += 2) {
		crowd_put(crowd, i, 1000, WR_RECORD_LEFT);
		crowd_run(crowd, 1000);
		crowd_kill(crowd, i);
	}
	crowd_kill(crowd, 2);
	crowd->members[HOSTILE].is_deaf = true; /* what it says is said here */
	crowd->tap = note_probes;
	asked_count = 0;
	for (unsigned passed = 0; passed < 150000; passed += 20) {
		crowd_run(crowd, 20);
		lie(crowd);
	}
	assert_int_equal(crowd_status(crowd, 0, 2), WR_GOSSIP_DEAD);
	crowd_free(crowd);
}

static unsigned records_told;

static void count_records(struct crowd *crowd, unsigned from, unsigned to, struct wr_bytes frame)
{
	struct wr_reader reader = wr_frame_parts(frame);
	struct wr_frame_part part;

	(void)crowd;
	while (from == 2 && to == HOSTILE && wr_frame_next(&reader, &part))
		records_told += part.kind == WR_FRAME_ITEM;
}

static unsigned wants_told;

static void count_wants(struct crowd *crowd, unsigned from, unsigned to, struct wr_bytes frame)
{
	struct wr_reader reader = wr_frame_parts(frame);
	struct wr_frame_part part;

	(void)crowd;
	(void)to;
	while (from == 2 && wr_frame_next(&reader, &part))
		wants_told += part.kind == WR_FRAME_WANT;
}

/* Who said that it has another record, and has the same, says so: it is not asked again. */
static void test_gossip_what_all_have_is_asked_for_once(void **state)
{
	struct crowd *crowd = settled(10);
	struct wr_frame_mark mark = mark_of(crowd, 7);
	struct wr_frame_writer frame;

	(void)state;
	crowd_put(crowd, 7, crowd->members[7].version + 1, 0);
	crowd_run(crowd, 5000);
	wants_told = 0;
	crowd->tap = count_wants;
	wr_frame_begin(&frame);
	assert_true(wr_frame_add_mark(&frame, WR_FRAME_HAVE, mark));
	crowd_inject(crowd, HOSTILE, 2, bytes_of(&frame));
	crowd_run(crowd, 15000);
	assert_int_equal(wants_told, 1);
	crowd_free(crowd);
}

/* Who has not heard of an objection is told it when it asks. */
static void test_gossip_an_old_doubt_is_answered_with_the_objection(void **state)
{
	struct crowd *crowd = settled(10);
	struct wr_frame_mark mark = mark_of(crowd, 7);
	struct wr_frame_writer frame;

	(void)state;
	crowd_put(crowd, 7, crowd->members[7].version + 1, 0);
	crowd_run(crowd, 5000);
	records_told = 0;
	crowd->tap = count_records;
	wr_frame_begin(&frame);
	assert_true(wr_frame_add_mark(&frame, WR_FRAME_SUSPECT, mark));
	crowd_inject(crowd, HOSTILE, 2, bytes_of(&frame));
	assert_int_equal(records_told, 1);
	assert_int_equal(crowd_status(crowd, 2, 7), WR_GOSSIP_ALIVE);
	crowd_free(crowd);
}

static unsigned told;

static void count_frames(struct crowd *crowd, unsigned from, unsigned to, struct wr_bytes frame)
{
	(void)crowd;
	(void)frame;
	told += from == 2 && to == HOSTILE;
}

/* A frame that wants everything is answered by eight or so. */
static void test_gossip_much_is_not_had_for_little(void **state)
{
	struct crowd *crowd = settled(120);
	struct wr_frame_writer frame;

	(void)state;
	wr_frame_begin(&frame);
	for (unsigned i = 0; i < 90; i++)
		assert_true(
			wr_frame_add_mark(&frame, WR_FRAME_WANT,
					  (struct wr_frame_mark){ mark_of(crowd, i + 10).key, 0 }));
	told = 0;
	crowd->tap = count_frames;
	crowd_inject(crowd, HOSTILE, 2, bytes_of(&frame));
	crowd_run(crowd, 400);
	assert_in_range(told, 1, 12);
	crowd_free(crowd);
}

static void test_gossip_who_is_not_admitted_hears_nothing(void **state)
{
	struct crowd *crowd = crowd_new(10);
	struct wr_frame_writer frame;
	uint64_t before;

	(void)state;
	crowd->members[HOSTILE].is_unadmitted = true;
	for (unsigned i = 0; i < 10; i++)
		if (i != HOSTILE) {
			crowd_start(crowd, i);
			if (i)
				crowd_meet(crowd, i, 0);
		}
	assert_true(crowd_settles(crowd, 9, 5000));
	told = 0;
	before = crowd_look(crowd, 2).unadmitted; /* frames that were faster than records */
	crowd->tap = count_frames;
	wr_frame_begin(&frame);
	assert_true(wr_frame_add_sequence(&frame, WR_FRAME_PROBE, 1));
	assert_true(wr_frame_add_mark(&frame, WR_FRAME_SUSPECT, mark_of(crowd, 7)));
	for (unsigned i = 0; i < 100; i++)
		crowd_inject(crowd, HOSTILE, 2, bytes_of(&frame));
	crowd_run(crowd, 5000);
	assert_int_equal(told, 0);
	assert_int_equal(crowd_look(crowd, 2).unadmitted - before, 100);
	assert_int_equal(crowd_look(crowd, 2).suspected, 0);
	assert_int_equal(crowd_look(crowd, 2).members, 9);
	crowd_free(crowd);
}

/* Its record waits until it is admitted. */
static void test_gossip_who_is_admitted_later_is_a_member_then(void **state)
{
	struct crowd *crowd = crowd_new(10);

	(void)state;
	crowd->members[HOSTILE].is_unadmitted = true;
	crowd_gather(crowd);
	crowd_run(crowd, 2000);
	assert_int_equal(crowd_look(crowd, 2).alive, 9);
	crowd->members[HOSTILE].is_unadmitted = false;
	for (unsigned i = 0; i < 10; i++)
		wr_gossip_review(crowd->members[i].gossip, crowd_now(crowd));
	assert_true(crowd_settles(crowd, 10, 5000));
	crowd_free(crowd);
}

static void test_gossip_who_is_shut_out_is_no_member(void **state)
{
	struct crowd *crowd = settled(10);

	(void)state;
	crowd->members[HOSTILE].is_unadmitted = true;
	for (unsigned i = 0; i < 10; i++)
		wr_gossip_review(crowd->members[i].gossip, crowd_now(crowd));
	crowd_kill(crowd, HOSTILE);
	assert_true(crowd_settles(crowd, 9, 5000));
	assert_int_equal(crowd_status(crowd, 1, HOSTILE), WR_GOSSIP_SHUT_OUT);
	crowd_free(crowd);
}

/* A record that its signature does not fit is refused, whoever brings it. */
static void test_gossip_forged_records_are_refused(void **state)
{
	struct crowd *crowd = settled(10);
	uint8_t bytes[WR_ITEM_MAX_LEN];
	size_t len = crowd_record(crowd, 7, 99, WR_RECORD_LEFT, bytes);
	struct wr_frame_writer frame;

	(void)state;
	bytes[len - 1] ^= 1;
	wr_frame_begin(&frame);
	assert_true(wr_frame_add_item(&frame, false, 0, (struct wr_bytes){ bytes, len }));
	crowd_inject(crowd, HOSTILE, 2, bytes_of(&frame));
	assert_int_equal(crowd_look(crowd, 2).refused, 1);
	assert_int_equal(crowd_status(crowd, 2, 7), WR_GOSSIP_ALIVE);
	crowd_free(crowd);
}

/* A copied disk: two with one key. Both stay below nobody for long, and the mesh agrees. */
static void test_gossip_own_record_from_elsewhere_is_overtaken(void **state)
{
	struct crowd *crowd = settled(10);
	uint8_t bytes[WR_ITEM_MAX_LEN];
	size_t len = crowd_record(crowd, 7, 77, 0, bytes);
	struct wr_frame_writer frame;

	(void)state;
	wr_frame_begin(&frame);
	assert_true(wr_frame_add_item(&frame, false, 0, (struct wr_bytes){ bytes, len }));
	crowd_inject(crowd, HOSTILE, 2, bytes_of(&frame));
	assert_true(crowd_settles(crowd, 10, 5000));
	crowd_run(crowd, 3000);
	assert_true(crowd->members[7].version > 77);
	assert_true(crowd_settles(crowd, 10, 1000));
	crowd_free(crowd);
}

static void test_gossip_budget_holds(void **state)
{
	struct crowd *crowd = crowd_new(60);
	uint64_t before;

	(void)state;
	crowd->timing.bytes_per_second = 8192;
	crowd_gather(crowd);
	crowd_run(crowd, 60000);
	assert_true(crowd_settles(crowd, 60, 60000));
	before = crowd->members[0].sent;
	crowd_run(crowd, 10000);
	assert_true(crowd->members[0].sent - before < 10 * 8192);
	crowd_free(crowd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gossip_one_that_is_called_dead_objects),
		cmocka_unit_test(test_gossip_nobody_dies_by_one_accuser_s_repetition),
		cmocka_unit_test(test_gossip_nobody_keeps_the_dead_alive),
		cmocka_unit_test(test_gossip_what_all_have_is_asked_for_once),
		cmocka_unit_test(test_gossip_an_old_doubt_is_answered_with_the_objection),
		cmocka_unit_test(test_gossip_much_is_not_had_for_little),
		cmocka_unit_test(test_gossip_who_is_not_admitted_hears_nothing),
		cmocka_unit_test(test_gossip_who_is_admitted_later_is_a_member_then),
		cmocka_unit_test(test_gossip_who_is_shut_out_is_no_member),
		cmocka_unit_test(test_gossip_forged_records_are_refused),
		cmocka_unit_test(test_gossip_own_record_from_elsewhere_is_overtaken),
		cmocka_unit_test(test_gossip_budget_holds),
	};

	return cmocka_run_group_tests_name("gossip hostile", tests, NULL, NULL);
}
