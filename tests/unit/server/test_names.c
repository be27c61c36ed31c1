#include "server/names.h"
#include "unit.h"

/* --- Names. --- */

static const struct {
	const char *title, *name;
	bool is_good;
} names[] = {
	{ "one letter", "a", true },
	{ "a space within", "branch mumbai", true },
	{ "quotes and shell characters", "a\"b'c;$(rm -rf /)`|&<>\\*?", true },
	{ "a path", "../../etc/passwd", true },
	{ "Devanagari", "\u092e\u0941\u0902\u092c\u0908", true },
	{ "Arabic", "\u0645\u0643\u062a\u0628", true },
	{ "Chinese", "\u4e0a\u6d77", true },
	{ "emoji of several code points", "\U0001f469\u200d\U0001f680", true },
	{ "a combining mark", "e\u0301", true },
	{ "63 code points of four bytes",
	  "\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400"
	  "\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400"
	  "\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400"
	  "\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400"
	  "\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400"
	  "\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400"
	  "\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400"
	  "\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400\U00010400",
	  true },
	{ "64 letters", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
	{ "63 letters", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true },
	{ "nothing", "", false },
	{ "a space before", " a", false },
	{ "a space behind", "a ", false },
	{ "a no-break space behind", "a\u00a0", false },
	{ "an ideographic space before", "\u3000a", false },
	{ "a newline", "a\nb", false },
	{ "a tab", "a\tb", false },
	{ "escape", "a\033[31mb", false },
	{ "delete", "a\177b", false },
	{ "C1: next line",
	  "a\xc2\x85"
	  "b",
	  false },
	{ "line separator", "a\u2028b", false },
	{ "right-to-left override", "a\u202eb", false },
	{ "left-to-right isolate", "a\u2066b", false },
	{ "right-to-left mark", "a\u200fb", false },
	{ "only a zero-width space", "\u200b", false },
	{ "only a combining mark", "\u0301", false },
	{ "a noncharacter", "a\ufffeb", false },
	{ "a lone continuation byte", "a\x80", false },
	{ "an overlong slash", "a\xc0\xaf", false },
	{ "a surrogate", "a\xed\xa0\x80", false },
	{ "a sequence cut short", "a\xe4\xb8", false },
};

static void test_names_tells_good_from_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(names); i++) {
		const char *fault = wr_name_fault(names[i].name, strlen(names[i].name));

		if (!fault != names[i].is_good)
			fail_msg("%s: %s", names[i].title, fault ? fault : "was taken");
	}
}

static void test_names_refuses_a_zero_byte(void **state)
{
	(void)state;
	assert_non_null(wr_name_fault("a\0b", 3));
}

/* --- Labels. --- */

static const struct {
	const char *name, *label;
} labels[] = {
	{ "branch-mumbai", "branch-mumbai" },
	{ "Branch Mumbai", "branch-mumbai" },
	{ "  ", "machine" },
	{ "--a--b--", "a-b" },
	{ "a_b.c/d", "a-b-c-d" },
	{ "../../etc/passwd", "etc-passwd" },
	{ "\U0001f680", "machine" },
	{ "rocket \U0001f680 lab", "rocket-lab" },
	{ "xn--fake", "xn-fake" },
	{ "ab--cd", "ab-cd" },
	/* RFC 3492 and UTS 46: what resolvers make of the typed name. */
	{ "B\u00fcro", "xn--bro-hoa" },
	{ "b\u00fccher", "xn--bcher-kva" },
	{ "BU\u0308CHER", "xn--bcher-kva" },
	{ "\u4e0a\u6d77", "xn--fhqz97e" },
	{ "\u041c\u043e\u0441\u043a\u0432\u0430", "xn--80adxhks" },
	/* Full-width letters are the letters (NFKC). */
	{ "\uff21\uff22\uff23", "abc" },
	/* RFC 5893: digits alone are no label that is read from the right. */
	{ "\u0661\u0662", "machine" },
};

static void test_names_makes_labels(void **state)
{
	char label[WR_LABEL_LEN + 1];

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(labels); i++) {
		wr_label_make(labels[i].name, "machine", 0, label);
		if (strcmp(label, labels[i].label) != 0)
			fail_msg("\"%s\": %s, not %s", labels[i].name, label, labels[i].label);
	}
}

static void test_names_puts_numbers_into_the_label(void **state)
{
	char label[WR_LABEL_LEN + 1], long_name[WR_NAME_POINTS + 1];

	(void)state;
	wr_label_make("web", "machine", 12, label);
	assert_string_equal(label, "web-12");
	/* B\u00fcro-2 as a whole, not the ASCII form with something behind. */
	wr_label_make("B\u00fcro", "machine", 2, label);
	assert_string_equal(label, "xn--bro-2-kva");
	memset(long_name, 'a', WR_NAME_POINTS);
	long_name[WR_NAME_POINTS] = '\0';
	wr_label_make(long_name, "machine", 10, label);
	assert_int_equal(strlen(label), WR_LABEL_LEN);
	assert_string_equal(label + WR_LABEL_LEN - 4, "a-10");
}

/* Whatever comes, a label comes of it. */
static void test_names_makes_labels_of_anything(void **state)
{
	struct unit_random random = unit_random_start("names");
	char label[WR_LABEL_LEN + 1];

	(void)state;
	for (unsigned i = 0; i < unit_runs(5000); i++) {
		char name[WR_NAME_LEN + 1];
		size_t len = 0;

		for (size_t points = 1 + unit_random_below(&random, 63); points; points--) {
			uint32_t point = (uint32_t)unit_random_below(
				&random, unit_random_below(&random, 4) ? 0x800 : 0x11000);

			if (point < 0x20 || (point >= 0xd800 && point < 0xe000))
				continue;
			if (point < 0x80) {
				name[len++] = (char)point;
			} else if (point < 0x800) {
				name[len++] = (char)(0xc0 | point >> 6);
				name[len++] = (char)(0x80 | (point & 63));
			} else if (point < 0x10000) {
				name[len++] = (char)(0xe0 | point >> 12);
				name[len++] = (char)(0x80 | (point >> 6 & 63));
				name[len++] = (char)(0x80 | (point & 63));
			} else {
				name[len++] = (char)(0xf0 | point >> 18);
				name[len++] = (char)(0x80 | (point >> 12 & 63));
				name[len++] = (char)(0x80 | (point >> 6 & 63));
				name[len++] = (char)(0x80 | (point & 63));
			}
		}
		name[len] = '\0';
		wr_label_make(name, "machine", unit_random_next(&random) >> 32, label);
		if (!wr_label_is_good(label, strlen(label)))
			fail_msg("\"%s\" became \"%s\"", name, label);
	}
}

static const struct {
	const char *label;
	bool is_good;
} good_labels[] = {
	{ "a", true },    { "a-b", true },  { "1", true },    { "xn--bro-hoa", true },
	{ "", false },    { "-a", false },  { "a-", false },  { "A", false },
	{ "a.b", false }, { "a_b", false }, { "a b", false }, { "\u00fc", false },
};

static void test_names_tells_labels(void **state)
{
	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(good_labels); i++)
		assert_int_equal(wr_label_is_good(good_labels[i].label,
						  strlen(good_labels[i].label)),
				 good_labels[i].is_good);
}

/* --- One that is new. --- */

struct taken {
	char (*labels)[WR_LABEL_LEN + 1];
	size_t count, asked;
};

static int is_taken(void *context, const char *label)
{
	struct taken *taken = context;

	taken->asked++;
	for (size_t i = 0; i < taken->count; i++) {
		if (strcmp(taken->labels[i], label) == 0)
			return 1;
	}
	return 0;
}

static void choose(struct taken *taken, const char *name, char label[WR_LABEL_LEN + 1])
{
	taken->asked = 0;
	assert_int_equal(wr_label_choose(name, "machine", is_taken, taken, label), 0);
	assert_int_equal(is_taken(taken, label), 0);
}

static void test_names_gives_the_lowest_number_that_is_free(void **state)
{
	char labels_taken[][WR_LABEL_LEN + 1] = { "web", "web-2", "web-4" };
	struct taken taken = { labels_taken, WR_ARRAY_LEN(labels_taken), 0 };
	char label[WR_LABEL_LEN + 1];

	(void)state;
	choose(&taken, "Web", label);
	assert_string_equal(label, "web-3");
	choose(&taken, "web 2", label);
	assert_string_equal(label, "web-2-2");
}

static void test_names_finds_a_new_label_among_many_without_asking_for_each(void **state)
{
	enum {
		MANY = 1000
	};
	struct taken taken = { calloc(MANY, WR_LABEL_LEN + 1), 0, 0 };

	(void)state;
	assert_non_null(taken.labels);
	while (taken.count < MANY) {
		choose(&taken, "phone", taken.labels[taken.count]);
		assert_true(taken.asked < 50);
		taken.count++;
	}
	free(taken.labels);
}

static int fails(void *context, const char *label)
{
	(void)context;
	(void)label;
	return -5;
}

static void test_names_passes_failures_on(void **state)
{
	char label[WR_LABEL_LEN + 1];

	(void)state;
	assert_int_equal(wr_label_choose("a", "machine", fails, NULL, label), -5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_tells_good_from_bad),
		cmocka_unit_test(test_names_refuses_a_zero_byte),
		cmocka_unit_test(test_names_makes_labels),
		cmocka_unit_test(test_names_puts_numbers_into_the_label),
		cmocka_unit_test(test_names_makes_labels_of_anything),
		cmocka_unit_test(test_names_tells_labels),
		cmocka_unit_test(test_names_gives_the_lowest_number_that_is_free),
		cmocka_unit_test(test_names_finds_a_new_label_among_many_without_asking_for_each),
		cmocka_unit_test(test_names_passes_failures_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
