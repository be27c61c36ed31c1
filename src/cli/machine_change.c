/* Verbs that change a machine, or take it away. */
#include <string.h>

#include "cli/machine.h"
#include "cli/verbs.h"

int wr_cli_machine_change(const struct wr_arguments *arguments, json_t *change)
{
	WR_AUTO(wr_api_done) struct wr_api api = { 0 };
	WR_AUTO(wr_json_freep) json_t *taken = change;
	WR_AUTO(wr_json_freep) json_t *machine = NULL;
	int status = wr_api_open_org(arguments, &api);

	if (status != WR_EXIT_DONE)
		return status;
	status = wr_api_call(&api, "PATCH",
			     wr_api_path("/orgs/{}/machines/{}", api.org, arguments->operands[0]),
			     WR_TAKE(taken), &machine);
	if (status == WR_EXIT_DONE && wr_is_given(arguments, "json"))
		wr_api_print(machine);
	return status;
}

static const struct wr_option change_options[] = { WR_ORG_OPTIONS, WR_OPTION_JSON };

#define CHANGE(verb, says, what, count, runs) \
	{ \
		.group = "machine", .name = verb, .summary = says, .options = change_options, \
		.option_count = WR_ARRAY_LEN(change_options), .operand = what, \
		.min_operands = count, .max_operands = count, .run = runs, \
	}

static int run_rename(const struct wr_arguments *arguments)
{
	return wr_cli_machine_change(arguments, json_pack("{s:s}", "name", arguments->operands[1]));
}

const struct wr_verb wr_verb_machine_rename = CHANGE("rename", "give a machine another name",
						     "MACHINE NAME", 2, run_rename);

static int run_disable(const struct wr_arguments *arguments)
{
	return wr_cli_machine_change(arguments, json_pack("{s:b}", "is_disabled", 1));
}

const struct wr_verb wr_verb_machine_disable = CHANGE(
	"disable", "let a machine in no more, until it is enabled", "MACHINE", 1, run_disable);

static int run_enable(const struct wr_arguments *arguments)
{
	return wr_cli_machine_change(arguments, json_pack("{s:b}", "is_disabled", 0));
}

const struct wr_verb wr_verb_machine_enable = CHANGE("enable", "let a disabled machine in again",
						     "MACHINE", 1, run_enable);

static int run_expire(const struct wr_arguments *arguments)
{
	const char *span = arguments->operands[1];
	json_t *change = json_object();

	json_object_set_new(change, "expires_in",
			    strcmp(span, "never") == 0 ? json_null() : json_string(span));
	return wr_cli_machine_change(arguments, change);
}

const struct wr_verb wr_verb_machine_expire =
	CHANGE("expire", "let a machine in for so long: 12h, 30d; never", "MACHINE SPAN|never", 2,
	       run_expire);

/* --- Lists: tags and routes. --- */

static bool is_removed(const struct wr_arguments *arguments, const char *item)
{
	unsigned at = 0;

	for (const char *value; (value = wr_next_value(arguments, "remove", &at));) {
		if (strcmp(value, item) == 0)
			return true;
	}
	return false;
}

static bool has_item(const json_t *list, const char *item)
{
	json_t *each;
	size_t i;

	json_array_foreach(list, i, each)
	{
		if (strcmp(json_string_value(each), item) == 0)
			return true;
	}
	return false;
}

/* What was there, without what --remove names, and with the operands behind the machine. */
static json_t *changed_list(const struct wr_arguments *arguments, const json_t *before)
{
	json_t *after = json_array();
	json_t *each;
	size_t i;

	json_array_foreach(before, i, each)
	{
		if (!is_removed(arguments, json_string_value(each)))
			json_array_append(after, each);
	}
	for (unsigned at = 1; at < arguments->operand_count; at++) {
		if (!has_item(after, arguments->operands[at]))
			json_array_append_new(after, json_string(arguments->operands[at]));
	}
	return after;
}

/* Somebody else's change in between is refused, not undone. */
static int change_list(const struct wr_arguments *arguments, const char *member)
{
	WR_AUTO(wr_api_done) struct wr_api api = { 0 };
	WR_AUTO(wr_json_freep) json_t *machine = NULL;
	WR_AUTO(wr_json_freep) json_t *changed = NULL;
	char etag[sizeof(api.etag)];
	int status = wr_api_open_org(arguments, &api);

	if (status == WR_EXIT_DONE)
		status = wr_cli_machine_get(&api, &machine);
	if (status != WR_EXIT_DONE)
		return status;
	memcpy(etag, api.etag, sizeof(etag));
	api.if_match = *etag ? etag : NULL;
	status = wr_api_call(&api, "PATCH",
			     wr_api_path("/orgs/{}/machines/{}", api.org, arguments->operands[0]),
			     json_pack("{s:o}", member,
				       changed_list(arguments, json_object_get(machine, member))),
			     &changed);
	if (status == WR_EXIT_DONE && wr_is_given(arguments, "json"))
		wr_api_print(changed);
	return status;
}

static const struct wr_option tag_options[] = {
	WR_ORG_OPTIONS,
	WR_OPTION_JSON,
	{ 0, "remove", "take this tag away; may be given again", "TAG" },
};

static int run_tag(const struct wr_arguments *arguments)
{
	if (arguments->operand_count == 1 && !wr_is_given(arguments, "remove"))
		return wr_misuse(arguments, "name a tag, or one to --remove");
	return change_list(arguments, "tags");
}

const struct wr_verb wr_verb_machine_tag = {
	.group = "machine",
	.name = "tag",
	.summary = "add tags to a machine, or take some away",
	.options = tag_options,
	.option_count = WR_ARRAY_LEN(tag_options),
	.operand = "MACHINE [TAG]...",
	.min_operands = 1,
	.max_operands = WR_MAX_OPERANDS,
	.run = run_tag,
};

static const struct wr_option route_options[] = {
	WR_ORG_OPTIONS,
	WR_OPTION_JSON,
	{ 0, "remove", "take this range away; may be given again", "CIDR" },
};

static int run_route(const struct wr_arguments *arguments)
{
	if (arguments->operand_count == 1 && !wr_is_given(arguments, "remove"))
		return wr_misuse(arguments, "name a range, or one to --remove");
	return change_list(arguments, "routes");
}

const struct wr_verb wr_verb_machine_route = {
	.group = "machine",
	.name = "route",
	.summary = "add ranges that are reached by a machine, or take some away",
	.options = route_options,
	.option_count = WR_ARRAY_LEN(route_options),
	.operand = "MACHINE [CIDR]...",
	.min_operands = 1,
	.max_operands = WR_MAX_OPERANDS,
	.run = run_route,
};

/* --- warren machine approve --- */

static int run_approve(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_api_done) struct wr_api api = { 0 };
	int status = wr_api_open_org(arguments, &api);

	for (unsigned i = 0; i < arguments->operand_count && status == WR_EXIT_DONE; i++) {
		WR_AUTO(wr_json_freep) json_t *machine = NULL;

		status = wr_api_call(&api, "POST",
				     wr_api_path("/orgs/{}/machines/{}/approve", api.org,
						 arguments->operands[i]),
				     NULL, &machine);
		if (status == WR_EXIT_DONE && wr_is_given(arguments, "json"))
			wr_api_print(machine);
	}
	return status;
}

const struct wr_verb wr_verb_machine_approve = {
	.group = "machine",
	.name = "approve",
	.summary = "let machines in that joined by a key that asks for it",
	.about = "Those that wait: warren machine list --state pending\n",
	.options = change_options,
	.option_count = WR_ARRAY_LEN(change_options),
	.operand = "MACHINE...",
	.min_operands = 1,
	.max_operands = WR_MAX_OPERANDS,
	.run = run_approve,
};

/* --- warren machine remove --- */

static const struct wr_option remove_options[] = { WR_ORG_OPTIONS };

static int run_remove(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_api_done) struct wr_api api = { 0 };
	int status = wr_api_open_org(arguments, &api);

	for (unsigned i = 0; i < arguments->operand_count && status == WR_EXIT_DONE; i++)
		status = wr_api_call(&api, "DELETE",
				     wr_api_path("/orgs/{}/machines/{}", api.org,
						 arguments->operands[i]),
				     NULL, NULL);
	return status;
}

const struct wr_verb wr_verb_machine_remove = {
	.group = "machine",
	.name = "remove",
	.summary = "take machines out, for good",
	.options = remove_options,
	.option_count = WR_ARRAY_LEN(remove_options),
	.operand = "MACHINE...",
	.min_operands = 1,
	.max_operands = WR_MAX_OPERANDS,
	.run = run_remove,
};
