#include "cli/wg.h"

#include "crypto/crypto.h"
#include "unit.h"

static void test_wg_is_name_takes_what_the_kernel_takes(void **state)
{
	static const struct {
		const char *name;
		bool is_good;
	} cases[] = {
		{ "wg0", true },
		{ "w", true },
		{ "wg%d", true },
		{ "%d", false },
		{ "wg%s", false },
		{ "wg%d0", false },
		{ "wg%d%d", false },
		{ "100%", false },
		{ "fifteen-letters", true },
		{ "sixteen-letters-", false },
		{ "", false },
		{ ".", false },
		{ "..", false },
		{ "...", true },
		{ "a/b", false },
		{ "../x", false },
		{ "a:b", false },
		{ "a b", false },
		{ "a\tb", false },
		{ "a\nb", false },
		{ "wg-\xc3\xa4", true },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		print_message("%s\n", cases[i].name);
		assert_int_equal(wr_wg_is_name(cases[i].name), cases[i].is_good);
	}
}

/* "NAME=value" strings, as in environ(7). */
#define VARIABLES_MAX 4
static const char *const *variables;

static char *get(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < VARIABLES_MAX && variables[i]; i++) {
		char *equals = strchr(variables[i], '=');

		if (equals == variables[i] + len && strncmp(variables[i], name, len) == 0)
			return equals + 1;
	}
	return NULL;
}

static struct wr_wg_settings read_environment(const char *const set[VARIABLES_MAX])
{
	struct wr_wg_settings settings;

	variables = set;
	assert_true(wr_wg_read_environment(get, &settings));
	return settings;
}

static void test_wg_environment_has_defaults(void **state)
{
	const char *const nothing[VARIABLES_MAX] = { NULL };
	struct wr_wg_settings settings = read_environment(nothing);

	(void)state;
	assert_false(settings.in_foreground);
	assert_int_equal(settings.log_level, WR_LOG_ERROR);
	assert_false(settings.keeps_output);
	assert_int_equal(settings.tun_fd, -1);
	assert_int_equal(settings.uapi_fd, -1);
	assert_in_range(settings.workers, 1, 4);
	assert_int_equal(settings.time_scale, 1);
	assert_null(settings.aead);
}

static void test_wg_environment_is_read(void **state)
{
	const char *const descriptors[VARIABLES_MAX] = { "WG_TUN_FD=0", "WG_UAPI_FD=7",
							 "WG_PROCESS_FOREGROUND=1" };
	const char *const empty[VARIABLES_MAX] = { "WG_TUN_FD=", "WARREN_WORKERS=",
						   "WARREN_AEAD=" };
	const char *const knobs[VARIABLES_MAX] = { "WARREN_WORKERS=16", "WARREN_AEAD=libcrypto",
						   "WG_PROCESS_FOREGROUND=0",
						   "WARREN_LOW_PORTS=1" };
	struct wr_wg_settings settings = read_environment(descriptors);

	(void)state;
	assert_int_equal(settings.tun_fd, 0);
	assert_int_equal(settings.uapi_fd, 7);
	assert_true(settings.in_foreground);
	assert_false(settings.keeps_low_ports);
	settings = read_environment(empty);
	assert_int_equal(settings.tun_fd, -1);
	assert_null(settings.aead);
	settings = read_environment(knobs);
	assert_int_equal(settings.workers, 16);
	assert_string_equal(settings.aead->name, "libcrypto");
	assert_false(settings.in_foreground);
	assert_true(settings.keeps_low_ports);
}

/* In the background it writes only if it was told to, as wireguard-go. */
static void test_wg_environment_sets_the_log(void **state)
{
	static const struct {
		const char *variable;
		enum wr_log_level level;
		bool keeps_output;
	} cases[] = {
		{ "LOG_LEVEL=verbose", WR_LOG_VERBOSE, true },
		{ "LOG_LEVEL=debug", WR_LOG_VERBOSE, true },
		{ "LOG_LEVEL=error", WR_LOG_ERROR, true },
		{ "LOG_LEVEL=silent", WR_LOG_SILENT, false },
		{ "LOG_LEVEL=", WR_LOG_ERROR, false },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		const char *const set[VARIABLES_MAX] = { cases[i].variable };
		struct wr_wg_settings settings = read_environment(set);

		assert_int_equal(settings.log_level, cases[i].level);
		assert_int_equal(settings.keeps_output, cases[i].keeps_output);
	}
}

static void test_wg_environment_refuses_bad_values(void **state)
{
	static const char *const bad[] = {
		"WG_TUN_FD=-1",      "WG_TUN_FD=three",   "WG_UAPI_FD=4294967296",
		"WARREN_WORKERS=0",  "WARREN_WORKERS=17", "WARREN_WORKERS=2x",
		"WARREN_AEAD=rot13",
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(bad); i++) {
		const char *const set[VARIABLES_MAX] = { bad[i] };
		struct wr_wg_settings settings = { .workers = 99 };

		variables = set;
		assert_false(wr_wg_read_environment(get, &settings));
		assert_int_equal(settings.workers, 99);
	}
}

/* Timers are shortened in builds for tests, and in no other. */
static void test_wg_environment_scales_time_only_with_test_hooks(void **state)
{
	const char *const set[VARIABLES_MAX] = { "WARREN_TEST_TIME_SCALE=20" };

	(void)state;
	assert_int_equal(read_environment(set).time_scale, WR_TEST_HOOKS ? 20 : 1);
}

static int start(void **state)
{
	(void)state;
	return wr_crypto_start();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wg_is_name_takes_what_the_kernel_takes),
		cmocka_unit_test(test_wg_environment_has_defaults),
		cmocka_unit_test(test_wg_environment_is_read),
		cmocka_unit_test(test_wg_environment_sets_the_log),
		cmocka_unit_test(test_wg_environment_refuses_bad_values),
		cmocka_unit_test(test_wg_environment_scales_time_only_with_test_hooks),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
