/* Verbs of routes: what is reached through machines. */
#include "cli/simple.h"
#include "cli/verbs.h"

static const struct wr_column listed[] = {
	{ "PREFIX", "prefix", WR_LOOK_TEXT },     { "MACHINE", "label", WR_LOOK_TEXT },
	{ "STATE", "state", WR_LOOK_STATE },      { "ACTIVE", "is_active", WR_LOOK_YES },
	{ "OFFERED", "is_offered", WR_LOOK_YES }, { "SINCE", "since", WR_LOOK_AGO },
};

static const struct wr_option options[] = { WR_ORG_OPTIONS, WR_OPTION_JSON };

/* --- warren route list --- */

static int run_list(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_json_freep) json_t *result = NULL;
	struct wr_table table = wr_table_of(listed, WR_ARRAY_LEN(listed));
	int status = wr_simple_ask(arguments, WR_SCOPE_ORG, "GET", "/orgs/{}/routes", NULL,
				   &result);
	const json_t *routes = json_object_get(result, "routes");

	if (status != WR_EXIT_DONE)
		return status;
	if (wr_is_given(arguments, "json"))
		wr_api_print(routes);
	else
		wr_table_print(&table, routes, stdout);
	return WR_EXIT_DONE;
}

static const struct wr_verb list = {
	.group = "route",
	.name = "list",
	.summary = "routes and their routers; one of several is active",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run_list,
};

/* --- What changes one. --- */

/* Each of the ranges that the operands name behind the machine. */
static int change(const struct wr_arguments *arguments, const char *shape)
{
	int status = WR_EXIT_DONE;

	for (unsigned i = 1; i < arguments->operand_count && status == WR_EXIT_DONE; i++) {
		WR_AUTO(wr_json_freep) json_t *result = NULL;

		status = wr_simple_ask(arguments, WR_SCOPE_ORG, "POST", shape,
				       json_pack("{s:s}", "prefix", arguments->operands[i]),
				       &result);
		if (status == WR_EXIT_DONE && wr_is_given(arguments, "json") && result)
			wr_api_print(result);
	}
	return status;
}

#define MACHINE_PATH "/orgs/{}/machines/{}/routes"

static int run_approve(const struct wr_arguments *arguments)
{
	return change(arguments, MACHINE_PATH "/approve");
}

static int run_reject(const struct wr_arguments *arguments)
{
	return change(arguments, MACHINE_PATH "/reject");
}

static int run_add(const struct wr_arguments *arguments)
{
	return change(arguments, MACHINE_PATH);
}

static int run_remove(const struct wr_arguments *arguments)
{
	return change(arguments, MACHINE_PATH "/remove");
}

#define CHANGE \
	.group = "route", .options = options, .option_count = WR_ARRAY_LEN(options), \
	.operand = "MACHINE CIDR [CIDR]...", .min_operands = 2, .max_operands = WR_MAX_OPERANDS

static const struct wr_verb approve = {
	CHANGE,
	.name = "approve",
	.summary = "let a machine be the router that it offers to be",
	.about = "A prefix may have several routers: traffic goes to the first that is online, in\n"
		 "the order of approval.\n",
	.run = run_approve,
};

static const struct wr_verb reject = {
	CHANGE,
	.name = "reject",
	.summary = "say no to a route that a machine offers, or no more",
	.run = run_reject,
};

static const struct wr_verb add = {
	CHANGE,
	.name = "add",
	.summary = "set a route behind a machine, in its agent's place",
	.run = run_add,
};

static const struct wr_verb remove_verb = {
	CHANGE,
	.name = "remove",
	.summary = "take a route away, and what was decided about it",
	.run = run_remove,
};

static const struct wr_verb *const subs[] = { &list, &approve, &reject, &add, &remove_verb, NULL };

const struct wr_verb wr_verb_route = {
	.name = "route",
	.summary = "what is reached through machines: list, approve, reject, add, remove",
	.subs = subs,
};
