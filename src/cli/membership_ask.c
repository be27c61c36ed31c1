/* Asking the daemon of a membership over its control socket. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/api.h"
#include "cli/membership.h"
#include "http/client.h"
#include "linux/files.h"

/* A ping waits for three seconds, a key for the server's answer. */
#define TIMEOUT_SECONDS 40
/* A daemon puts back what it changed, and ends: at most so long. */
#define END_SECONDS 15

static int call(const char *folder, const char *method, const char *path, const char *body,
		struct wr_http_answer *ret_answer, char ret_why[200])
{
	WR_AUTO(wr_text_freep) char *socket = wr_folder_socket_path(folder);
	const struct wr_http_target target = { .unix_path = socket };
	const struct wr_http_ask ask = {
		.method = method,
		.path = path,
		.content_type = body ? "application/json" : NULL,
		.body = { (const uint8_t *)body, body ? strlen(body) : 0 },
		.timeout_seconds = TIMEOUT_SECONDS,
	};

	return wr_http_call(&target, &ask, ret_answer, ret_why);
}

static int explain(const struct wr_membership *membership, int error, const char *why)
{
	const char *what = membership->kind == WR_FOLDER_MESH ? "mesh" : "agent";
	WR_AUTO(wr_text_freep)
	char *hint = wr_membership_start_hint(membership->kind, membership->interface);

	if (error == -ENOENT || error == -ECONNREFUSED)
		return wr_complain(membership->arguments,
				   "the %s of %s does not run (start it: %s)", what,
				   membership->interface, hint);
	if (error == -EACCES)
		return wr_complain(membership->arguments,
				   "the %s of %s answers to root only (run it as root)", what,
				   membership->interface);
	return wr_complain(membership->arguments, "the %s of %s: %s", what, membership->interface,
			   why);
}

int wr_membership_call(const struct wr_membership *membership, const char *method, const char *path,
		       json_t *body, unsigned *ret_status, json_t **ret_result)
{
	WR_AUTO(wr_text_freep) char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct wr_http_answer answer = { 0 };
	char why[200] = "";
	int status = call(membership->folder, method, path, text, &answer, why);

	json_decref(body);
	if (status < 0)
		return explain(membership, status, why);
	*ret_status = answer.status;
	*ret_result = json_loads(answer.body ? answer.body : "", 0, NULL);
	wr_http_answer_done(&answer);
	return WR_EXIT_DONE;
}

int wr_membership_ask(const struct wr_membership *membership, const char *method, const char *path,
		      json_t *body, json_t **ret_result)
{
	WR_AUTO(wr_json_freep) json_t *result = NULL;
	unsigned http_status = 0;
	int status = wr_membership_call(membership, method, path, body, &http_status, &result);
	const char *detail = wr_json_text(result, "detail");

	if (status != WR_EXIT_DONE)
		return status;
	if (http_status != 200)
		return wr_complain(membership->arguments, "%s",
				   detail ? detail : "the daemon does not understand this");
	*ret_result = WR_TAKE(result);
	return WR_EXIT_DONE;
}

bool wr_membership_try(const char *folder, const char *method, const char *path,
		       json_t **ret_result)
{
	struct wr_http_answer answer = { 0 };
	char why[200];
	json_t *result = NULL;

	if (call(folder, method, path, NULL, &answer, why) < 0)
		return false;
	if (answer.status == 200)
		result = json_loads(answer.body ? answer.body : "", 0, NULL);
	wr_http_answer_done(&answer);
	if (result && ret_result)
		*ret_result = result;
	else
		json_decref(result);
	return result != NULL;
}

/* --- The end. --- */

static bool is_gone(const struct wr_membership *membership)
{
	return !wr_membership_try(membership->folder, "GET", "/status", NULL) &&
	       wr_folder_is_free(membership->folder);
}

int wr_membership_end(const struct wr_membership *membership)
{
	const struct timespec pause = { .tv_nsec = 50000000 };

	if (!wr_membership_try(membership->folder, "POST", "/end", NULL) && is_gone(membership))
		return WR_EXIT_DONE;
	for (int i = 0; i < END_SECONDS * 20; i++) {
		if (is_gone(membership))
			return WR_EXIT_DONE;
		nanosleep(&pause, NULL);
	}
	return wr_complain(membership->arguments,
			   "the program of %s does not end: kill it, and try again",
			   membership->interface);
}
