/* Another machine's server from here: signing in, and out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/api.h"
#include "cli/files.h"
#include "cli/sign_in.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

#define TIMEOUT_SECONDS 30

static const struct wr_option options[] = {
	WR_OPTION_HELP,
	{ 0, "login", "who you are", "LOGIN" },
	{ 0, "pin", "the certificate that it must show, by its pin", "PIN" },
	{ 0, "token", "read a token from standard input; sign in with that" },
};

/* --- Which server, and whether it is the right one. --- */

static bool is_loopback_url(const char *url)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost", "[::1]" };

	for (size_t i = 0; i < WR_ARRAY_LEN(hosts); i++) {
		size_t len = strlen(hosts[i]);

		if (strncmp(url + strlen("http://"), hosts[i], len) == 0 &&
		    strchr(":/", url[strlen("http://") + len]))
			return true;
	}
	return false;
}

static int check_url(const struct wr_arguments *arguments, const char *url)
{
	if (strncasecmp(url, "https://", 8) == 0)
		return WR_EXIT_DONE;
	if (strncasecmp(url, "http://", 7) != 0)
		return wr_misuse(arguments, "a URL is https://HOST:PORT, not %s", url);
	if (is_loopback_url(url))
		return WR_EXIT_DONE;
	return wr_complain(arguments, "a password would go in the clear: use https://");
}

/* The pin stands at the end of what is said about a certificate that nobody vouches for. */
static const char *pin_in(const char *why)
{
	const char *pin = strstr(why, ": pin ");

	return pin ? pin + strlen(": pin ") : NULL;
}

static bool accepts(const char *url, const char *pin)
{
	WR_AUTO(wr_text_freep)
	char *question =
		wr_text_new("Nobody vouches for the certificate of %s. Its pin is\n\n  %s\n\n"
			    "The server told its own when it started. Is this it? (y/N) ",
			    url, pin);

	return wr_terminal_confirm(question);
}

/* Asks the server for its certificate. *ret_pin is NULL where the system's authorities vouch
 * for it. Exit status. */
static int find_pin(const struct wr_arguments *arguments, const char *url, char **ret_pin)
{
	const struct wr_http_target target = { .url = url };
	const struct wr_http_ask ask = {
		.method = "GET",
		.path = "/livez",
		.timeout_seconds = TIMEOUT_SECONDS,
	};
	struct wr_http_answer answer = { 0 };
	char why[200] = "";
	int status = wr_http_call(&target, &ask, &answer, why);
	const char *pin = pin_in(why);

	wr_http_answer_done(&answer);
	if (status == 0)
		return WR_EXIT_DONE;
	if (status != -EKEYREJECTED || !pin)
		return wr_complain(arguments, "cannot ask %s: %s", url,
				   *why ? why : strerror(-status));
	if (!wr_terminal_can_ask())
		return wr_complain(
			arguments,
			"nobody vouches for its certificate: say --pin %s if that is the "
			"pin that the server told when it started",
			pin);
	if (!accepts(url, pin))
		return wr_complain(arguments, "not signed in");
	*ret_pin = wr_text_new("%s", pin);
	return WR_EXIT_DONE;
}

static int choose_pin(const struct wr_arguments *arguments, const char *url, char **ret_pin)
{
	const char *given = wr_value_of(arguments, "pin");

	if (!given)
		return find_pin(arguments, url, ret_pin);
	*ret_pin = wr_text_new("%s", given);
	return WR_EXIT_DONE;
}

/* --- Signing in. --- */

static char *ask_login(const struct wr_arguments *arguments)
{
	const char *given = wr_value_of(arguments, "login");

	return given ? wr_text_new("%s", given) : wr_terminal_line("Login: ");
}

static json_t *token_wanted(void)
{
	char host[256] = "";
	WR_AUTO(wr_text_freep) char *name = NULL;

	(void)gethostname(host, sizeof(host) - 1);
	name = wr_text_new("warren login at %.40s", *host ? host : "a machine");
	return json_pack("{s:s, s:b}", "name", name, "may_write", 1);
}

/* What comes out of it is the token; the session ends. */
static int exchange_for_token(struct wr_sign_in *session, struct wr_credentials *credentials)
{
	WR_AUTO(wr_json_freep) json_t *token = NULL;
	WR_AUTO(wr_json_freep) json_t *nothing = NULL;
	const char *text, *uid;
	int status = wr_sign_in_call(session, "POST", "/tokens", token_wanted(), &token);

	if (status == WR_EXIT_DONE)
		status = wr_sign_in_call(session, "DELETE", "/session", NULL, &nothing);
	if (status != WR_EXIT_DONE)
		return status;
	text = wr_json_text(token, "token");
	uid = wr_json_text(token, "uid");
	if (!text)
		return wr_complain(session->arguments, "the server made no token");
	credentials->token = wr_text_new("%s", text);
	credentials->token_uid = uid ? wr_text_new("%s", uid) : NULL;
	return WR_EXIT_DONE;
}

static int sign_in(const struct wr_arguments *arguments, struct wr_credentials *credentials)
{
	const struct wr_http_target target = { .url = credentials->url, .pin = credentials->pin };
	WR_AUTO(wr_password_freep) char *password = NULL;
	WR_AUTO(wr_sign_in_done) struct wr_sign_in session = { 0 };
	int status;

	credentials->login = ask_login(arguments);
	if (credentials->login)
		password = wr_terminal_password("Password: ");
	if (!password || !*credentials->login)
		return wr_complain(arguments,
				   "give --login LOGIN, and the password on standard input");
	status = wr_sign_in_begin(arguments, &target, credentials->login, password, &session);
	return status == WR_EXIT_DONE ? exchange_for_token(&session, credentials) : status;
}

/* A token that was made elsewhere: one call shows whether it is good. */
static int take_token(const struct wr_arguments *arguments, struct wr_credentials *credentials)
{
	struct wr_api api = { .arguments = arguments };
	WR_AUTO(wr_password_freep) char *authorization = NULL;

	credentials->token = wr_terminal_password("Token: ");
	if (!credentials->token || !*credentials->token)
		return wr_complain(arguments, "there is no token on standard input");
	authorization = wr_text_new("Bearer %s", credentials->token);
	api.credentials = *credentials;
	api.target = (struct wr_http_target){ .url = credentials->url, .pin = credentials->pin };
	api.authorization = authorization;
	return wr_api_call(&api, "GET", wr_api_path("/server"), NULL, NULL);
}

static int run_login(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_credentials_done) struct wr_credentials credentials = { NULL };
	const char *url = arguments->operands[0];
	int status = check_url(arguments, url);

	if (status != WR_EXIT_DONE)
		return status;
	credentials.url = wr_text_new("%s", url);
	status = choose_pin(arguments, url, &credentials.pin);
	if (status == WR_EXIT_DONE)
		status = wr_is_given(arguments, "token") ? take_token(arguments, &credentials)
							 : sign_in(arguments, &credentials);
	if (status != WR_EXIT_DONE)
		return status;
	status = wr_credentials_save(&credentials);
	if (status < 0)
		return wr_complain(arguments, "cannot keep the token: %s", strerror(-status));
	printf("signed in to %s%s%s\n", url, credentials.login ? " as " : "",
	       credentials.login ? credentials.login : "");
	return WR_EXIT_DONE;
}

const struct wr_verb wr_verb_login = {
	.name = "login",
	.summary = "use another machine's server from here",
	.about =
		"Shows the certificate's pin, asks for login and password, and keeps a token in\n"
		"~/.config/warren/credentials, mode 0600. From then on all verbs ask that server.\n",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.operand = "URL",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_login,
};

/* --- warren logout --- */

static const struct wr_option logout_options[] = { WR_OPTION_HELP };

/* The token ends at the server, too; if that is not there any more, it is forgotten here. */
static void end_token(const struct wr_arguments *arguments, struct wr_credentials *credentials)
{
	struct wr_api api = { .arguments = arguments };
	WR_AUTO(wr_password_freep)
	char *authorization = wr_text_new("Bearer %s", credentials->token);

	api.credentials = *credentials;
	api.target = (struct wr_http_target){ .url = credentials->url, .pin = credentials->pin };
	api.authorization = authorization;
	if (wr_api_call(&api, "DELETE", wr_api_path("/tokens/{}", credentials->token_uid), NULL,
			NULL) != WR_EXIT_DONE)
		fprintf(stderr, "warren logout: the token may still be good there: revoke it "
				"(warren token list, warren token revoke)\n");
}

static int run_logout(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_credentials_done) struct wr_credentials credentials = { NULL };
	int status = wr_credentials_load(&credentials);

	if (status == -ENOENT)
		return wr_complain(arguments, "nobody is signed in here");
	if (status == 0 && credentials.token_uid)
		end_token(arguments, &credentials);
	status = wr_credentials_forget();
	if (status < 0)
		return wr_complain(arguments, "cannot remove the token: %s", strerror(-status));
	return WR_EXIT_DONE;
}

const struct wr_verb wr_verb_logout = {
	.name = "logout",
	.summary = "end what login began",
	.options = logout_options,
	.option_count = WR_ARRAY_LEN(logout_options),
	.run = run_logout,
};
