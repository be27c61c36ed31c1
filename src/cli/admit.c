/* Who may be in a closed mesh: certificates, and taking them back. */
#include "cli/admit.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/membership.h"
#include "cli/verbs.h"
#include "server/format.h"
#include "wire/fields.h"
#include "zeroconf/state.h"

/* More than the daemon takes to close. */
#define CLOSE_SECONDS 15

static int find_mesh(const struct wr_arguments *arguments, struct wr_membership *ret_membership)
{
	return wr_membership_find_mesh(arguments, wr_value_of(arguments, "mesh"),
				       wr_value_of(arguments, "interface"), ret_membership);
}

/* One call; takes `body`. */
int wr_admit_ask(const struct wr_arguments *arguments, const char *method, const char *path,
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
int wr_admit_put_expiry(const struct wr_arguments *arguments, const char *usual, json_t *body)
{
	const char *text = wr_value_of(arguments, "expires");
	int64_t seconds = 0;

	text = text ? text : usual;
	if (strcmp(text, "never") != 0 && !wr_span_parse(text, strlen(text), &seconds))
		return wr_misuse(arguments, "--expires %.64s: 90s, 12h, 7d or never", text);
	json_object_set_new(body, "expires_in", json_integer(seconds));
	return WR_EXIT_DONE;
}

int wr_admit_put_name_and_tags(const struct wr_arguments *arguments, json_t *body)
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

int wr_admit_take_back(const struct wr_arguments *arguments, const char *who)
{
	WR_AUTO(wr_json_freep) json_t *result = NULL;

	return wr_admit_ask(arguments, "POST", "/revoke", json_pack("{s:s}", "who", who), &result);
}

/* --- warren admit --- */

static const struct wr_option admit_options[] = {
	WR_NETWORK_OPTIONS,
	WR_OPTION_JSON,
	{ 't', "tag", "a tag for it; may be given again", "TAG" },
	{ 'n', "name", "how it is called", "NAME" },
	{ 0, "expires", "90s, 12h, 7d or never, which is usual", "SPAN" },
	{ 0, "close", "admit all members, then nobody uninvited" },
};

/* The members have their certificates before the door is shut. */
static int wait_closed(const struct wr_arguments *arguments)
{
	const struct timespec pause = { .tv_nsec = 100000000 };

	for (int i = 0; i < CLOSE_SECONDS * 10; i++) {
		WR_AUTO(wr_json_freep) json_t *result = NULL;
		int status = wr_admit_ask(arguments, "GET", "/status", NULL, &result);
		const char *admission = wr_json_text(json_object_get(result, "mesh"), "admission");

		if (status != WR_EXIT_DONE || (admission && strcmp(admission, "closed") == 0))
			return status;
		nanosleep(&pause, NULL);
	}
	return wr_complain(arguments,
			   "the members have certificates, but the mesh is not closed after %d s: "
			   "look with `warren status`, and close it again",
			   CLOSE_SECONDS);
}

static void tell_admitted(const struct wr_arguments *arguments, const json_t *result)
{
	json_int_t admitted = json_integer_value(json_object_get(result, "admitted"));

	if (wr_is_given(arguments, "json"))
		wr_api_print(result);
	else if (wr_is_given(arguments, "close"))
		printf("the mesh is closed: %" JSON_INTEGER_FORMAT " %s; others come in by "
		       "`warren invite` or `warren admit`\n",
		       admitted,
		       admitted == 1 ? "member has a certificate" : "members have certificates");
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
		status = wr_admit_put_name_and_tags(arguments, body);
	if (status == WR_EXIT_DONE)
		status = wr_admit_put_expiry(arguments, "never", body);
	if (status == WR_EXIT_DONE)
		status = wr_admit_ask(arguments, "POST", "/admit", WR_TAKE(body), &result);
	if (status == WR_EXIT_DONE && closes)
		status = wait_closed(arguments);
	if (status == WR_EXIT_DONE)
		tell_admitted(arguments, result);
	return status;
}

const struct wr_verb wr_verb_admit = {
	.name = "admit",
	.summary = "let a machine into this closed mesh; or close the mesh",
	.about = "On the founder's machine. WHO is a name, an identifier or an identity, as\n"
		 "`warren status` shows who waits. A member that is admitted again gets another\n"
		 "certificate: another name, other tags, another end. --close returns when the\n"
		 "mesh is closed, some seconds later.\n",
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
	return wr_admit_take_back(arguments, arguments->operands[0]);
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
