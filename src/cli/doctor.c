#include "cli/doctor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/api.h"
#include "cli/tables.h"
#include "cli/verbs.h"
#include "linux/files.h"

static const struct wr_option options[] = { WR_OPTION_HELP, WR_OPTION_JSON, WR_SETTING_OPTIONS };

static const struct wr_column columns[] = {
	{ "CHECK", "check", WR_LOOK_TEXT },
	{ "IS", "state", WR_LOOK_STATE },
	{ "", "says", WR_LOOK_TEXT },
};

static void WR_PRINTF(4, 0) add(struct wr_findings *findings, const char *check, const char *state,
				const char *says, va_list values)
{
	WR_AUTO(wr_text_freep) char *text = NULL;

	if (vasprintf(&text, says, values) < 0)
		abort();
	json_array_append_new(findings->items, json_pack("{s:s, s:s, s:s}", "check", check, "state",
							 state, "says", text));
}

void wr_finding_ok(struct wr_findings *findings, const char *check, const char *says, ...)
{
	va_list values;

	va_start(values, says);
	add(findings, check, "ok", says, values);
	va_end(values);
}

void wr_finding_note(struct wr_findings *findings, const char *check, const char *says, ...)
{
	va_list values;

	va_start(values, says);
	add(findings, check, "note", says, values);
	va_end(values);
}

void wr_finding_bad(struct wr_findings *findings, const char *check, const char *says, ...)
{
	va_list values;

	findings->bad_count++;
	va_start(values, says);
	add(findings, check, "bad", says, values);
	va_end(values);
}

static int run(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_settings_done) struct wr_settings settings = { 0 };
	struct wr_findings findings = { json_array(), 0 };
	WR_AUTO(wr_json_freep) json_t *items = findings.items;
	struct wr_table table = wr_table_of(columns, WR_ARRAY_LEN(columns));
	int status = wr_settings_read(arguments, getenv, &settings);

	if (status != WR_EXIT_DONE)
		return status;
	wr_doctor_data(&findings, &settings);
	wr_doctor_host(&findings, &settings);
	if (wr_is_given(arguments, "json"))
		wr_api_print(items);
	else
		wr_table_print(&table, items, stdout);
	if (findings.bad_count == 0)
		return WR_EXIT_DONE;
	return wr_complain(arguments, "%u to mend, see above", findings.bad_count);
}

const struct wr_verb wr_verb_doctor = {
	.name = "doctor",
	.summary = "look for what keeps a server here from working well",
	.about =
		"It takes the settings of warren serve; run it as the server's user, or as root.\n",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run,
};
