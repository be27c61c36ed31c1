/* Verbs of the server itself. */
#include <string.h>

#include "cli/simple.h"
#include "cli/terminal.h"
#include "cli/verbs.h"
#include "linux/files.h"

#define SECRET_MAX 4096

static const struct wr_column shown[] = {
	{ "version", "version", WR_LOOK_TEXT },
	{ "hub's endpoint", "hub_endpoint", WR_LOOK_TEXT },
	{ "hub's port", "hub_port", WR_LOOK_NUMBER },
	{ "sign-up", "sign_up", WR_LOOK_TEXT },
	{ "started", "started", WR_LOOK_AGO },
};

static const struct wr_option show_options[] = { WR_API_OPTIONS, WR_OPTION_JSON };
static const struct wr_option unlock_options[] = {
	WR_API_OPTIONS,
	{ 0, "current", "file with the secret as it is", "FILE" },
	{ 0, "new", "file with the one that is to be", "FILE" },
};

static int run_show(const struct wr_arguments *arguments)
{
	return wr_simple_show(arguments, WR_SCOPE_SITE, "/server", shown, WR_ARRAY_LEN(shown));
}

static const struct wr_verb show = {
	.group = "server",
	.name = "show",
	.summary = "its version, endpoint, and since when it runs",
	.options = show_options,
	.option_count = WR_ARRAY_LEN(show_options),
	.run = run_show,
};

static int run_repair(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_json_freep) json_t *result = NULL;
	int status = wr_simple_ask(arguments, WR_SCOPE_SITE, "POST", "/server/repair", NULL,
				   &result);

	if (status != WR_EXIT_DONE)
		return status;
	if (wr_is_given(arguments, "json"))
		wr_api_print(result);
	else
		printf("repairs  %" JSON_INTEGER_FORMAT "\n",
		       json_integer_value(json_object_get(result, "repairs")));
	return WR_EXIT_DONE;
}

static const struct wr_verb repair = {
	.group = "server",
	.name = "repair",
	.summary = "compare the hub with what it should be, and mend it, now",
	.options = show_options,
	.option_count = WR_ARRAY_LEN(show_options),
	.run = run_repair,
};

/* Of a file, or asked for; NULL, told, where there is none. */
static char *read_secret(const struct wr_arguments *arguments, const char *option,
			 const char *prompt, bool is_new)
{
	const char *path = wr_value_of(arguments, option);
	char *secret = NULL;
	int status;

	if (!path) {
		secret = is_new ? wr_terminal_new_password(prompt) : wr_terminal_password(prompt);
		if (!secret)
			wr_complain(arguments, "say --%s FILE, or give it on standard input",
				    option);
		return secret;
	}
	status = wr_file_read(path, SECRET_MAX, &secret);
	if (status < 0)
		wr_complain(arguments, "cannot read %s: %s", path, strerror(-status));
	else
		secret[strcspn(secret, "\r\n")] = '\0';
	return secret;
}

static int run_unlock(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_password_freep)
	char *current = read_secret(arguments, "current", "Unlock secret as it is: ", false);
	WR_AUTO(wr_password_freep) char *next = NULL;

	if (!current)
		return WR_EXIT_FAILED;
	next = read_secret(arguments, "new", "New unlock secret: ", true);
	if (!next)
		return WR_EXIT_FAILED;
	return wr_simple_call(arguments, WR_SCOPE_SITE, "POST", "/server/unlock",
			      json_pack("{s:s, s:s}", "current", current, "new", next));
}

static const struct wr_verb unlock = {
	.group = "server",
	.name = "unlock",
	.summary = "change the unlock secret",
	.about = "Both are read without echo, or from standard input, a line each, or from files.\n"
		 "From the next start on the server needs the new one; backups made before still\n"
		 "need the old.\n",
	.options = unlock_options,
	.option_count = WR_ARRAY_LEN(unlock_options),
	.run = run_unlock,
};

static const struct wr_verb *const subs[] = { &show, &repair, &unlock, NULL };

const struct wr_verb wr_verb_server = {
	.name = "server",
	.summary = "the server itself: show, repair, unlock",
	.subs = subs,
};
