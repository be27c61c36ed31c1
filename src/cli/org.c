/* Verbs of organisations. */
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "cli/simple.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "linux/files.h"

static const struct wr_column listed[] = {
	{ "NAME", "name", WR_LOOK_TEXT },
	{ "LABEL", "label", WR_LOOK_TEXT },
	{ "NETWORK", "network4", WR_LOOK_TEXT },
	{ "MACHINES", "machine_count", WR_LOOK_NUMBER },
	{ "ONLINE", "online_count", WR_LOOK_NUMBER },
	{ "QUOTA", "machine_quota", WR_LOOK_NUMBER },
	{ "DISABLED", "is_disabled", WR_LOOK_YES },
};

static const struct wr_column shown[] = {
	{ "name", "name", WR_LOOK_TEXT },
	{ "label", "label", WR_LOOK_TEXT },
	{ "id", "uid", WR_LOOK_TEXT },
	{ "network", "network4", WR_LOOK_TEXT },
	{ "network (IPv6)", "network6", WR_LOOK_TEXT },
	{ "hub's address", "hub_address4", WR_LOOK_TEXT },
	{ "hub's address (IPv6)", "hub_address6", WR_LOOK_TEXT },
	{ "hub's key", "hub_public_key", WR_LOOK_TEXT },
	{ "machines", "machine_count", WR_LOOK_NUMBER },
	{ "online", "online_count", WR_LOOK_NUMBER },
	{ "quota", "machine_quota", WR_LOOK_NUMBER },
	{ "disabled", "is_disabled", WR_LOOK_TEXT },
	{ "created", "created", WR_LOOK_TIME },
};

/* A number into the body; false, told, if it is none. */
static bool set_number(const struct wr_arguments *arguments, const char *option, json_t *body,
		       const char *member)
{
	const char *text = wr_value_of(arguments, option);
	uint64_t number;

	if (!text)
		return true;
	if (!wr_number_parse(text, strlen(text), INT32_MAX, &number)) {
		wr_misuse(arguments, "--%s must be a number, not %s", option, text);
		return false;
	}
	json_object_set_new(body, member, json_integer((json_int_t)number));
	return true;
}

static int print_org(const struct wr_arguments *arguments, const json_t *org)
{
	struct wr_table table = wr_table_of(shown, WR_ARRAY_LEN(shown));

	if (wr_is_given(arguments, "json"))
		wr_api_print(org);
	else
		wr_table_print_one(&table, org, stdout);
	return WR_EXIT_DONE;
}

/* --- warren org create --- */

static const struct wr_option create_options[] = {
	WR_API_OPTIONS,
	WR_OPTION_JSON,
	{ 0, "network", "its range, and one of IPv6 where given again", "CIDR" },
	{ 0, "quota", "how many machines it may have", "N" },
};

static int run_create(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_json_freep) json_t *body = json_pack("{s:s}", "name", arguments->operands[0]);
	WR_AUTO(wr_json_freep) json_t *org = NULL;
	unsigned at = 0;
	int status;

	for (const char *range; (range = wr_next_value(arguments, "network", &at));)
		wr_json_set_text(body, strchr(range, ':') ? "network6" : "network4", range);
	if (!body)
		return wr_misuse(arguments, "the name is no UTF-8 text");
	if (!set_number(arguments, "quota", body, "machine_quota"))
		return WR_EXIT_USAGE;
	status = wr_simple_ask(arguments, WR_SCOPE_SITE, "POST", "/orgs", WR_TAKE(body), &org);
	return status == WR_EXIT_DONE ? print_org(arguments, org) : status;
}

static const struct wr_verb create = {
	.group = "org",
	.name = "create",
	.summary = "make an organisation: a network of its own",
	.options = create_options,
	.option_count = WR_ARRAY_LEN(create_options),
	.operand = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_create,
};

/* --- warren org list --- */

static const struct wr_option list_options[] = { WR_API_OPTIONS, WR_OPTION_JSON };

static int run_list(const struct wr_arguments *arguments)
{
	return wr_simple_list(arguments, WR_SCOPE_SITE, "/orgs", listed, WR_ARRAY_LEN(listed));
}

static const struct wr_verb list = {
	.group = "org",
	.name = "list",
	.summary = "the organisations that you may see",
	.options = list_options,
	.option_count = WR_ARRAY_LEN(list_options),
	.run = run_list,
};

/* --- warren org show --- */

static const struct wr_option show_options[] = { WR_ORG_OPTIONS, WR_OPTION_JSON };

static int run_show(const struct wr_arguments *arguments)
{
	if (arguments->operand_count > 0)
		return wr_simple_show(arguments, WR_SCOPE_SITE, "/orgs/{}", shown,
				      WR_ARRAY_LEN(shown));
	return wr_simple_show(arguments, WR_SCOPE_ORG, "/orgs/{}", shown, WR_ARRAY_LEN(shown));
}

static const struct wr_verb show = {
	.group = "org",
	.name = "show",
	.summary = "all about an organisation",
	.options = show_options,
	.option_count = WR_ARRAY_LEN(show_options),
	.operand = "[ORG]",
	.max_operands = 1,
	.run = run_show,
};

/* --- warren org change --- */

static const struct wr_option change_options[] = {
	WR_API_OPTIONS,
	WR_OPTION_JSON,
	{ 0, "name", "another name", "NAME" },
	{ 0, "quota", "how many machines it may have", "N" },
	{ 0, "disable", "let none of its machines in, until it is enabled" },
	{ 0, "enable", "let its machines in again" },
};

static int run_change(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_json_freep) json_t *body = json_object();
	WR_AUTO(wr_json_freep) json_t *org = NULL;
	int status;

	wr_json_set_text(body, "name", wr_value_of(arguments, "name"));
	if (!set_number(arguments, "quota", body, "machine_quota"))
		return WR_EXIT_USAGE;
	if (wr_is_given(arguments, "disable") || wr_is_given(arguments, "enable"))
		json_object_set_new(body, "is_disabled",
				    json_boolean(wr_is_given(arguments, "disable")));
	if (json_object_size(body) == 0)
		return wr_misuse(arguments,
				 "say what to change: --name, --quota, --disable, --enable");
	status = wr_simple_ask(arguments, WR_SCOPE_SITE, "PATCH", "/orgs/{}", WR_TAKE(body), &org);
	return status == WR_EXIT_DONE ? print_org(arguments, org) : status;
}

static const struct wr_verb change = {
	.group = "org",
	.name = "change",
	.summary = "rename, disable or enable an organisation, or set its quota",
	.options = change_options,
	.option_count = WR_ARRAY_LEN(change_options),
	.operand = "ORG",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_change,
};

/* --- warren org delete --- */

static const struct wr_option delete_options[] = {
	WR_API_OPTIONS,
	{ 'y', "yes", "do not ask" },
};

static int run_delete(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_text_freep)
	char *question = wr_text_new("Delete %s, its machines, policy and log, for good? (y/N) ",
				     arguments->operands[0]);

	if (!wr_is_given(arguments, "yes")) {
		if (!wr_terminal_can_ask())
			return wr_complain(arguments,
					   "all of %s would be gone: say --yes if that is meant",
					   arguments->operands[0]);
		if (!wr_terminal_confirm(question))
			return wr_complain(arguments, "nothing was deleted");
	}
	return wr_simple_call(arguments, WR_SCOPE_SITE, "DELETE", "/orgs/{}", NULL);
}

static const struct wr_verb delete = {
	.group = "org",
	.name = "delete",
	.summary = "delete an organisation and all that is its",
	.options = delete_options,
	.option_count = WR_ARRAY_LEN(delete_options),
	.operand = "ORG",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_delete,
};

static const struct wr_verb *const subs[] = { &create, &list, &show, &change, &delete, NULL };

const struct wr_verb wr_verb_org = {
	.name = "org",
	.summary = "organisations: create, list, show, change, delete",
	.subs = subs,
};
