/* What a membership is, on disk. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/state.h"
#include "linux/files.h"
#include "unit.h"

static char base[] = "/tmp/warren-state-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(base) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	return rmdir(base);
}

static struct wr_state make(const char *interface)
{
	struct wr_state state = {
		.folder = wr_folder_path(base, interface),
		.url = "https://hub.example.com:8443",
		.pin = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
		.token = "warren_m_not-a-real-one",
		.uid = "mabcdefghijklmnopqrs",
		.name = "web-1",
		.network = "acme",
		.private_key = { { 1, 2, 3 } },
		.port = 51821,
		.backend = WR_BACKEND_ENGINE,
		.names = WR_NAMES_HOSTS,
		.accepts_routes = true,
		.routes = { { .ip = { .family = WR_IPV4, .bytes = { 192, 168, 5 } },
			      .length = 24 } },
		.route_count = 1,
	};

	snprintf(state.interface, sizeof(state.interface), "%s", interface);
	return state;
}

static void test_state_comes_back_as_it_was(void **unused)
{
	struct wr_state state = make("warren0"), again;
	WR_AUTO(wr_text_freep) char *file = wr_text_new("%s/state.json", state.folder);
	struct stat status;

	(void)unused;
	assert_int_equal(wr_folder_make(state.folder), 0);
	assert_int_equal(wr_state_save(&state), 0);
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(wr_state_load(state.folder, &again), 0);
	assert_string_equal(again.folder, state.folder);
	assert_string_equal(again.interface, "warren0");
	assert_string_equal(again.url, state.url);
	assert_string_equal(again.token, state.token);
	assert_string_equal(again.uid, state.uid);
	assert_true(wr_key_equal(&again.private_key, &state.private_key));
	assert_true(wr_key_is_zero(&again.next_key));
	assert_int_equal(again.port, 51821);
	assert_int_equal(again.backend, WR_BACKEND_ENGINE);
	assert_int_equal(again.names, WR_NAMES_HOSTS);
	assert_true(again.accepts_routes);
	assert_false(again.may_forward);
	assert_int_equal(again.route_count, 1);
	assert_int_equal(again.routes[0].length, 24);
	assert_int_equal(wr_state_forget(state.folder), 0);
	assert_int_equal(access(state.folder, F_OK), -1);
	wr_state_done(&again);
	wr_state_done(&state);
}

static void test_state_refuses_what_is_not_ours(void **unused)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"{\"interface\": 1}",
		"{\"interface\": \"a-name-that-is-far-too-long\"}",
	};
	struct wr_state state = make("warren0"), again;
	WR_AUTO(wr_text_freep) char *file = wr_text_new("%s/state.json", state.folder);

	(void)unused;
	assert_int_equal(wr_state_load(state.folder, &again), -ENOENT);
	assert_int_equal(wr_folder_make(state.folder), 0);
	for (size_t i = 0; i < WR_ARRAY_LEN(bad); i++) {
		assert_int_equal(wr_file_replace(file, bad[i], strlen(bad[i])), 0);
		assert_int_equal(wr_state_load(state.folder, &again), -EBADMSG);
	}
	memset(&state.private_key, 0, sizeof(state.private_key));
	assert_int_equal(wr_state_save(&state), 0);
	assert_int_equal(wr_state_load(state.folder, &again), -EBADMSG);
	assert_int_equal(chmod(file, 0640), 0);
	assert_int_equal(wr_state_load(state.folder, &again), -EPERM);
	assert_int_equal(wr_state_forget(state.folder), 0);
	wr_state_done(&state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_state_comes_back_as_it_was),
		cmocka_unit_test(test_state_refuses_what_is_not_ours),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
