#include "server/health.h"

#include <stdio.h>
#include <string.h>

enum question {
	LIVE,
	READY,
	HEALTHY,
	NONE
};

static enum question question_of(const char *path)
{
	if (strcmp(path, "/livez") == 0)
		return LIVE;
	if (strcmp(path, "/readyz") == 0)
		return READY;
	return strcmp(path, "/healthz") == 0 ? HEALTHY : NONE;
}

struct check {
	const char *name;
	bool is_good;
};

static void answer(struct wr_http_request *request, unsigned status, const char *text,
		   const struct wr_http_field *fields, size_t field_count)
{
	wr_http_respond(request, &(struct wr_http_response){
					 .status = status,
					 .content_type = status == 405 ? "application/problem+json"
								       : "application/json",
					 .body = { (const uint8_t *)text, strlen(text) },
					 .fields = fields,
					 .field_count = field_count,
				 });
}

static void answer_checks(struct wr_http_request *request, const struct check *checks, size_t count)
{
	static const struct wr_http_field fields[] = { { "cache-control", "no-store" } };
	char text[256];
	size_t at = 0;
	bool is_good = true;

	for (size_t i = 0; i < count; i++)
		is_good = is_good && checks[i].is_good;
	at += (size_t)sprintf(text, "{\"status\":\"%s\",\"checks\":{",
			      is_good ? "ok" : "unavailable");
	for (size_t i = 0; i < count; i++)
		at += (size_t)sprintf(text + at, "%s\"%s\":%s", i ? "," : "", checks[i].name,
				      checks[i].is_good ? "true" : "false");
	strcpy(text + at, "}}\n");
	answer(request, is_good ? 200 : 503, text, fields, 1);
}

static void answer_method(struct wr_http_request *request)
{
	static const struct wr_http_field fields[] = { { "allow", "GET, HEAD" } };

	answer(request, 405,
	       "{\"type\":\"about:blank\",\"title\":\"Method Not Allowed\",\"status\":405}\n",
	       fields, 1);
}

bool wr_health_serve(const struct wr_health *health, struct wr_http_request *request)
{
	enum question question = question_of(wr_http_path(request));
	enum wr_http_method method = wr_http_method(request);
	const struct check checks[] = {
		{ "hub", health->is_hub_open },
		{ "database", !health->database_error },
		{ "ledger", health->ledger_waiting <= WR_HEALTH_WAITING },
		{ "serving", !health->is_closing },
	};

	if (question == NONE)
		return false;
	if (method != WR_HTTP_GET && method != WR_HTTP_HEAD)
		answer_method(request);
	else if (question == LIVE)
		answer_checks(request, NULL, 0);
	else /* the last check is of who asks whether to send more here */
		answer_checks(request, checks, WR_ARRAY_LEN(checks) - (question == HEALTHY));
	return true;
}
