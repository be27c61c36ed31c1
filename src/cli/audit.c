/* Who did what. */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "cli/simple.h"
#include "cli/verbs.h"
#include "linux/files.h"

#define DEFAULT_LINES 100

static const struct wr_column listed[] = {
	{ "TIME", "time", WR_LOOK_TIME },    { "WHO", "actor", WR_LOOK_TEXT },
	{ "FROM", "address", WR_LOOK_TEXT }, { "DID", "operation", WR_LOOK_TEXT },
	{ "TO", "target", WR_LOOK_TEXT },    { "REQUEST", "request_id", WR_LOOK_TEXT },
};

static const struct wr_option options[] = {
	WR_ORG_OPTIONS,
	WR_OPTION_JSON,
	{ 'a', "all", "of the whole server, not of an organisation" },
	{ 'n', "lines", "no more than so many; 0: all", "N" },
	{ 0, "operation", "only this, as machine.add", "NAME" },
	{ 0, "actor", "only what they did", "LOGIN" },
	{ 0, "target", "only what was done to it", "NAME" },
	{ 0, "since", "from this time on: 1h, 7d, 2026-11-22T10:00:00Z", "TIME" },
	{ 0, "until", "up to this time", "TIME" },
};

/* False, told, where it is no time. */
static bool add_time(const struct wr_arguments *arguments, const char *option, char **path)
{
	const char *value = wr_value_of(arguments, option);
	WR_AUTO(wr_text_freep) char *when = value ? wr_look_since(value, time(NULL)) : NULL;

	if (value && !when) {
		wr_misuse(arguments,
			  "--%s must be a span as 1h or 7d, or a time as "
			  "2026-11-22T10:00:00Z, not %s",
			  option, value);
		return false;
	}
	wr_api_query(path, option, when);
	return true;
}

static bool read_lines(const struct wr_arguments *arguments, uint64_t *ret_lines)
{
	const char *value = wr_value_of(arguments, "lines");

	*ret_lines = DEFAULT_LINES;
	if (!value || wr_number_parse(value, strlen(value), INT32_MAX, ret_lines))
		return true;
	wr_misuse(arguments, "--lines must be a number, not %s", value);
	return false;
}

/* "?since=...", or ""; NULL, told, where something is wrong. */
static char *make_query(const struct wr_arguments *arguments)
{
	static const char *const filters[] = { "operation", "actor", "target" };
	char *query = wr_text_new("%s", "");

	for (size_t i = 0; i < WR_ARRAY_LEN(filters); i++)
		wr_api_query(&query, filters[i], wr_value_of(arguments, filters[i]));
	if (add_time(arguments, "since", &query) && add_time(arguments, "until", &query))
		return query;
	free(query);
	return NULL;
}

static char *make_path(const struct wr_api *api, const char *query)
{
	WR_AUTO(wr_text_freep)
	char *path = api->org ? wr_api_path("/orgs/{}/audit", api->org) : wr_api_path("/audit");

	return wr_text_new("%s%s", path, query);
}

static int run(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_api_done) struct wr_api api = { 0 };
	WR_AUTO(wr_json_freep) json_t *entries = NULL;
	WR_AUTO(wr_text_freep) char *query = make_query(arguments);
	struct wr_table table = wr_table_of(listed, WR_ARRAY_LEN(listed));
	uint64_t lines;
	int status;

	if (!query || !read_lines(arguments, &lines))
		return WR_EXIT_USAGE;
	status = wr_is_given(arguments, "all") ? wr_api_open(arguments, &api)
					       : wr_api_open_org(arguments, &api);
	if (status == WR_EXIT_DONE)
		status = wr_api_list(&api, make_path(&api, query), (size_t)lines, &entries);
	if (status != WR_EXIT_DONE)
		return status;
	if (wr_is_given(arguments, "json"))
		wr_api_print(entries);
	else
		wr_table_print(&table, entries, stdout);
	return WR_EXIT_DONE;
}

const struct wr_verb wr_verb_audit = {
	.name = "audit",
	.summary = "who did what, newest first",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run,
};
