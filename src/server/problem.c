#include "server/problem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URI "urn:warren:problem:"
#define REASON_LEN 600

static const struct {
	unsigned status;
	const char *phrase;
} phrases[] = {
	{ 200, "OK" },
	{ 201, "Created" },
	{ 204, "No Content" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 401, "Unauthorized" },
	{ 403, "Forbidden" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 409, "Conflict" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" },
	{ 422, "Unprocessable Content" },
	{ 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 500, "Internal Server Error" },
	{ 503, "Service Unavailable" },
	{ 507, "Insufficient Storage" },
};

const char *wr_status_phrase(unsigned status)
{
	for (size_t i = 0; i < WR_ARRAY_LEN(phrases); i++) {
		if (phrases[i].status == status)
			return phrases[i].phrase;
	}
	return "Refused";
}

static void begin(struct wr_problem *problem, unsigned status, const char *type)
{
	wr_problem_done(problem);
	problem->status = status;
	snprintf(problem->type, sizeof(problem->type), "%s", type);
}

void wr_problem_done(struct wr_problem *problem)
{
	free(problem->detail);
	json_decref(problem->faults);
	*problem = (struct wr_problem){ 0 };
}

void wr_problem_set(struct wr_problem *problem, unsigned status, const char *type,
		    const char *detail, va_list values)
{
	begin(problem, status, type);
	if (detail && vasprintf(&problem->detail, detail, values) < 0)
		problem->detail = NULL;
}

void wr_problem_say(struct wr_problem *problem, unsigned status, const char *type,
		    const char *detail, ...)
{
	va_list values;

	va_start(values, detail);
	wr_problem_set(problem, status, type, detail, values);
	va_end(values);
}

/* What was cut in the middle of a letter is no UTF-8, which JSON wants. */
static void trim(char *text, size_t len)
{
	while (len > 0 && ((uint8_t)text[len - 1] & 0xc0) == 0x80)
		len--;
	if (len > 0 && (uint8_t)text[len - 1] >= 0xc0)
		len--;
	text[len] = '\0';
}

void wr_problem_fault_list(struct wr_problem *problem, const char *pointer, const char *reason,
			   va_list values)
{
	char text[REASON_LEN];

	if (!problem->faults) {
		bool is_unreadable = problem->status == 400;

		if (!is_unreadable)
			begin(problem, 422, "invalid");
		problem->faults = json_array();
	}
	if (json_array_size(problem->faults) >= WR_PROBLEM_FAULTS)
		return;
	if (vsnprintf(text, sizeof(text), reason, values) >= (int)sizeof(text))
		trim(text, sizeof(text) - 1);
	json_array_append_new(problem->faults,
			      json_pack("{s:s, s:s}", "pointer", pointer, "reason", text));
}

void wr_problem_fault(struct wr_problem *problem, const char *pointer, const char *reason, ...)
{
	va_list values;

	va_start(values, reason);
	wr_problem_fault_list(problem, pointer, reason, values);
	va_end(values);
}

void wr_problem_join(struct wr_problem *problem, struct wr_problem *from)
{
	if (problem->faults && from->faults)
		json_array_extend(problem->faults, from->faults);
	if (problem->status == 0 || (from->status && from->status != 422)) {
		struct wr_problem first = *from;

		*from = *problem;
		*problem = first;
	}
	wr_problem_done(from);
}

char *wr_problem_text(const struct wr_problem *problem, const char *request_id)
{
	char uri[sizeof(URI) + sizeof(problem->type)];
	json_t *document;
	char *text;

	snprintf(uri, sizeof(uri), URI "%s", problem->type);
	document = json_pack("{s:s, s:s, s:i, s:s?, s:s?, s:O?}", "type", uri, "title",
			     wr_status_phrase(problem->status), "status", (int)problem->status,
			     "detail", problem->detail, "request_id", request_id, "faults",
			     problem->faults);
	if (!document)
		return NULL;
	if (!problem->detail)
		json_object_del(document, "detail");
	if (!problem->faults)
		json_object_del(document, "faults");
	text = json_dumps(document, JSON_COMPACT);
	json_decref(document);
	return text;
}
