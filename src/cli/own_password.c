#include "cli/own_password.h"

#include "cli/api.h"
#include "cli/sign_in.h"
#include "cli/terminal.h"

/* A token is not enough to take somebody's account over: a session is. */
static int change(const struct wr_arguments *arguments, const struct wr_credentials *credentials,
		  const char *current, const char *new)
{
	const struct wr_http_target target = { .url = credentials->url, .pin = credentials->pin };
	WR_AUTO(wr_sign_in_done) struct wr_sign_in session = { 0 };
	WR_AUTO(wr_json_freep) json_t *nothing = NULL;
	WR_AUTO(wr_json_freep) json_t *nothing_either = NULL;
	int status = wr_sign_in_begin(arguments, &target, credentials->login, current, &session);
	int ended;

	if (status != WR_EXIT_DONE)
		return status;
	status = wr_sign_in_call(&session, "PUT", "/session/password",
				 json_pack("{s:s, s:s}", "current", current, "new", new), &nothing);
	ended = wr_sign_in_call(&session, "DELETE", "/session", NULL, &nothing_either);
	return status == WR_EXIT_DONE ? ended : status;
}

int wr_own_password(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_credentials_done) struct wr_credentials credentials = { NULL };
	WR_AUTO(wr_password_freep) char *current = NULL;
	WR_AUTO(wr_password_freep) char *new = NULL;

	if (wr_credentials_load(&credentials) < 0 || !credentials.login)
		return wr_complain(arguments,
				   "say whose: warren user password LOGIN; for your own, sign "
				   "in first (warren login URL)");
	current = wr_terminal_password("Password as it is: ");
	if (current)
		new = wr_terminal_new_password("New password: ");
	if (!new || !*new)
		return wr_complain(arguments,
				   "no passwords, as it is and as it is to be, were given on "
				   "standard input");
	return change(arguments, &credentials, current, new);
}
