/* Orders to the daemon of a membership. */
#include <stdio.h>
#include <string.h>

#include "cli/api.h"
#include "cli/membership.h"
#include "cli/verbs.h"

static const struct wr_option options[] = { WR_NETWORK_OPTIONS };
static const struct wr_option rotate_options[] = { WR_MEMBERSHIP_OPTIONS };
static const struct wr_option refresh_options[] = {
	WR_NETWORK_OPTIONS,
	{ 0, "accept", "obey also a database that is older than was known" },
};

/* One order; takes `body`. */
static int order(const struct wr_arguments *arguments,
		 int (*find)(const struct wr_arguments *arguments,
			     struct wr_membership *ret_membership),
		 const char *path, json_t *body)
{
	WR_AUTO(wr_json_freep) json_t *result = NULL;
	struct wr_membership membership;
	int status = find(arguments, &membership);

	if (status != WR_EXIT_DONE) {
		json_decref(body);
		return status;
	}
	status = wr_membership_ask(&membership, "POST", path, body, &result);
	wr_membership_done(&membership);
	return status;
}

static int run_refresh(const struct wr_arguments *arguments)
{
	return order(arguments, wr_membership_find,
		     wr_is_given(arguments, "accept") ? "/refresh?accept=1" : "/refresh", NULL);
}

const struct wr_verb wr_verb_refresh = {
	.name = "refresh",
	.summary = "ask the server, or members, now; compare this machine with its map",
	.options = refresh_options,
	.option_count = WR_ARRAY_LEN(refresh_options),
	.run = run_refresh,
};

static int run_rotate(const struct wr_arguments *arguments)
{
	return order(arguments, wr_membership_find_agent, "/rotate", NULL);
}

const struct wr_verb wr_verb_rotate = {
	.name = "rotate",
	.summary = "take another WireGuard key; nothing else changes",
	.options = rotate_options,
	.option_count = WR_ARRAY_LEN(rotate_options),
	.run = run_rotate,
};

static int run_advertise(const struct wr_arguments *arguments)
{
	json_t *routes = json_array();

	for (unsigned i = 0; i < arguments->operand_count; i++)
		json_array_append_new(routes, json_string(arguments->operands[i]));
	return order(arguments, wr_membership_find, "/routes",
		     json_pack("{s:o}", "routes", routes));
}

const struct wr_verb wr_verb_advertise = {
	.name = "advertise",
	.summary = "offer to be the router for these ranges, and for no others",
	.about = "The people of a server's network approve them (warren route approve).\n",
	.operand = "[CIDR]...",
	.max_operands = 64,
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.run = run_advertise,
};
