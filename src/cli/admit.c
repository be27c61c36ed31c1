/* Who may be in a mesh: invitations, certificates, and taking them back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "cli/api.h"
#include "cli/membership.h"
#include "cli/tables.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "linux/files.h"
#include "server/format.h"
#include "wire/fields.h"
#include "zeroconf/state.h"

#define LONGEST_USES 1000000

static int find_mesh(const struct wr_arguments *arguments, struct wr_membership *ret_membership)
{
	return wr_membership_find_mesh(arguments, wr_value_of(arguments, "mesh"),
				       wr_value_of(arguments, "interface"), ret_membership);
}

/* One call; takes `body`. */
static int ask(const struct wr_arguments *arguments, const char *method, const char *path,
	       json_t *body, json_t **ret_result)
{
	struct wr_membership membership;
	int status = find_mesh(arguments, &membership);

	if (status != WR_EXIT_DONE) {
		json_decref(body);
		return status;
	}
	status = wr_membership_ask(&membership, method, path, body, ret_result);
	wr_membership_done(&membership);
	return status;
}

/* --- What both have. --- */

/* "12h", or never: in seconds, 0 for never. */
static int put_expiry(const struct wr_arguments *arguments, const char *usual, json_t *body)
{
	const char *text = wr_value_of(arguments, "expires");
	int64_t seconds = 0;

	text = text ? text : usual;
	if (strcmp(text, "never") != 0 && !wr_span_parse(text, strlen(text), &seconds))
		return wr_misuse(arguments, "--expires %.64s: 90s, 12h, 7d or never", text);
	json_object_set_new(body, "expires_in", json_integer(seconds));
	return WR_EXIT_DONE;
}

static int put_name_and_tags(const struct wr_arguments *arguments, json_t *body)
{
	const char *name = wr_value_of(arguments, "name");
	json_t *tags = json_array();
	const char *tag;
	unsigned at = 0;

	json_object_set_new(body, "tags", tags);
	if (name && !wr_mesh_is_name(name))
		return wr_misuse(arguments,
				 "--name %.64s: lower-case letters, digits and hyphens, 63 at most",
				 name);
	wr_json_set_text(body, "name", name);
	while ((tag = wr_next_value(arguments, "tag", &at))) {
		if (!wr_mesh_is_name(tag))
			return wr_misuse(arguments,
					 "--tag %.64s: lower-case letters, digits and hyphens",
					 tag);
		if (json_array_size(tags) == WR_ITEM_TAGS)
			return wr_misuse(arguments, "no more than %d tags", WR_ITEM_TAGS);
		json_array_append_new(tags, json_string(tag));
	}
	return WR_EXIT_DONE;
}

/* --- warren invite --- */

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
	int status = ask(arguments, "GET", "/status", NULL, &result);
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
		status = put_expiry(arguments, "1d", body);
	if (status == WR_EXIT_DONE)
		status = put_name_and_tags(arguments, body);
	if (status == WR_EXIT_DONE)
		status = ask(arguments, "POST", "/invite", WR_TAKE(body), &result);
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
	int status = ask(arguments, "GET", "/invitations", NULL, &result);

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

static int take_back(const struct wr_arguments *arguments, const char *who)
{
	WR_AUTO(wr_json_freep) json_t *result = NULL;

	return ask(arguments, "POST", "/revoke", json_pack("{s:s}", "who", who), &result);
}

static int run_invite(const struct wr_arguments *arguments)
{
	if (wr_is_given(arguments, "list"))
		return list_invitations(arguments);
	if (wr_is_given(arguments, "revoke"))
		return take_back(arguments, wr_value_of(arguments, "revoke"));
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

/* --- warren admit --- */

static const struct wr_option admit_options[] = {
	WR_NETWORK_OPTIONS,
	WR_OPTION_JSON,
	{ 't', "tag", "a tag for it; may be given again", "TAG" },
	{ 'n', "name", "how it is called", "NAME" },
	{ 0, "expires", "90s, 12h, 7d or never, which is usual", "SPAN" },
	{ 0, "close", "admit all members, then nobody uninvited" },
};

static void tell_admitted(const struct wr_arguments *arguments, const json_t *result)
{
	json_int_t admitted = json_integer_value(json_object_get(result, "admitted"));

	if (wr_is_given(arguments, "json"))
		wr_api_print(result);
	else if (wr_is_given(arguments, "close"))
		printf("the mesh is closed: %" JSON_INTEGER_FORMAT " members have certificates; "
		       "others come in by `warren invite` or `warren admit`\n",
		       admitted);
	else
		printf("%s is admitted\n", arguments->operands[0]);
}

static int run_admit(const struct wr_arguments *arguments)
{
	bool closes = wr_is_given(arguments, "close");
	WR_AUTO(wr_json_freep) json_t *body = json_object();
	WR_AUTO(wr_json_freep) json_t *result = NULL;
	int status = WR_EXIT_DONE;

	if (closes == (arguments->operand_count > 0))
		return wr_misuse(arguments, "say whom, or --close");
	if (closes)
		json_object_set_new(body, "close", json_true());
	else
		wr_json_set_text(body, "who", arguments->operands[0]);
	if (!closes)
		status = put_name_and_tags(arguments, body);
	if (status == WR_EXIT_DONE)
		status = put_expiry(arguments, "never", body);
	if (status == WR_EXIT_DONE)
		status = ask(arguments, "POST", "/admit", WR_TAKE(body), &result);
	if (status == WR_EXIT_DONE)
		tell_admitted(arguments, result);
	return status;
}

const struct wr_verb wr_verb_admit = {
	.name = "admit",
	.summary = "let a machine into this closed mesh; or close the mesh",
	.about = "On the founder's machine. WHO is a name, an identifier or an identity, as\n"
		 "`warren status` shows who waits. A member that is admitted again gets another\n"
		 "certificate: another name, other tags, another end.\n",
	.usage = "  warren admit [OPTION]... WHO\n"
		 "  warren admit --close",
	.operand = "[WHO]",
	.max_operands = 1,
	.options = admit_options,
	.option_count = WR_ARRAY_LEN(admit_options),
	.run = run_admit,
};

/* --- warren revoke --- */

static const struct wr_option revoke_options[] = { WR_NETWORK_OPTIONS };

static int run_revoke(const struct wr_arguments *arguments)
{
	return take_back(arguments, arguments->operands[0]);
}

const struct wr_verb wr_verb_revoke = {
	.name = "revoke",
	.summary = "put a member out of this closed mesh, or take an invitation back",
	.about = "On the founder's machine. Every member puts it out as soon as it hears of it.\n",
	.operand = "WHO|ID",
	.min_operands = 1,
	.max_operands = 1,
	.options = revoke_options,
	.option_count = WR_ARRAY_LEN(revoke_options),
	.run = run_revoke,
};
