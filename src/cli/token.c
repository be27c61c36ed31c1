/* Verbs of tokens, by which programs use the API. */
#include "cli/simple.h"
#include "cli/verbs.h"

static const struct wr_column listed[] = {
	{ "ID", "uid", WR_LOOK_TEXT },          { "NAME", "name", WR_LOOK_TEXT },
	{ "ORG", "org", WR_LOOK_TEXT },         { "ROLE", "role", WR_LOOK_TEXT },
	{ "WRITES", "may_write", WR_LOOK_YES }, { "EXPIRES", "expires", WR_LOOK_AGO },
	{ "USED", "last_used", WR_LOOK_AGO },
};

static const struct wr_option list_options[] = { WR_API_OPTIONS, WR_OPTION_JSON };
static const struct wr_option revoke_options[] = { WR_API_OPTIONS };
static const struct wr_option create_options[] = {
	WR_ORG_OPTIONS,
	WR_OPTION_JSON,
	{ 0, "role", "no more than an owner, admin, operator or viewer may",
	  "owner|admin|operator|viewer" },
	{ 0, "read-only", "it changes nothing" },
	{ 0, "expires", "how long it can be used: 12h, 30d", "SPAN" },
};

/* A token is not tied to an organisation unless one is named. */
static int run_create(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_json_freep) json_t *body = json_object();
	WR_AUTO(wr_json_freep) json_t *token = NULL;
	int status;

	wr_json_set_text(body, "name", arguments->operands[0]);
	wr_json_set_text(body, "org", wr_value_of(arguments, "org"));
	wr_json_set_text(body, "role", wr_value_of(arguments, "role"));
	wr_json_set_text(body, "expires_in", wr_value_of(arguments, "expires"));
	json_object_set_new(body, "may_write", json_boolean(!wr_is_given(arguments, "read-only")));
	status = wr_simple_ask(arguments, WR_SCOPE_SITE, "POST", "/tokens", WR_TAKE(body), &token);
	if (status != WR_EXIT_DONE)
		return status;
	if (wr_is_given(arguments, "json"))
		wr_api_print(token);
	else
		printf("%s\n", wr_json_text(token, "token") ? wr_json_text(token, "token") : "");
	return WR_EXIT_DONE;
}

static const struct wr_verb create = {
	.group = "token",
	.name = "create",
	.summary = "make a token for a program; prints it, this once",
	.about =
		"A program sends it as \"Authorization: Bearer TOKEN\"; warren itself takes it from\n"
		"WARREN_TOKEN, with WARREN_URL.\n",
	.options = create_options,
	.option_count = WR_ARRAY_LEN(create_options),
	.operand = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_create,
};

static int run_list(const struct wr_arguments *arguments)
{
	return wr_simple_list(arguments, WR_SCOPE_SITE, "/tokens", listed, WR_ARRAY_LEN(listed));
}

static const struct wr_verb list = {
	.group = "token",
	.name = "list",
	.summary = "your tokens",
	.options = list_options,
	.option_count = WR_ARRAY_LEN(list_options),
	.run = run_list,
};

static int run_revoke(const struct wr_arguments *arguments)
{
	return wr_simple_call(arguments, WR_SCOPE_SITE, "DELETE", "/tokens/{}", NULL);
}

static const struct wr_verb revoke = {
	.group = "token",
	.name = "revoke",
	.summary = "end a token",
	.options = revoke_options,
	.option_count = WR_ARRAY_LEN(revoke_options),
	.operand = "ID",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_revoke,
};

static const struct wr_verb *const subs[] = { &create, &list, &revoke, NULL };

const struct wr_verb wr_verb_token = {
	.name = "token",
	.summary = "tokens for programs: create, list, revoke",
	.subs = subs,
};
