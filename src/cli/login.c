/* Another machine's server from here: signing in, and out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/api.h"
#include "cli/sign_in.h"
#include "cli/terminal.h"
#include "cli/trust.h"
#include "cli/verbs.h"
#include "linux/files.h"

#define PIN_OPTION \
	{ \
		0, "pin", "the certificate that it must show, by its pin", "PIN" \
	}

static const struct wr_option options[] = {
	WR_OPTION_HELP,
	{ 0, "login", "who you are", "LOGIN" },
	PIN_OPTION,
	{ 0, "token", "read a token from standard input; sign in with that" },
};

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

/* `credentials` have URL, pin and login. */
static int sign_in_with(const struct wr_arguments *arguments, struct wr_credentials *credentials,
			const char *password)
{
	const struct wr_http_target target = { .url = credentials->url, .pin = credentials->pin };
	WR_AUTO(wr_sign_in_done) struct wr_sign_in session = { 0 };
	int status = wr_sign_in_begin(arguments, &target, credentials->login, password, &session);

	return status == WR_EXIT_DONE ? exchange_for_token(&session, credentials) : status;
}

static int sign_in(const struct wr_arguments *arguments, struct wr_credentials *credentials)
{
	WR_AUTO(wr_password_freep) char *password = NULL;

	credentials->login = ask_login(arguments);
	if (credentials->login)
		password = wr_terminal_password("Password: ");
	if (!password || !*credentials->login)
		return wr_complain(arguments,
				   "give --login LOGIN, and the password on standard input");
	return sign_in_with(arguments, credentials, password);
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

/* Looks at the server, has `get` get a token from it, and keeps that. */
static int begin(const struct wr_arguments *arguments,
		 int (*get)(const struct wr_arguments *arguments,
			    struct wr_credentials *credentials))
{
	WR_AUTO(wr_credentials_done) struct wr_credentials credentials = { NULL };
	const char *url = arguments->operands[0];
	int status = wr_trust_url(arguments, url);

	if (status != WR_EXIT_DONE)
		return status;
	credentials.url = wr_text_new("%s", url);
	status = wr_trust_pin(arguments, url, &credentials.pin);
	if (status == WR_EXIT_DONE)
		status = get(arguments, &credentials);
	if (status != WR_EXIT_DONE)
		return status;
	status = wr_credentials_save(&credentials);
	if (status < 0)
		return wr_complain(arguments, "cannot keep the token: %s", strerror(-status));
	printf("signed in to %s%s%s\n", url, credentials.login ? " as " : "",
	       credentials.login ? credentials.login : "");
	return WR_EXIT_DONE;
}

static int run_login(const struct wr_arguments *arguments)
{
	return begin(arguments, wr_is_given(arguments, "token") ? take_token : sign_in);
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

/* --- warren sign-up --- */

static const struct wr_option sign_up_options[] = {
	WR_OPTION_HELP,
	{ 0, "login", "who you want to be", "LOGIN" },
	PIN_OPTION,
	{ 0, "name", "how people call you; the login if not given", "NAME" },
	{ 0, "organisation", "make an organisation, too", "NAME" },
	{ 0, "invite", "with an invitation, read behind the password" },
};

static int send_sign_up(const struct wr_arguments *arguments,
			const struct wr_credentials *credentials, json_t *body)
{
	struct wr_api api = {
		.arguments = arguments,
		.target = { .url = credentials->url, .pin = credentials->pin },
		.credentials = *credentials,
	};

	return wr_api_call(&api, "POST", wr_api_path("/sign-up"), body, NULL);
}

static int sign_up(const struct wr_arguments *arguments, struct wr_credentials *credentials)
{
	const char *name = wr_value_of(arguments, "name");
	WR_AUTO(wr_password_freep) char *password = NULL;
	WR_AUTO(wr_password_freep) char *invite = NULL;
	json_t *body;
	int status;

	credentials->login = ask_login(arguments);
	if (credentials->login)
		password = wr_terminal_new_password("Password: ");
	if (password && wr_is_given(arguments, "invite"))
		invite = wr_terminal_line("Invitation: ");
	if (!password || (!invite && wr_is_given(arguments, "invite")))
		return wr_complain(arguments,
				   "give --login LOGIN, and on standard input the password, "
				   "then the invitation if you have one");
	body = json_object();
	wr_json_set_text(body, "login", credentials->login);
	wr_json_set_text(body, "name", name ? name : credentials->login);
	wr_json_set_text(body, "password", password);
	wr_json_set_text(body, "invite", invite);
	wr_json_set_text(body, "organisation", wr_value_of(arguments, "organisation"));
	status = send_sign_up(arguments, credentials, body);
	return status == WR_EXIT_DONE ? sign_in_with(arguments, credentials, password) : status;
}

static int run_sign_up(const struct wr_arguments *arguments)
{
	return begin(arguments, sign_up);
}

const struct wr_verb wr_verb_sign_up = {
	.name = "sign-up",
	.summary = "make yourself an account on another machine's server",
	.about = "Where the server's setting allows it: to anyone, or with an invitation. Signs\n"
		 "in, as login does.\n",
	.options = sign_up_options,
	.option_count = WR_ARRAY_LEN(sign_up_options),
	.operand = "URL",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_sign_up,
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
