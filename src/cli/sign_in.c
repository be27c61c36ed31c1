#include "cli/sign_in.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/key.h"
#include "cli/answer.h"
#include "cli/api.h"
#include "cli/terminal.h"
#include "http/dial.h"
#include "linux/files.h"

#define TIMEOUT_SECONDS 60

static void answer_freep(struct wr_answer **answer)
{
	if (*answer)
		wr_wipe(*answer, sizeof(**answer));
	free(*answer);
}

static struct wr_answer *answer_new(void)
{
	struct wr_answer *answer = malloc(sizeof(*answer));

	if (!answer)
		abort();
	wr_answer_init(answer);
	return answer;
}

static int receive(struct wr_dial *dial, struct wr_answer *answer)
{
	while (!answer->is_whole) {
		char piece[4096];
		ssize_t len = wr_dial_receive(dial, (uint8_t *)piece, sizeof(piece));

		if (len < 0)
			return (int)len;
		if (!wr_answer_feed(answer, piece, (size_t)len))
			return wr_dial_fail(dial, -EPROTO, "the answer is no HTTP");
	}
	return 0;
}

static char *make_request(const struct wr_sign_in *session, const struct wr_dial *dial,
			  const char *method, const char *path, const char *body)
{
	return wr_text_new("%s %s/api/v1%s HTTP/1.1\r\n"
			   "host: %s\r\n"
			   "accept: application/json\r\n"
			   "user-agent: warren\r\n"
			   "connection: close\r\n"
			   "%s%s%s%s%s%s"
			   "content-type: application/json\r\n"
			   "content-length: %zu\r\n\r\n%s",
			   method, dial->url.prefix, path, dial->url.host,
			   session->cookie ? "cookie: " : "",
			   session->cookie ? session->cookie : "", session->cookie ? "\r\n" : "",
			   session->csrf ? "x-csrf-token: " : "",
			   session->csrf ? session->csrf : "", session->csrf ? "\r\n" : "",
			   strlen(body), body);
}

static int exchange(const struct wr_sign_in *session, const char *method, const char *path,
		    const char *body, struct wr_answer *answer)
{
	char why[WR_WHY_LEN] = "";
	struct wr_dial dial;
	WR_AUTO(wr_password_freep) char *request = NULL;
	int status = wr_dial_open(&dial, &session->target, TIMEOUT_SECONDS, why);

	if (status == 0) {
		request = make_request(session, &dial, method, path, body);
		status = wr_dial_send(&dial, request, strlen(request));
	}
	if (status == 0)
		status = receive(&dial, answer);
	wr_dial_close(&dial);
	if (status == 0)
		return WR_EXIT_DONE;
	return wr_complain(session->arguments, "cannot ask %s: %s", session->target.url,
			   *why ? why : strerror(-status));
}

static int refused(const struct wr_sign_in *session, const struct wr_answer *answer,
		   const json_t *problem)
{
	struct wr_api api = { .arguments = session->arguments, .status = answer->status };

	return wr_api_refused(&api, problem);
}

static int call(const struct wr_sign_in *session, const char *method, const char *path,
		json_t *body, struct wr_answer *answer, json_t **ret_result)
{
	WR_AUTO(wr_password_freep) char *text = body ? json_dumps(body, JSON_COMPACT) : strdup("");
	WR_AUTO(wr_json_freep) json_t *result = NULL;
	int status;

	json_decref(body);
	if (!text)
		return wr_complain(session->arguments, "what was given is no UTF-8 text");
	status = exchange(session, method, path, text, answer);
	if (status != WR_EXIT_DONE)
		return status;
	result = json_loads(answer->body, 0, NULL);
	if (answer->status >= 400)
		return refused(session, answer, result);
	*ret_result = WR_TAKE(result);
	return WR_EXIT_DONE;
}

int wr_sign_in_call(const struct wr_sign_in *session, const char *method, const char *path,
		    json_t *body, json_t **ret_result)
{
	WR_AUTO(answer_freep) struct wr_answer *answer = answer_new();

	return call(session, method, path, body, answer, ret_result);
}

int wr_sign_in_begin(const struct wr_arguments *arguments, const struct wr_http_target *target,
		     const char *login, const char *password, struct wr_sign_in *ret_session)
{
	struct wr_sign_in session = { .arguments = arguments, .target = *target };
	WR_AUTO(answer_freep) struct wr_answer *answer = answer_new();
	WR_AUTO(wr_json_freep) json_t *result = NULL;
	const char *csrf;
	int status;

	status = call(&session, "POST", "/session",
		      json_pack("{s:s, s:s}", "login", login, "password", password), answer,
		      &result);
	if (status != WR_EXIT_DONE)
		return status;
	csrf = wr_json_text(result, "csrf");
	session.cookie = *answer->cookie ? wr_text_new("%s", answer->cookie) : NULL;
	session.csrf = csrf ? wr_text_new("%s", csrf) : NULL;
	if (session.cookie && session.csrf) {
		*ret_session = session;
		return WR_EXIT_DONE;
	}
	wr_sign_in_done(&session);
	return wr_complain(arguments, "%s does not answer as a Warren server", target->url);
}

void wr_sign_in_done(struct wr_sign_in *session)
{
	wr_password_freep(&session->cookie);
	wr_password_freep(&session->csrf);
}
