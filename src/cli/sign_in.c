#include "cli/sign_in.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/key.h"
#include "cli/api.h"
#include "cli/files.h"
#include "cli/terminal.h"
#include "http/dial.h"

#define TIMEOUT_SECONDS 60
/* Far more than what is answered here. */
#define ANSWER_MAX 65536

struct answer {
	char text[ANSWER_MAX + 1];
	size_t len;
	unsigned status;
	const char *body;
};

static void answer_freep(struct answer **answer)
{
	if (*answer)
		wr_wipe(*answer, sizeof(**answer));
	free(*answer);
}

/* The server ends the connection behind its answer: "connection: close". */
static int receive(struct wr_dial *dial, struct answer *answer)
{
	ssize_t len = 1;

	while (len > 0 && answer->len < ANSWER_MAX) {
		len = wr_dial_receive(dial, (uint8_t *)answer->text + answer->len,
				      ANSWER_MAX - answer->len);
		if (len > 0)
			answer->len += (size_t)len;
	}
	answer->text[answer->len] = '\0';
	return len < 0 && answer->len == 0 ? (int)len : 0;
}

static int parse(struct wr_dial *dial, struct answer *answer)
{
	char *end = strstr(answer->text, "\r\n\r\n");

	if (!end || sscanf(answer->text, "HTTP/1.1 %3u ", &answer->status) != 1)
		return wr_dial_fail(dial, -EPROTO, "the answer is no HTTP");
	end[2] = '\0';
	answer->body = end + 4;
	return 0;
}

/* The value of a header, up to `end`; a new string, NULL if there is none. */
static char *header(const struct answer *answer, const char *name, const char *end)
{
	WR_AUTO(wr_text_freep) char *wanted = wr_text_new("\r\n%s:", name);
	const char *at = strcasestr(answer->text, wanted);

	if (!at)
		return NULL;
	at += strlen(wanted);
	at += strspn(at, " \t");
	return strndup(at, strcspn(at, end));
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
			   method, dial->prefix, path, dial->host,
			   session->cookie ? "cookie: " : "",
			   session->cookie ? session->cookie : "", session->cookie ? "\r\n" : "",
			   session->csrf ? "x-csrf-token: " : "",
			   session->csrf ? session->csrf : "", session->csrf ? "\r\n" : "",
			   strlen(body), body);
}

static int exchange(const struct wr_sign_in *session, const char *method, const char *path,
		    const char *body, struct answer *answer)
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
	if (status == 0)
		status = parse(&dial, answer);
	wr_dial_close(&dial);
	if (status == 0)
		return WR_EXIT_DONE;
	return wr_complain(session->arguments, "cannot ask %s: %s", session->target.url,
			   *why ? why : strerror(-status));
}

static int refused(const struct wr_sign_in *session, const struct answer *answer,
		   const json_t *problem)
{
	struct wr_api api = { .arguments = session->arguments, .status = answer->status };

	return wr_api_refused(&api, problem);
}

static int call(const struct wr_sign_in *session, const char *method, const char *path,
		json_t *body, struct answer *answer, json_t **ret_result)
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
	result = json_loads(answer->body, JSON_DISABLE_EOF_CHECK, NULL);
	if (answer->status >= 400)
		return refused(session, answer, result);
	*ret_result = WR_TAKE(result);
	return WR_EXIT_DONE;
}

int wr_sign_in_call(const struct wr_sign_in *session, const char *method, const char *path,
		    json_t *body, json_t **ret_result)
{
	WR_AUTO(answer_freep) struct answer *answer = calloc(1, sizeof(*answer));

	if (!answer)
		abort();
	return call(session, method, path, body, answer, ret_result);
}

int wr_sign_in_begin(const struct wr_arguments *arguments, const struct wr_http_target *target,
		     const char *login, const char *password, struct wr_sign_in *ret_session)
{
	struct wr_sign_in session = { .arguments = arguments, .target = *target };
	WR_AUTO(answer_freep) struct answer *answer = calloc(1, sizeof(*answer));
	WR_AUTO(wr_json_freep) json_t *result = NULL;
	const char *csrf;
	int status;

	if (!answer)
		abort();
	status = call(&session, "POST", "/session",
		      json_pack("{s:s, s:s}", "login", login, "password", password), answer,
		      &result);
	if (status != WR_EXIT_DONE)
		return status;
	csrf = wr_json_text(result, "csrf");
	session.cookie = header(answer, "set-cookie", "; \r");
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
