/* What the settings are, and where each came from. */
#include <jansson.h>
#include <stdlib.h>

#include "cli/api.h"
#include "cli/settings.h"
#include "cli/tables.h"
#include "cli/verbs.h"

static const struct wr_option options[] = { WR_OPTION_HELP, WR_OPTION_JSON, WR_SETTING_OPTIONS };

static const struct wr_column columns[] = {
	{ "SETTING", "setting", WR_LOOK_TEXT },
	{ "VALUE", "value", WR_LOOK_TEXT },
	{ "FROM", "origin", WR_LOOK_TEXT },
	{ "ENVIRONMENT", "environment", WR_LOOK_TEXT },
};

static json_t *list_settings(const struct wr_settings *settings)
{
	json_t *items = json_array();

	for (enum wr_setting i = 0; i < WR_SETTING_COUNT; i++)
		json_array_append_new(items, json_pack("{s:s, s:s?, s:s?, s:s}", "setting",
						       wr_setting_rows[i].flag, "value",
						       settings->values[i].text, "origin",
						       settings->values[i].origin, "environment",
						       wr_setting_rows[i].environment));
	return items;
}

static int run(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_settings_done) struct wr_settings settings = { 0 };
	WR_AUTO(wr_json_freep) json_t *items = NULL;
	struct wr_table table = wr_table_of(columns, WR_ARRAY_LEN(columns));
	int status = wr_settings_read(arguments, getenv, &settings);

	if (status != WR_EXIT_DONE)
		return status;
	items = list_settings(&settings);
	if (wr_is_given(arguments, "json"))
		wr_api_print(items);
	else
		wr_table_print(&table, items, stdout);
	return WR_EXIT_DONE;
}

const struct wr_verb wr_verb_config = {
	.name = "config",
	.summary = "the server's settings, and where each came from",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run,
};
