/* Verbs of who may do what in an organisation. */
#include "cli/simple.h"
#include "cli/verbs.h"

static const struct wr_column listed[] = {
	{ "LOGIN", "user.login", WR_LOOK_TEXT },
	{ "NAME", "user.name", WR_LOOK_TEXT },
	{ "ROLE", "role", WR_LOOK_TEXT },
	{ "SINCE", "created", WR_LOOK_TIME },
};

static const struct wr_option list_options[] = { WR_ORG_OPTIONS, WR_OPTION_JSON };
static const struct wr_option options[] = { WR_ORG_OPTIONS };

static int run_list(const struct wr_arguments *arguments)
{
	return wr_simple_list(arguments, WR_SCOPE_ORG, "/orgs/{}/members", listed,
			      WR_ARRAY_LEN(listed));
}

static const struct wr_verb list = {
	.group = "member",
	.name = "list",
	.summary = "who may do what",
	.options = list_options,
	.option_count = WR_ARRAY_LEN(list_options),
	.run = run_list,
};

static int run_set(const struct wr_arguments *arguments)
{
	return wr_simple_call(arguments, WR_SCOPE_ORG, "PUT", "/orgs/{}/members/{}",
			      json_pack("{s:s}", "role", arguments->operands[1]));
}

static const struct wr_verb set = {
	.group = "member",
	.name = "set",
	.summary = "give a role: owner, admin, operator or viewer",
	.about = "A viewer sees all. An operator adds and changes machines, too. An admin saves\n"
		 "policies and invites. An owner gives roles and deletes the organisation.\n",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.operand = "LOGIN ROLE",
	.min_operands = 2,
	.max_operands = 2,
	.run = run_set,
};

static int run_remove(const struct wr_arguments *arguments)
{
	return wr_simple_call(arguments, WR_SCOPE_ORG, "DELETE", "/orgs/{}/members/{}", NULL);
}

static const struct wr_verb remove_member = {
	.group = "member",
	.name = "remove",
	.summary = "take somebody's role away",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.operand = "LOGIN",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_remove,
};

static const struct wr_verb *const subs[] = { &list, &set, &remove_member, NULL };

const struct wr_verb wr_verb_member = {
	.name = "member",
	.summary = "roles in an organisation: list, set, remove",
	.subs = subs,
};
