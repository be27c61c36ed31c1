#include "base/log.h"

#include <errno.h>
#include <unistd.h>

#include "unit.h"

/* What `write_it` leaves on standard error. */
static size_t captured(void (*write_it)(void), char *ret, size_t size)
{
	int saved = dup(STDERR_FILENO);
	int ends[2];
	ssize_t len;

	assert_int_equal(pipe(ends), 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	write_it();
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	close(ends[1]);
	len = read(ends[0], ret, size - 1);
	close(ends[0]);
	assert_true(len >= 0);
	ret[len] = '\0';
	return (size_t)len;
}

static void write_both(void)
{
	wr_log_error("event=%s", "failed");
	wr_log_verbose("event=%d", 7);
}

static void write_long(void)
{
	char text[5000];

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	wr_log_error("%s", text);
}

static void test_log_writes_what_its_level_allows(void **state)
{
	static const struct {
		const char *level;
		const char *want;
	} cases[] = {
		{ "silent", "" },
		{ "error", "(wg0) event=failed\n" },
		{ "verbose", "(wg0) event=failed\n(wg0) event=7\n" },
		{ "debug", "(wg0) event=failed\n(wg0) event=7\n" },
		{ "nonsense", "(wg0) event=failed\n" },
		{ NULL, "(wg0) event=failed\n" },
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		enum wr_log_level level = wr_log_level_parse(cases[i].level);

		wr_log_start(level, "(wg0) ");
		captured(write_both, text, sizeof(text));
		assert_string_equal(text, cases[i].want);
		assert_int_equal(wr_log_is_on(WR_LOG_VERBOSE), level == WR_LOG_VERBOSE);
	}
}

static void test_log_cuts_a_long_line_and_keeps_its_newline(void **state)
{
	char text[6000];
	size_t len;

	(void)state;
	wr_log_start(WR_LOG_ERROR, NULL);
	len = captured(write_long, text, sizeof(text));
	assert_true(len > 900 && len <= 1024);
	assert_int_equal(text[len - 1], '\n');
	assert_ptr_equal(strchr(text, '\n'), &text[len - 1]);
}

static void test_log_keeps_errno(void **state)
{
	char text[256];

	(void)state;
	wr_log_start(WR_LOG_VERBOSE, NULL);
	errno = ENOENT;
	captured(write_both, text, sizeof(text));
	errno = ENOENT;
	write_both();
	assert_int_equal(errno, ENOENT);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_writes_what_its_level_allows),
		cmocka_unit_test(test_log_cuts_a_long_line_and_keeps_its_newline),
		cmocka_unit_test(test_log_keeps_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
