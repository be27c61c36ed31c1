#include "server/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/clock.h"
#include "server/metrics.h"
#include "server/router.h"
#include "server/state.h"

#define FIELDS 16

struct answer {
	struct wr_http_response response;
	struct wr_http_field fields[FIELDS];
	char retry_after[24];
	char *body; /* owned */
};

static void add_field(struct answer *answer, const char *name, const char *value)
{
	if (!value || !value[0])
		return;
	assert(answer->response.field_count < FIELDS);
	answer->fields[answer->response.field_count++] = (struct wr_http_field){ name, value };
}

/* Source: OWASP REST Security Cheat Sheet, "Security headers"; RFC 6797 for the last. */
static void add_security(struct answer *answer, bool is_secure)
{
	add_field(answer, "cache-control", "no-store");
	add_field(answer, "x-content-type-options", "nosniff");
	add_field(answer, "content-security-policy", "default-src 'none'; frame-ancestors 'none'");
	add_field(answer, "referrer-policy", "no-referrer");
	if (is_secure)
		add_field(answer, "strict-transport-security", "max-age=31536000");
}

static void set_body(struct answer *answer, char *text, const char *type)
{
	static const char last_words[] = "{\"title\":\"The server is short of memory\"}";

	answer->body = text;
	if (!text)
		answer->response.status = 503;
	answer->response.content_type = text ? type : WR_PROBLEM_TYPE;
	text = text ? text : (char *)(uintptr_t)last_words;
	answer->response.body = (struct wr_bytes){ (const uint8_t *)text, strlen(text) };
}

static void set_problem(struct answer *answer, struct wr_call *call)
{
	answer->response.status = call->problem.status;
	set_body(answer, wr_problem_text(&call->problem, call->request_id), WR_PROBLEM_TYPE);
	if (call->problem.status == 401)
		add_field(answer, "www-authenticate", "Bearer realm=\"warren\"");
}

/* Source: RFC 9110, 13.1.2. */
static bool is_known_there(const struct wr_call *call)
{
	const char *known = wr_http_header(call->request, "if-none-match");
	enum wr_http_method method = wr_http_method(call->request);
	bool is_read = method == WR_HTTP_GET || method == WR_HTTP_HEAD;

	return is_read && known && call->etag[0] && strstr(known, call->etag);
}

static void set_result(struct answer *answer, struct wr_call *call)
{
	unsigned usual = call->operation ? call->operation->status : 200;

	answer->response.status = call->status ? call->status : usual ? usual : 200;
	if (is_known_there(call))
		answer->response.status = 304;
	else if (call->text)
		set_body(answer, WR_TAKE(call->text), call->text_type);
	else if (call->result)
		set_body(answer, json_dumps(call->result, JSON_COMPACT), "application/json");
	add_field(answer, "etag", call->etag);
	add_field(answer, "set-cookie", call->cookie);
	add_field(answer, "location", call->location);
}

static void count(struct wr_call *call, unsigned status)
{
	struct wr_span took = { wr_clock_now().ns - call->began.ns };

	wr_api_numbers_add(call->server->numbers, call->operation ? call->operation->id : NULL,
			   status, took);
}

static void end(struct wr_call *call)
{
	struct wr_server *server = call->server;

	wr_call_done(call);
	free(call);
	wr_server_call_ended(server);
}

void wr_answer(struct wr_call *call)
{
	struct answer answer = { 0 };

	add_security(&answer, wr_http_is_secure(call->request));
	add_field(&answer, "x-request-id", call->request_id);
	if (call->retry_after) {
		snprintf(answer.retry_after, sizeof(answer.retry_after), "%llu",
			 (unsigned long long)call->retry_after);
		add_field(&answer, "retry-after", answer.retry_after);
	}
	if (call->route && call->route->kind == WR_ROUTE_OTHER_METHOD)
		add_field(&answer, "allow", call->route->allow);
	if (call->problem.status)
		set_problem(&answer, call);
	else
		set_result(&answer, call);
	answer.response.fields = answer.fields;
	count(call, answer.response.status);
	wr_http_respond(call->request, &answer.response);
	free(answer.body);
	end(call);
}

void wr_answer_not(struct wr_call *call)
{
	count(call, 200);
	end(call);
}
