/* Memory that is given back is no longer resident, and everything is as it was. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "crypto/noise.h"
#include "unit.h"

/* Of /proc/self/status, in KiB. */
static long resident(const char *what)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[200];
	long kib = -1;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, what, strlen(what)) == 0)
			kib = strtol(line + strlen(what) + 1, NULL, 10);
	}
	fclose(file);
	return kib;
}

/* Goes through tables of functions of libraries, which are relocated. */
static struct wr_key work(void)
{
	struct wr_key key;

	memset(&key, 7, sizeof(key));
	return wr_x25519_public(&key);
}

static void test_memory_of_files_is_given_back_and_found_again(void **state)
{
	struct wr_key before = work(), after;
	long files = resident("RssFile:"), rest;

	(void)state;
	wr_memory_give_back();
	rest = resident("RssFile:");
	assert_true(files > 0);
	assert_true(rest < files * 3 / 4);
	after = work();
	assert_memory_equal(&before, &after, sizeof(before));
}

static void test_memory_that_was_freed_is_given_back(void **state)
{
	enum {
		PIECES = 8192,
		SIZE = 1000
	};
	static char *pieces[PIECES];
	long anonymous = resident("RssAnon:");

	(void)state;
	for (size_t i = 0; i < PIECES; i++) {
		pieces[i] = malloc(SIZE);
		assert_non_null(pieces[i]);
		memset(pieces[i], 1, SIZE);
	}
	/* The last stays, so that free(3) does not do it by itself. */
	for (size_t i = 0; i + 1 < PIECES; i++)
		free(pieces[i]);
	wr_memory_give_back();
	assert_true(resident("RssAnon:") < anonymous + PIECES * SIZE / 1024 / 4);
	free(pieces[PIECES - 1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_of_files_is_given_back_and_found_again),
		cmocka_unit_test(test_memory_that_was_freed_is_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
