/* Verbs of invitations of people. */
#include "cli/simple.h"
#include "cli/verbs.h"

static const struct wr_column listed[] = {
	{ "ID", "uid", WR_LOOK_TEXT },
	{ "ROLE", "role", WR_LOOK_TEXT },
	{ "EXPIRES", "expires", WR_LOOK_AGO },
};

static const struct wr_option list_options[] = { WR_ORG_OPTIONS, WR_OPTION_JSON };
static const struct wr_option revoke_options[] = { WR_ORG_OPTIONS };
static const struct wr_option create_options[] = {
	WR_ORG_OPTIONS,
	WR_OPTION_JSON,
	{ 0, "role", "what they may do: owner, admin, operator or viewer",
	  "owner|admin|operator|viewer" },
	{ 0, "expires", "how long it can be used: 12h, 7d", "SPAN" },
};

static int run_create(const struct wr_arguments *arguments)
{
	const char *role = wr_value_of(arguments, "role");
	WR_AUTO(wr_json_freep) json_t *body = json_object();
	WR_AUTO(wr_json_freep) json_t *invite = NULL;
	int status;

	wr_json_set_text(body, "role", role ? role : "viewer");
	wr_json_set_text(body, "expires_in", wr_value_of(arguments, "expires"));
	status = wr_simple_ask(arguments, WR_SCOPE_ORG, "POST", "/orgs/{}/invites", WR_TAKE(body),
			       &invite);
	if (status != WR_EXIT_DONE)
		return status;
	if (wr_is_given(arguments, "json"))
		wr_api_print(invite);
	else
		printf("%s\n",
		       wr_json_text(invite, "invite") ? wr_json_text(invite, "invite") : "");
	return WR_EXIT_DONE;
}

static const struct wr_verb create = {
	.group = "invite-user",
	.name = "create",
	.summary = "invite one person; prints what to sign up with",
	.about = "They use it with: warren sign-up URL --invite\n",
	.options = create_options,
	.option_count = WR_ARRAY_LEN(create_options),
	.run = run_create,
};

static int run_list(const struct wr_arguments *arguments)
{
	return wr_simple_list(arguments, WR_SCOPE_ORG, "/orgs/{}/invites", listed,
			      WR_ARRAY_LEN(listed));
}

static const struct wr_verb list = {
	.group = "invite-user",
	.name = "list",
	.summary = "invitations that were not used yet",
	.options = list_options,
	.option_count = WR_ARRAY_LEN(list_options),
	.run = run_list,
};

static int run_revoke(const struct wr_arguments *arguments)
{
	return wr_simple_call(arguments, WR_SCOPE_ORG, "DELETE", "/orgs/{}/invites/{}", NULL);
}

static const struct wr_verb revoke = {
	.group = "invite-user",
	.name = "revoke",
	.summary = "take an invitation back",
	.options = revoke_options,
	.option_count = WR_ARRAY_LEN(revoke_options),
	.operand = "ID",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_revoke,
};

static const struct wr_verb *const subs[] = { &create, &list, &revoke, NULL };

const struct wr_verb wr_verb_invite_user = {
	.name = "invite-user",
	.summary = "invitations of people: create, list, revoke",
	.subs = subs,
};
