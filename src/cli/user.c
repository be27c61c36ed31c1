/* Verbs of people. */
#include <stdlib.h>
#include <string.h>

#include "cli/own_password.h"
#include "cli/simple.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

static const struct wr_column listed[] = {
	{ "LOGIN", "login", WR_LOOK_TEXT },        { "NAME", "name", WR_LOOK_TEXT },
	{ "ADMIN", "is_site_admin", WR_LOOK_YES }, { "DISABLED", "is_disabled", WR_LOOK_YES },
	{ "CREATED", "created", WR_LOOK_TIME },
};

static int print_user(const struct wr_arguments *arguments, const json_t *user)
{
	const char *password = wr_json_text(user, "password");

	if (wr_is_given(arguments, "json"))
		wr_api_print(user);
	else if (password)
		printf("password  %s\n", password);
	return WR_EXIT_DONE;
}

/* --- warren user add --- */

static const struct wr_option add_options[] = {
	WR_API_OPTIONS,
	WR_OPTION_JSON,
	{ 0, "name", "how people call them; the login if not given", "NAME" },
	{ 0, "admin", "a site administrator" },
	{ 0, "password-stdin", "read the password from standard input" },
};

static int run_add(const struct wr_arguments *arguments)
{
	const char *name = wr_value_of(arguments, "name");
	WR_AUTO(wr_password_freep) char *password = NULL;
	WR_AUTO(wr_json_freep) json_t *body = json_object();
	WR_AUTO(wr_json_freep) json_t *user = NULL;
	int status;

	wr_json_set_text(body, "login", arguments->operands[0]);
	wr_json_set_text(body, "name", name ? name : arguments->operands[0]);
	if (wr_is_given(arguments, "admin"))
		json_object_set_new(body, "is_site_admin", json_true());
	if (wr_is_given(arguments, "password-stdin")) {
		password = wr_terminal_new_password("Password: ");
		if (!password)
			return wr_complain(arguments, "there is no password on standard input");
		wr_json_set_text(body, "password", password);
	}
	status = wr_simple_ask(arguments, WR_SCOPE_SITE, "POST", "/users", WR_TAKE(body), &user);
	return status == WR_EXIT_DONE ? print_user(arguments, user) : status;
}

static const struct wr_verb add = {
	.group = "user",
	.name = "add",
	.summary = "let somebody sign in; prints a password made for them",
	.options = add_options,
	.option_count = WR_ARRAY_LEN(add_options),
	.operand = "LOGIN",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_add,
};

/* --- warren user list --- */

static const struct wr_option list_options[] = { WR_API_OPTIONS, WR_OPTION_JSON };

static int run_list(const struct wr_arguments *arguments)
{
	return wr_simple_list(arguments, WR_SCOPE_SITE, "/users", listed, WR_ARRAY_LEN(listed));
}

static const struct wr_verb list = {
	.group = "user",
	.name = "list",
	.summary = "who may sign in",
	.options = list_options,
	.option_count = WR_ARRAY_LEN(list_options),
	.run = run_list,
};

/* --- warren user change --- */

static const struct wr_option change_options[] = {
	WR_API_OPTIONS,
	WR_OPTION_JSON,
	{ 0, "name", "how people call them", "NAME" },
	{ 0, "admin", "make them a site administrator: yes or no", "yes|no" },
	{ 0, "disable", "let them in no more, until enabled" },
	{ 0, "enable", "let them in again" },
};

static int run_change(const struct wr_arguments *arguments)
{
	const char *admin = wr_value_of(arguments, "admin");
	WR_AUTO(wr_json_freep) json_t *body = json_object();
	WR_AUTO(wr_json_freep) json_t *user = NULL;
	int status;

	wr_json_set_text(body, "name", wr_value_of(arguments, "name"));
	if (admin)
		json_object_set_new(body, "is_site_admin", json_boolean(strcmp(admin, "yes") == 0));
	if (wr_is_given(arguments, "disable") || wr_is_given(arguments, "enable"))
		json_object_set_new(body, "is_disabled",
				    json_boolean(wr_is_given(arguments, "disable")));
	if (json_object_size(body) == 0)
		return wr_misuse(arguments,
				 "say what to change: --name, --admin, --disable, --enable");
	status = wr_simple_ask(arguments, WR_SCOPE_SITE, "PATCH", "/users/{}", WR_TAKE(body),
			       &user);
	return status == WR_EXIT_DONE ? print_user(arguments, user) : status;
}

static const struct wr_verb change = {
	.group = "user",
	.name = "change",
	.summary = "rename, disable or enable somebody, or make them administrator",
	.options = change_options,
	.option_count = WR_ARRAY_LEN(change_options),
	.operand = "LOGIN",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_change,
};

/* --- warren user remove --- */

static const struct wr_option remove_options[] = { WR_API_OPTIONS };

static int run_remove(const struct wr_arguments *arguments)
{
	return wr_simple_call(arguments, WR_SCOPE_SITE, "DELETE", "/users/{}", NULL);
}

static const struct wr_verb remove_user = {
	.group = "user",
	.name = "remove",
	.summary = "remove somebody, with their sessions and tokens",
	.options = remove_options,
	.option_count = WR_ARRAY_LEN(remove_options),
	.operand = "LOGIN",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_remove,
};

/* --- warren user password --- */

static const struct wr_option password_options[] = { WR_API_OPTIONS };

static int set_others(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_password_freep) char *new = wr_terminal_new_password("New password: ");

	if (!new || !*new)
		return wr_complain(arguments, "no password was given on standard input");
	return wr_simple_call(arguments, WR_SCOPE_SITE, "PATCH", "/users/{}",
			      json_pack("{s:s}", "password", new));
}

static int run_password(const struct wr_arguments *arguments)
{
	return arguments->operand_count > 0 ? set_others(arguments) : wr_own_password(arguments);
}

static const struct wr_verb password = {
	.group = "user",
	.name = "password",
	.summary = "set a password: your own, or as administrator another's",
	.about =
		"Read without echo, or from standard input; your own behind the one that it was.\n",
	.options = password_options,
	.option_count = WR_ARRAY_LEN(password_options),
	.operand = "[LOGIN]",
	.max_operands = 1,
	.run = run_password,
};

static const struct wr_verb *const subs[] = { &add, &list, &change, &password, &remove_user, NULL };

const struct wr_verb wr_verb_user = {
	.name = "user",
	.summary = "people: add, list, change, password, remove",
	.subs = subs,
};
