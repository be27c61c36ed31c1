#include "wire/frame.h"

#include "unit.h"

/* docs/mesh.md, "Frames", byte for byte. */
static const uint8_t known[] = {
	'G',  1,                                                             /* */
	1,    0,    0,    0,    7,                                           /* probe 7 */
	4,    0,    0,    0,    8,    1,    2,    3,    4,    5,    6, 7, 8, /* ask 8 for a key */
	5,                                                                   /* who */
	6,    1,    0,    0,    0,    9,    0,    2,    0xaa, 0xbb, /* an item, gone for 9 s */
	7,    2,                                                    /* have two */
	0,    0,    0,    0,    0,    0,    0,    1,    0,    0,    0, 2, /* */
	0,    0,    0,    0,    0,    0,    0,    3,    0,    0,    0, 4, /* */
	11,   1,                                                          /* one is dead */
	0,    0,    0,    0,    0,    0,    0,    1,    0,    0,    0, 3, /* */
	0,    0,    0,    5,                                              /* for 5 s */
	12,   0,    0,    0,    0,    0,    0,    0,    0,    2,          /* two ranges from 0 */
	0,    0,    0,    0,    0,    0,    0,    9,    0,    0,    0, 0, 0, 0, 0, 6, 0, 0,
	0,    1,                                                                            /* */
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,                                     /* */
	0,    0,    0,    0,    0,    0,    0,    7,    0,    0,    0, 2,                   /* */
	13,   0,    0,    0,    0,    0,    0,    0,    1,    0,    0, 0, 0, 0, 0, 0, 9, 1, /* */
	0,    0,    0,    0,    0,    0,    0,    5,    0,    0,    0, 4,
};

static void test_frame_writes_what_is_known(void **state)
{
	static const uint8_t item[] = { 0xaa, 0xbb };
	struct wr_frame_range ranges[] = { { 0, 9, 6, 1 }, { 10, UINT64_MAX, 7, 2 } };
	struct wr_frame_mark listed = { 5, 4 };
	struct wr_frame_writer writer;

	(void)state;
	wr_frame_begin(&writer);
	assert_true(wr_frame_is_empty(&writer));
	assert_true(wr_frame_add_sequence(&writer, WR_FRAME_PROBE, 7));
	assert_true(wr_frame_add_ask(&writer, 8, UINT64_C(0x0102030405060708)));
	assert_true(wr_frame_add_who(&writer));
	assert_true(wr_frame_add_item(&writer, true, 9, (struct wr_bytes){ item, 2 }));
	assert_true(wr_frame_add_mark(&writer, WR_FRAME_HAVE, (struct wr_frame_mark){ 1, 2 }));
	assert_true(wr_frame_add_mark(&writer, WR_FRAME_HAVE, (struct wr_frame_mark){ 3, 4 }));
	assert_true(wr_frame_add_death(&writer, (struct wr_frame_death){ { 1, 3 }, 5 }));
	assert_true(wr_frame_add_ranges(&writer, ranges, 2));
	assert_true(wr_frame_add_list(&writer, 1, 9, &listed, 1));
	assert_int_equal(writer.len, sizeof(known));
	assert_memory_equal(writer.bytes, known, sizeof(known));
}

static void test_frame_reads_what_is_known(void **state)
{
	struct wr_bytes frame = { known, sizeof(known) };
	struct wr_reader reader = wr_frame_parts(frame);
	struct wr_frame_part part;

	(void)state;
	assert_true(wr_frame_check(frame));
	assert_true(wr_frame_next(&reader, &part));
	assert_int_equal(part.kind, WR_FRAME_PROBE);
	assert_int_equal(part.sequence, 7);
	assert_true(wr_frame_next(&reader, &part));
	assert_int_equal(part.key, UINT64_C(0x0102030405060708));
	assert_true(wr_frame_next(&reader, &part));
	assert_true(wr_frame_next(&reader, &part));
	assert_true(part.is_gone);
	assert_int_equal(part.age, 9);
	assert_int_equal(part.item.len, 2);
	assert_true(wr_frame_next(&reader, &part));
	assert_int_equal(part.count, 2);
	assert_int_equal(wr_frame_mark(&part, 1).key, 3);
	assert_true(wr_frame_next(&reader, &part));
	assert_int_equal(wr_frame_death(&part, 0).age, 5);
	assert_true(wr_frame_next(&reader, &part));
	assert_int_equal(wr_frame_range(&part, 1).first, 10);
	assert_int_equal(wr_frame_range(&part, 1).items, 2);
	assert_true(wr_frame_next(&reader, &part));
	assert_int_equal(part.last, 9);
	assert_int_equal(wr_frame_mark(&part, 0).print, 4);
	assert_false(wr_frame_next(&reader, &part));
}

/* Each shorter one ends within a part, or is a frame of fewer parts. */
static void test_frame_cut_short_is_refused_or_less(void **state)
{
	unsigned good = 0;

	(void)state;
	for (size_t len = 0; len < sizeof(known); len++)
		good += wr_frame_check((struct wr_bytes){ known, len });
	assert_int_equal(good, 7);
}

static void test_frame_refuses_what_is_odd(void **state)
{
	static const struct {
		const char *name;
		uint8_t len, bytes[48];
	} cases[] = {
		{ "another letter", 7, { 'H', 1, 1, 0, 0, 0, 7 } },
		{ "another version", 7, { 'G', 2, 1, 0, 0, 0, 7 } },
		{ "no part", 2, { 'G', 1 } },
		{ "kind 0", 3, { 'G', 1, 0 } },
		{ "kind 14", 3, { 'G', 1, 14 } },
		{ "no marks", 4, { 'G', 1, 7, 0 } },
		{ "a living item with an age", 11, { 'G', 1, 6, 0, 0, 0, 0, 1, 0, 1, 9 } },
		{ "an item of no bytes", 10, { 'G', 1, 6, 0, 0, 0, 0, 0, 0, 0 } },
		{ "state 2", 11, { 'G', 1, 6, 2, 0, 0, 0, 0, 0, 1, 9 } },
		{ "a list that ends before it begins", 20, { 'G', 1, 13, 0, 0, 0, 0, 0, 0, 0, 2 } },
		{ "a listed key outside", 32, { 'G', 1, 13, [18] = 9, 1, [27] = 10 } },
		{ "a range that ends before it begins", 32, { 'G', 1, 12, [10] = 2, 1 } },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++)
		if (wr_frame_check((struct wr_bytes){ cases[i].bytes, cases[i].len }))
			fail_msg("%s", cases[i].name);
}

static void test_frame_holds_no_more_than_it_may(void **state)
{
	struct wr_frame_writer writer;
	unsigned marks = 0;

	(void)state;
	wr_frame_begin(&writer);
	while (wr_frame_add_mark(&writer, WR_FRAME_WANT, (struct wr_frame_mark){ marks, 1 }))
		marks++;
	assert_int_equal(marks, (WR_FRAME_MAX_LEN - 4) / 12);
	assert_true(writer.len <= WR_FRAME_MAX_LEN);
	assert_true(wr_frame_check((struct wr_bytes){ writer.bytes, writer.len }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame_writes_what_is_known),
		cmocka_unit_test(test_frame_reads_what_is_known),
		cmocka_unit_test(test_frame_cut_short_is_refused_or_less),
		cmocka_unit_test(test_frame_refuses_what_is_odd),
		cmocka_unit_test(test_frame_holds_no_more_than_it_may),
	};

	return cmocka_run_group_tests_name("wire frame", tests, NULL, NULL);
}
