#include "cli/membership.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/api.h"
#include "http/client.h"
#include "linux/files.h"

/* A ping waits for three seconds, a key for the server's answer. */
#define TIMEOUT_SECONDS 40

const char *wr_membership_base(const struct wr_arguments *arguments)
{
	const char *given = wr_value_of(arguments, "state");
	const char *variable = getenv("WARREN_STATE");

	return given ? given : variable && *variable ? variable : NULL;
}

int wr_membership_each(const struct wr_arguments *arguments,
		       void (*see)(void *context, const char *interface, const char *folder),
		       void *context)
{
	const char *base = wr_membership_base(arguments);
	int status = wr_state_list(base, see, context);

	if (status == 0)
		return WR_EXIT_DONE;
	return wr_complain(arguments, "cannot read %s: %s%s", base ? base : WR_STATE_FOLDER,
			   strerror(-status), status == -EACCES ? " (run it as root)" : "");
}

/* --- Which one. --- */

struct search {
	const char *wanted; /* NULL: any */
	unsigned count;
	struct wr_membership *found;
	char *second;
};

static void see(void *context, const char *interface, const char *folder)
{
	struct search *search = context;

	if (search->wanted && strcmp(search->wanted, interface) != 0)
		return;
	if (++search->count == 1) {
		search->found->interface = wr_text_new("%s", interface);
		search->found->folder = wr_text_new("%s", folder);
	} else if (!search->second) {
		search->second = wr_text_new("%s", interface);
	}
}

static int refuse(const struct wr_arguments *arguments, const struct search *search)
{
	if (search->count == 0 && search->wanted)
		return wr_complain(arguments, "%s is no membership of this machine (warren status)",
				   search->wanted);
	if (search->count == 0)
		return wr_complain(arguments,
				   "this machine is a member of no network yet (warren join KEY)");
	return wr_complain(arguments,
			   "this machine is in several networks, such as those of %s and %s: say "
			   "--interface",
			   search->found->interface, search->second);
}

int wr_membership_find(const struct wr_arguments *arguments, struct wr_membership *ret_membership)
{
	struct wr_membership found = { .arguments = arguments };
	struct search search = { .wanted = wr_value_of(arguments, "interface"), .found = &found };
	int status = wr_membership_each(arguments, see, &search);

	if (status == WR_EXIT_DONE && search.count != 1)
		status = refuse(arguments, &search);
	free(search.second);
	if (status == WR_EXIT_DONE)
		*ret_membership = found;
	else
		wr_membership_done(&found);
	return status;
}

void wr_membership_done(struct wr_membership *membership)
{
	free(membership->interface);
	free(membership->folder);
	membership->interface = membership->folder = NULL;
}

/* --- Asking. --- */

static int call(const char *folder, const char *method, const char *path, const char *body,
		struct wr_http_answer *ret_answer, char ret_why[200])
{
	WR_AUTO(wr_text_freep) char *socket = wr_state_socket_path(folder);
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
	if (error == -ENOENT || error == -ECONNREFUSED)
		return wr_complain(membership->arguments,
				   "the agent of %s does not run (start it: systemctl start "
				   "warren-agent@%s, or warren agent %s)",
				   membership->interface, membership->interface,
				   membership->interface);
	if (error == -EACCES)
		return wr_complain(membership->arguments,
				   "the agent of %s answers to root only (run it as root)",
				   membership->interface);
	return wr_complain(membership->arguments, "the agent of %s: %s", membership->interface,
			   why);
}

int wr_membership_ask(const struct wr_membership *membership, const char *method, const char *path,
		      json_t *body, json_t **ret_result)
{
	WR_AUTO(wr_text_freep) char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
	struct wr_http_answer answer = { 0 };
	char why[200] = "";
	int status = call(membership->folder, method, path, text, &answer, why);

	json_decref(body);
	if (status < 0)
		return explain(membership, status, why);
	*ret_result = json_loads(answer.body ? answer.body : "", 0, NULL);
	status = WR_EXIT_DONE;
	if (answer.status != 200) {
		const char *detail = wr_json_text(*ret_result, "detail");

		status = wr_complain(membership->arguments, "%s",
				     detail ? detail : "the agent does not understand this");
		json_decref(*ret_result);
		*ret_result = NULL;
	}
	wr_http_answer_done(&answer);
	return status;
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
