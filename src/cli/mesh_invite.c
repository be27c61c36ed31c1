/* Invitations of machines to a mesh. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "cli/admit.h"
#include "cli/membership.h"
#include "cli/tables.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "linux/files.h"

#define LONGEST_USES 1000000

static const struct wr_option invite_options[] = {
	WR_NETWORK_OPTIONS,
	WR_OPTION_JSON,
	{ 0, "uses", "how many may come; else one; 0: any number", "N" },
	{ 0, "expires", "90s, 12h, 7d or never; else a day", "SPAN" },
	{ 't', "tag", "a tag for who comes; may be given again", "TAG" },
	{ 'n', "name", "how who comes is called", "NAME" },
	{ 0, "list", "invitations that were made here and still hold" },
	{ 0, "revoke", "take one back", "ID" },
};

static const struct wr_column invite_columns[] = {
	{ "ID", "id", WR_LOOK_TEXT },       { "USES LEFT", "uses", WR_LOOK_TEXT },
	{ "EXPIRES", "ends", WR_LOOK_AGO }, { "NAME", "name", WR_LOOK_TEXT },
	{ "TAGS", "tags", WR_LOOK_LIST },
};

/* One, where somebody counts: at a closed mesh's founder. */
static int put_usual_uses(const struct wr_arguments *arguments, json_t *body)
{
	WR_AUTO(wr_json_freep) json_t *result = NULL;
	int status = wr_admit_ask(arguments, "GET", "/status", NULL, &result);
	const char *admission = wr_json_text(json_object_get(result, "mesh"), "admission");
	bool is_closed = admission && strcmp(admission, "closed") == 0;

	json_object_set_new(body, "uses", json_integer(is_closed));
	return status;
}

static int put_uses(const struct wr_arguments *arguments, json_t *body)
{
	const char *text = wr_value_of(arguments, "uses");
	uint64_t uses;

	if (!text)
		return put_usual_uses(arguments, body);
	if (!wr_number_parse(text, strlen(text), LONGEST_USES, &uses))
		return wr_misuse(arguments, "--uses %.64s: a number, or 0 for any number", text);
	json_object_set_new(body, "uses", json_integer((json_int_t)uses));
	return WR_EXIT_DONE;
}

static void print_invitation(const struct wr_arguments *arguments, const json_t *result)
{
	const char *text = wr_json_text(result, "invitation");

	if (wr_is_given(arguments, "json")) {
		wr_api_print(result);
		return;
	}
	printf("%s\n", text ? text : "");
	fflush(stdout);
	if (!wr_terminal_can_ask())
		return;
	fprintf(stderr, "\nOn the other machine:  warren up --join -   (and paste it; it lets in "
			"who has it, so keep it secret)\n");
}

static int make_invitation(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_json_freep) json_t *body = json_object();
	WR_AUTO(wr_json_freep) json_t *result = NULL;
	int status = put_uses(arguments, body);

	if (status == WR_EXIT_DONE)
		status = wr_admit_put_expiry(arguments, "1d", body);
	if (status == WR_EXIT_DONE)
		status = wr_admit_put_name_and_tags(arguments, body);
	if (status == WR_EXIT_DONE)
		status = wr_admit_ask(arguments, "POST", "/invite", WR_TAKE(body), &result);
	if (status == WR_EXIT_DONE)
		print_invitation(arguments, result);
	return status;
}

/* What people read: a number that nobody counts is "any"; seconds since 1970 are a time. */
static void add_texts(json_t *items)
{
	json_t *item;
	size_t i;

	json_array_foreach(items, i, item)
	{
		time_t ends = (time_t)json_integer_value(json_object_get(item, "expires"));
		const json_t *left = json_object_get(item, "uses_left");
		WR_AUTO(wr_text_freep)
		char *text = json_is_integer(left) ? wr_look_text(left, WR_LOOK_NUMBER, 0)
						   : wr_text_new("any");

		json_object_set_new(item, "uses", json_string(text));
		json_object_set_new(item, "ends", ends ? wr_look_time(ends) : json_null());
	}
}

static int list_invitations(const struct wr_arguments *arguments)
{
	struct wr_table table = wr_table_of(invite_columns, WR_ARRAY_LEN(invite_columns));
	WR_AUTO(wr_json_freep) json_t *result = NULL;
	json_t *items;
	int status = wr_admit_ask(arguments, "GET", "/invitations", NULL, &result);

	if (status != WR_EXIT_DONE)
		return status;
	items = json_object_get(result, "invitations");
	if (wr_is_given(arguments, "json")) {
		wr_api_print(items);
		return WR_EXIT_DONE;
	}
	add_texts(items);
	wr_table_print(&table, items, stdout);
	return WR_EXIT_DONE;
}

static int run_invite(const struct wr_arguments *arguments)
{
	if (wr_is_given(arguments, "list"))
		return list_invitations(arguments);
	if (wr_is_given(arguments, "revoke"))
		return wr_admit_take_back(arguments, wr_value_of(arguments, "revoke"));
	return make_invitation(arguments);
}

const struct wr_verb wr_verb_invite = {
	.name = "invite",
	.summary = "a string with which a machine anywhere joins this mesh",
	.about = "It names members that can be reached, and holds the mesh's key: give it to whom\n"
		 "you trust, by a way you trust. Of a closed mesh it is made on the founder's\n"
		 "machine, and admits as many as --uses says; of another, whoever has it is in.\n",
	.options = invite_options,
	.option_count = WR_ARRAY_LEN(invite_options),
	.run = run_invite,
};
