#include "server/diff.h"
#include "unit.h"

static void check(const char *from, const char *to, const char *wanted)
{
	char *text = wr_diff_unified("a", from, "b", to);

	assert_non_null(text);
	assert_string_equal(text, wanted);
	free(text);
}

static void test_diff_says_nothing_of_equal_texts(void **state)
{
	(void)state;
	check("", "", "");
	check("a\nb\n", "a\nb\n", "");
}

static void test_diff_shows_one_change_with_context(void **state)
{
	(void)state;
	check("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
	      "--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

static void test_diff_shows_distant_changes_apart(void **state)
{
	(void)state;
	check("a\n1\n2\n3\n4\n5\n6\n7\nz\n", "1\n2\n3\n4\n5\n6\n7\nz\ny\n",
	      "--- a\n+++ b\n@@ -1,4 +1,3 @@\n-a\n 1\n 2\n 3\n@@ -7,3 +6,4 @@\n 6\n 7\n z\n+y\n");
}

static void test_diff_shows_near_changes_together(void **state)
{
	(void)state;
	check("a\n1\n2\n3\n4\n5\nz\n", "1\n2\n3\n4\n5\nz\ny\n",
	      "--- a\n+++ b\n@@ -1,7 +1,7 @@\n-a\n 1\n 2\n 3\n 4\n 5\n z\n+y\n");
}

static void test_diff_writes_all_and_nothing(void **state)
{
	(void)state;
	check("", "a\nb\n", "--- a\n+++ b\n@@ -0,0 +1,2 @@\n+a\n+b\n");
	check("a\n", "", "--- a\n+++ b\n@@ -1 +0,0 @@\n-a\n");
}

static void test_diff_tells_of_a_missing_newline(void **state)
{
	(void)state;
	check("a", "a\n", "--- a\n+++ b\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n");
}

/* --- Against a naive twin. --- */

#define LINES 24

static size_t random_text(struct unit_random *random, char *text)
{
	size_t count = unit_random_below(random, LINES + 1);

	for (size_t i = 0; i < count; i++) {
		*text++ = (char)('a' + unit_random_below(random, 4));
		*text++ = '\n';
	}
	*text = '\0';
	return count;
}

/* Lines that both have in order, at most. */
static size_t common(const char *a, size_t n, const char *b, size_t m)
{
	size_t table[LINES + 1][LINES + 1] = { 0 };

	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			size_t best = table[i - 1][j] > table[i][j - 1] ? table[i - 1][j]
									: table[i][j - 1];

			if (a[2 * i - 2] == b[2 * j - 2] && table[i - 1][j - 1] + 1 > best)
				best = table[i - 1][j - 1] + 1;
			table[i][j] = best;
		}
	}
	return table[n][m];
}

/* Does what the diff says; returns how many lines were removed and added. */
static size_t apply(const char *from, const char *diff, char *to)
{
	size_t at = 0, changes = 0;
	const char *line = strchr(strchr(diff, '\n') + 1, '\n') + 1;

	for (; *line; line = strchr(line, '\n') + 1) {
		unsigned long first, count = 1;

		if (*line == '@') {
			char *end;

			first = strtoul(line + 4, &end, 10);
			if (*end == ',')
				count = strtoul(end + 1, NULL, 10);
			first -= count ? 1 : 0;
			for (; at < first; at++, to += 2)
				memcpy(to, from + 2 * at, 2);
			continue;
		}
		changes += *line != ' ';
		if (*line != '+')
			assert_int_equal(from[2 * at++], line[1]);
		if (*line != '-') {
			memcpy(to, line + 1, 2);
			to += 2;
		}
	}
	strcpy(to, from + 2 * at);
	return changes;
}

static void test_diff_is_right_and_shortest(void **state)
{
	struct unit_random random = unit_random_start("diff");
	char from[2 * LINES + 1], to[2 * LINES + 1], again[4 * LINES + 1];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		size_t n = random_text(&random, from), m = random_text(&random, to);
		char *diff = wr_diff_unified("a", from, "b", to);

		assert_non_null(diff);
		if (*diff) {
			size_t changes = apply(from, diff, again);

			assert_string_equal(again, to);
			assert_int_equal(changes, n + m - 2 * common(from, n, to, m));
		} else {
			assert_string_equal(from, to);
		}
		free(diff);
	}
}

static void test_diff_replaces_what_has_nothing_in_common(void **state)
{
	enum {
		MANY = 5000
	};
	char *from = calloc(MANY, 8), *to = calloc(MANY, 8), *diff;
	size_t lines = 0;

	(void)state;
	assert_true(from && to);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(from + 6 * i, 7, "a%04u\n", i);
		snprintf(to + 6 * i, 7, "b%04u\n", i);
	}
	diff = wr_diff_unified("a", from, "b", to);
	assert_non_null(diff);
	for (const char *at = diff; *at; at++)
		lines += *at == '\n';
	assert_int_equal(lines, 3 + 2 * MANY);
	free(diff);
	free(from);
	free(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diff_says_nothing_of_equal_texts),
		cmocka_unit_test(test_diff_shows_one_change_with_context),
		cmocka_unit_test(test_diff_shows_distant_changes_apart),
		cmocka_unit_test(test_diff_shows_near_changes_together),
		cmocka_unit_test(test_diff_writes_all_and_nothing),
		cmocka_unit_test(test_diff_tells_of_a_missing_newline),
		cmocka_unit_test(test_diff_is_right_and_shortest),
		cmocka_unit_test(test_diff_replaces_what_has_nothing_in_common),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
