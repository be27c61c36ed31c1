#include "cli/settings.h"

#include <unistd.h>

#include "cli/verbs.h"
#include "unit.h"

#define WORDS_MAX 8
#define VARIABLES_MAX 8

/* "NAME=value" strings, as in environ(7). */
static const char *variables[VARIABLES_MAX];

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

/* A file of settings, to be named by WARREN_CONFIG. */
static char config_variable[64];

static void write_config(const char *text)
{
	char path[] = "/tmp/warren-test-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	snprintf(config_variable, sizeof(config_variable), "WARREN_CONFIG=%s", path);
}

static void remove_config(void)
{
	unlink(strchr(config_variable, '=') + 1);
}

static int read_settings(const char *const words[WORDS_MAX], struct wr_settings *ret_settings)
{
	struct wr_arguments arguments;
	char *copies[WORDS_MAX];
	int count = 0;

	for (; count < WORDS_MAX && words[count]; count++)
		memcpy(&copies[count], &words[count], sizeof(copies[count]));
	assert_true(wr_verb_parse(&wr_verb_serve, count, copies, &arguments));
	return wr_settings_read(&arguments, get, ret_settings);
}

/* One case: what is set where, and what comes out. */
struct each {
	const char *file;
	const char *variables[VARIABLES_MAX - 1];
	const char *words[WORDS_MAX];
	enum wr_setting setting;
	const char *value, *origin; /* value NULL: refused */
};

static void check(const struct each *each)
{
	struct wr_settings settings;
	int status;

	write_config(each->file ? each->file : "");
	variables[0] = config_variable;
	memcpy(variables + 1, each->variables, sizeof(each->variables));
	status = read_settings(each->words, &settings);
	remove_config();
	assert_int_equal(status == WR_EXIT_DONE, each->value != NULL);
	if (!each->value)
		return;
	assert_string_equal(wr_setting_text(&settings, each->setting), each->value);
	if (strchr(each->origin, ':'))
		assert_string_equal(strrchr(settings.values[each->setting].origin, ':'),
				    each->origin);
	else
		assert_string_equal(settings.values[each->setting].origin, each->origin);
	wr_settings_done(&settings);
}

static void test_settings_flags_win_over_environment_over_file(void **state)
{
	static const struct each cases[] = {
		{ NULL, { NULL }, { NULL }, WR_SET_HUB_PORT, "51820", "default" },
		{ "[Server]\nHubPort = 1", { NULL }, { NULL }, WR_SET_HUB_PORT, "1", ":2" },
		{ "[Server]\nHubPort = 1",
		  { "WARREN_HUB_PORT=2" },
		  { NULL },
		  WR_SET_HUB_PORT,
		  "2",
		  "environment WARREN_HUB_PORT" },
		{ "[Server]\nHubPort = 1",
		  { "WARREN_HUB_PORT=2" },
		  { "--hub-port", "3" },
		  WR_SET_HUB_PORT,
		  "3",
		  "flag --hub-port" },
		{ NULL, { "WARREN_HUB_PORT=" }, { NULL }, WR_SET_HUB_PORT, "51820", "default" },
		{ NULL, { NULL }, { "--plain" }, WR_SET_PLAIN, "yes", "flag --plain" },
		{ NULL, { NULL }, { NULL }, WR_SET_STUN_PORT, "3478", "default" },
		{ NULL,
		  { NULL },
		  { "--stun-port", "0" },
		  WR_SET_STUN_PORT,
		  "0",
		  "flag --stun-port" },
		{ NULL, { NULL }, { "--no-stun" }, WR_SET_NO_STUN, "yes", "flag --no-stun" },
		{ NULL, { NULL }, { "--sign-up=open" }, WR_SET_SIGN_UP, "open", "flag --sign-up" },
		{ NULL,
		  { "XDG_DATA_HOME=/x", "WARREN_DATA=/y" },
		  { NULL },
		  WR_SET_DATA,
		  "/y",
		  "environment WARREN_DATA" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		print_message("case %zu\n", i);
		check(&cases[i]);
	}
}

/* Compose files of other programs work unchanged; our own names win. */
static void test_settings_know_other_programs_names(void **state)
{
	static const struct each cases[] = {
		{ NULL,
		  { "WIRESPIDER_LISTEN_PORT=7" },
		  { NULL },
		  WR_SET_HUB_PORT,
		  "7",
		  "environment WIRESPIDER_LISTEN_PORT" },
		{ NULL,
		  { "WIRESPIDER_LISTEN_PORT=7", "WARREN_HUB_PORT=8" },
		  { NULL },
		  WR_SET_HUB_PORT,
		  "8",
		  "environment WARREN_HUB_PORT" },
		{ NULL,
		  { "EDGE_CORE_MESH_CIDR=10.1.0.0/16" },
		  { NULL },
		  WR_SET_NETWORK,
		  "10.1.0.0/16",
		  "environment EDGE_CORE_MESH_CIDR" },
		{ NULL,
		  { "WIRESPIDER_NETWORK=10.2.0.0/16", "EDGE_CORE_MESH_CIDR=10.1.0.0/16" },
		  { NULL },
		  WR_SET_NETWORK,
		  "10.1.0.0/16",
		  "environment EDGE_CORE_MESH_CIDR" },
		{ NULL,
		  { "EDGE_CORE_API_PORT=9000" },
		  { NULL },
		  WR_SET_API,
		  "127.0.0.1:9000",
		  "environment EDGE_CORE_API_PORT" },
		{ "[Server]\nApi = 0.0.0.0:1",
		  { "EDGE_CORE_API_PORT=9000" },
		  { NULL },
		  WR_SET_API,
		  "0.0.0.0:9000",
		  "environment EDGE_CORE_API_PORT" },
		{ NULL,
		  { "EDGE_CORE_API_PORT=9000", "WARREN_API_LISTEN=[::1]:9001" },
		  { NULL },
		  WR_SET_API,
		  "[::1]:9001",
		  "environment WARREN_API_LISTEN" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		print_message("case %zu\n", i);
		check(&cases[i]);
	}
}

static void test_settings_refuse_what_cannot_be(void **state)
{
	static const struct each cases[] = {
		{ .words = { "--hub-port", "0" } },
		{ .words = { "--hub-port", "65536" } },
		{ .words = { "--hub-port", "x" } },
		{ .words = { "--stun-port", "65536" } },
		{ .words = { "--api", "8443" } },
		{ .words = { "--api", "localhost:8443" } },
		{ .words = { "--api", "::1:8443" } },
		{ .words = { "--endpoint", "vpn.example.com" } },
		{ .words = { "--endpoint", "a b:1" } },
		{ .words = { "--network", "10.0.0.0" } },
		{ .words = { "--network", "10.0.0.0/31" } },
		{ .words = { "--network", "10.0.0/8" } },
		{ .words = { "--workers", "0" } },
		{ .words = { "--workers", "17" } },
		{ .words = { "--cert", "c.pem" } },
		{ .words = { "--key", "k.pem" } },
		{ .words = { "--plain", "--api", "0.0.0.0:80" } },
		{ .words = { "--plain", "--cert", "c", "--key", "k" } },
		{ .words = { "--config", "/nonexistent" } },
		{ .variables = { "WARREN_SIGN_UP=maybe" } },
		{ .variables = { "WARREN_PLAIN=perhaps" } },
		{ .variables = { "EDGE_CORE_API_PORT=70000" } },
		{ .file = "HubPort = 1" },
		{ .file = "[Server]\nHubPort" },
		{ .file = "[Server]\nHubPort = x" },
		{ .file = "[Server]\nPortOfHub = 1" },
		{ .file = "[Other]\nHubPort = 1" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		print_message("case %zu\n", i);
		check(&cases[i]);
	}
}

static void test_settings_take_what_goes_together(void **state)
{
	static const struct each cases[] = {
		{ .words = { "--plain" },
		  .setting = WR_SET_PLAIN,
		  .value = "yes",
		  .origin = "flag --plain" },
		{ .words = { "--plain", "--behind-proxy", "--api", "0.0.0.0:80" },
		  .setting = WR_SET_API,
		  .value = "0.0.0.0:80",
		  .origin = "flag --api" },
		{ .words = { "--cert", "c", "--key", "k" },
		  .setting = WR_SET_KEY,
		  .value = "k",
		  .origin = "flag --key" },
		{ .words = { "--api", "none", "--plain" },
		  .setting = WR_SET_API,
		  .value = "none",
		  .origin = "flag --api" },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++)
		check(&cases[i]);
}

struct taken {
	char text[256];
};

static const char *take(void *context, unsigned line, const char *key, const char *value)
{
	struct taken *taken = context;
	size_t len = strlen(taken->text);

	snprintf(taken->text + len, sizeof(taken->text) - len, "%u:%s=%s;", line, key, value);
	return NULL;
}

static void test_settings_file_is_read(void **state)
{
	static const struct {
		const char *text, *taken; /* NULL: refused */
	} cases[] = {
		{ "", "" },
		{ "[Server]\n", "" },
		{ "# a\n\n[Server]\nA = b\n", "4:A=b;" },
		{ "[server]\r\nA=b c\r\n", "2:A=b c;" },
		{ "[Server]\nA = b # c\nB = d#e\n;f\n", "2:A=b;3:B=d#e;" },
		{ "[Server]\n\tA\t=\t\n", "2:A=;" },
		{ "[Server]\nA = b = c", "2:A=b = c;" },
		{ "A = b", NULL },
		{ "[Server]\nA", NULL },
		{ "[Peer]", NULL },
	};

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		struct taken taken = { "" };
		char *text = strdup(cases[i].text);
		unsigned line;
		const char *fault = wr_settings_parse(text, take, &taken, &line);

		print_message("case %zu\n", i);
		assert_int_equal(fault == NULL, cases[i].taken != NULL);
		if (!fault)
			assert_string_equal(taken.text, cases[i].taken);
		free(text);
	}
}

static void test_settings_keys_are_written_in_any_way(void **state)
{
	(void)state;
	assert_true(wr_settings_is_key("hub-port", "HubPort"));
	assert_true(wr_settings_is_key("hub-port", "hub_port"));
	assert_true(wr_settings_is_key("hub-port", "hub-port"));
	assert_false(wr_settings_is_key("hub-port", "HubPor"));
	assert_false(wr_settings_is_key("hub-port", "HubPorts"));
	assert_false(wr_settings_is_key("hub-port", ""));
}

/* A flag for each row, and each told of in the manual. */
static void test_settings_are_all_flags(void **state)
{
	(void)state;
	for (enum wr_setting i = 0; i < WR_SETTING_COUNT; i++) {
		bool is_flag = false;

		for (size_t at = 0; at < wr_verb_serve.option_count; at++)
			is_flag |= strcmp(wr_verb_serve.options[at].name,
					  wr_setting_rows[i].flag) == 0;
		assert_true(is_flag);
	}
	assert_int_equal(wr_verb_serve.option_count, WR_SETTING_COUNT + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings_flags_win_over_environment_over_file),
		cmocka_unit_test(test_settings_know_other_programs_names),
		cmocka_unit_test(test_settings_refuse_what_cannot_be),
		cmocka_unit_test(test_settings_take_what_goes_together),
		cmocka_unit_test(test_settings_file_is_read),
		cmocka_unit_test(test_settings_keys_are_written_in_any_way),
		cmocka_unit_test(test_settings_are_all_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
