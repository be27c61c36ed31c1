#include "cli/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cli/settings_check.h"
#include "linux/files.h"

#define FILE_MAX (64 * 1024)

/* The port alone of WR_SET_API. */
#define API_PORT_ALIAS "EDGE_CORE_API_PORT"

struct reading {
	const struct wr_arguments *arguments; /* NULL: without flags, silently */
	char *(*get)(const char *name);
	struct wr_settings *settings;
	const char *file;
};

/* Takes `origin`. */
static void put(struct wr_settings *settings, enum wr_setting setting, const char *text,
		char *origin)
{
	struct wr_setting_value *value = &settings->values[setting];

	free(value->text);
	free(value->origin);
	value->text = wr_text_new("%s", text);
	value->origin = origin;
}

static int complain(const struct reading *reading, const char *where, const char *value,
		    const char *must)
{
	if (!reading->arguments)
		return WR_EXIT_USAGE;
	return wr_misuse(reading->arguments, "%s: \"%s\" must be %s", where, value, must);
}

/* Takes `origin`. */
static int put_checked(const struct reading *reading, enum wr_setting setting, const char *text,
		       char *origin)
{
	const char *must = wr_setting_rows[setting].check(text);

	if (must) {
		int status = complain(reading, origin, text, must);

		free(origin);
		return status;
	}
	put(reading->settings, setting, text, origin);
	return WR_EXIT_DONE;
}

/* --- Defaults. --- */

static char *default_data(char *(*get)(const char *name))
{
	const char *data = get("XDG_DATA_HOME");
	const char *home = get("HOME");

	if (geteuid() == 0)
		return wr_text_new("/var/lib/warren");
	if (data && *data == '/')
		return wr_text_new("%s/warren", data);
	return wr_text_new("%s/.local/share/warren", home && *home ? home : "");
}

static void read_defaults(const struct reading *reading)
{
	WR_AUTO(wr_text_freep) char *data = default_data(reading->get);

	for (enum wr_setting i = 0; i < WR_SETTING_COUNT; i++) {
		if (wr_setting_rows[i].fallback)
			put(reading->settings, i, wr_setting_rows[i].fallback,
			    wr_text_new("default"));
	}
	put(reading->settings, WR_SET_DATA, data, wr_text_new("default"));
}

/* --- The file. --- */

static const char *take_key(void *context, unsigned line, const char *key, const char *value)
{
	const struct reading *reading = context;

	for (enum wr_setting i = 0; i < WR_SETTING_COUNT; i++) {
		if (!wr_settings_is_key(wr_setting_rows[i].flag, key))
			continue;
		if (wr_setting_rows[i].check(value))
			return wr_setting_rows[i].check(value);
		put(reading->settings, i, value, wr_text_new("%s:%u", reading->file, line));
		return NULL;
	}
	return "the name of a setting, which this is not (warren config lists them)";
}

static const char *wanted_file(const struct reading *reading, bool *ret_is_asked)
{
	const char *flag = reading->arguments ? wr_value_of(reading->arguments, "config") : NULL;
	const char *variable = reading->get("WARREN_CONFIG");

	*ret_is_asked = flag || (variable && *variable);
	if (flag)
		return flag;
	return *ret_is_asked ? variable : WR_SETTINGS_FILE;
}

static int read_file(struct reading *reading)
{
	bool is_asked;
	WR_AUTO(wr_text_freep) char *text = NULL;
	const char *fault;
	unsigned line;
	int status;

	reading->file = wanted_file(reading, &is_asked);
	status = wr_file_read(reading->file, FILE_MAX, &text);
	if (status == -ENOENT && !is_asked)
		return WR_EXIT_DONE;
	if (status < 0)
		return reading->arguments ? wr_complain(reading->arguments, "cannot read %s: %s",
							reading->file, strerror(-status))
					  : WR_EXIT_FAILED;
	fault = wr_settings_parse(text, take_key, reading, &line);
	if (fault && reading->arguments)
		return wr_complain(reading->arguments, "%s:%u: must be %s", reading->file, line,
				   fault);
	reading->settings->file = wr_text_new("%s", reading->file);
	return fault ? WR_EXIT_FAILED : WR_EXIT_DONE;
}

/* --- The environment. --- */

static int read_variable(const struct reading *reading, enum wr_setting setting, const char *name)
{
	const char *value = name ? reading->get(name) : NULL;

	if (!value || !*value)
		return WR_EXIT_DONE;
	return put_checked(reading, setting, value, wr_text_new("environment %s", name));
}

static int read_api_port(const struct reading *reading)
{
	const char *port = reading->get(API_PORT_ALIAS);
	const char *listen = reading->settings->values[WR_SET_API].text;
	const char *colon = strrchr(listen, ':');
	WR_AUTO(wr_text_freep) char *joined = NULL;

	if (!port || !*port || !colon)
		return WR_EXIT_DONE;
	if (wr_check_port(port))
		return complain(reading, "environment " API_PORT_ALIAS, port, wr_check_port(port));
	joined = wr_text_new("%.*s:%s", (int)(colon - listen), listen, port);
	return put_checked(reading, WR_SET_API, joined, wr_text_new("environment " API_PORT_ALIAS));
}

/* Names of our own come last: they win. */
static int read_environment(const struct reading *reading)
{
	int status = read_api_port(reading);

	for (enum wr_setting i = 0; i < WR_SETTING_COUNT && status == WR_EXIT_DONE; i++) {
		for (size_t alias = WR_SETTING_ALIASES; alias > 0 && status == WR_EXIT_DONE;
		     alias--)
			status = read_variable(reading, i, wr_setting_rows[i].aliases[alias - 1]);
		if (status == WR_EXIT_DONE)
			status = read_variable(reading, i, wr_setting_rows[i].environment);
	}
	return status;
}

/* --- Flags. --- */

static int read_flags(const struct reading *reading)
{
	int status = WR_EXIT_DONE;

	for (enum wr_setting i = 0; i < WR_SETTING_COUNT && status == WR_EXIT_DONE; i++) {
		const char *flag = wr_setting_rows[i].flag;
		bool is_flag = wr_setting_rows[i].check == wr_check_flag;

		if (!wr_is_given(reading->arguments, flag))
			continue;
		status = put_checked(reading, i,
				     is_flag ? "yes" : wr_value_of(reading->arguments, flag),
				     wr_text_new("flag --%s", flag));
	}
	return status;
}

/* --- What does not go together. --- */

static bool is_loopback(const char *listen)
{
	return strcmp(listen, "none") == 0 || strncmp(listen, "127.", 4) == 0 ||
	       strncmp(listen, "[::1]:", 6) == 0;
}

static int check_together(const struct reading *reading)
{
	const struct wr_settings *settings = reading->settings;
	bool is_plain = wr_setting_is_on(settings, WR_SET_PLAIN);

	if (!wr_setting_text(settings, WR_SET_CERT) != !wr_setting_text(settings, WR_SET_KEY))
		return wr_misuse(reading->arguments, "certificate and key come together: set both");
	if (is_plain && wr_setting_text(settings, WR_SET_CERT))
		return wr_misuse(reading->arguments,
				 "plain HTTP has no certificate: leave one out");
	if (is_plain && !wr_setting_is_on(settings, WR_SET_BEHIND_PROXY) &&
	    !is_loopback(wr_setting_text(settings, WR_SET_API)))
		return wr_misuse(reading->arguments,
				 "plain HTTP only on loopback, not on %s; behind a proxy that does "
				 "the TLS, say --behind-proxy",
				 wr_setting_text(settings, WR_SET_API));
	return WR_EXIT_DONE;
}

int wr_settings_read(const struct wr_arguments *arguments, char *(*get)(const char *name),
		     struct wr_settings *ret_settings)
{
	WR_AUTO(wr_settings_done) struct wr_settings settings = { 0 };
	struct reading reading = { arguments, get, &settings, NULL };
	int status;

	read_defaults(&reading);
	status = read_file(&reading);
	if (status == WR_EXIT_DONE)
		status = read_environment(&reading);
	if (status == WR_EXIT_DONE)
		status = read_flags(&reading);
	if (status == WR_EXIT_DONE)
		status = check_together(&reading);
	if (status == WR_EXIT_DONE) {
		*ret_settings = settings;
		settings = (struct wr_settings){ 0 };
	}
	return status;
}

char *wr_settings_data(char *(*get)(const char *name))
{
	WR_AUTO(wr_settings_done) struct wr_settings settings = { 0 };
	struct reading reading = { NULL, get, &settings, NULL };

	read_defaults(&reading);
	(void)read_file(&reading);
	(void)read_variable(&reading, WR_SET_DATA, wr_setting_rows[WR_SET_DATA].environment);
	return wr_text_new("%s", wr_setting_text(&settings, WR_SET_DATA));
}

void wr_settings_done(struct wr_settings *settings)
{
	for (size_t i = 0; i < WR_SETTING_COUNT; i++) {
		free(settings->values[i].text);
		free(settings->values[i].origin);
	}
	free(settings->file);
}

const char *wr_setting_text(const struct wr_settings *settings, enum wr_setting setting)
{
	return settings->values[setting].text;
}

bool wr_setting_is_on(const struct wr_settings *settings, enum wr_setting setting)
{
	const char *text = settings->values[setting].text;

	return text && (strcasecmp(text, "yes") == 0 || strcasecmp(text, "true") == 0 ||
			strcasecmp(text, "on") == 0 || strcmp(text, "1") == 0);
}

unsigned wr_setting_number(const struct wr_settings *settings, enum wr_setting setting)
{
	const char *text = settings->values[setting].text;

	return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}
