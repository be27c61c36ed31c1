#include "server/call.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/number.h"
#include "crypto/crypto.h"
#include "linux/clock.h"

#define PAGE 100

/* --- Refusing. --- */
int wr_call_fail(struct wr_call *call, unsigned status, const char *type, const char *detail, ...)
{
	va_list values;

	va_start(values, detail);
	wr_problem_set(&call->problem, status, type, detail, values);
	va_end(values);
	return -1;
}

int wr_call_fault(struct wr_call *call, const char *pointer, const char *reason, ...)
{
	va_list values;

	va_start(values, reason);
	wr_problem_fault_list(&call->problem, pointer, reason, values);
	va_end(values);
	return -1;
}

int wr_call_fail_db(struct wr_call *call, int error)
{
	wr_log_error("api: the database failed: operation=%s request=%s error=%s",
		     call->operation ? call->operation->id : "none", call->request_id,
		     strerror(-error));
	call->db_error = error;
	switch (error) {
	case -ENOSPC:
	case -EDQUOT:
		return wr_call_fail(call, 507, "disk-full",
				    "The server's disk is full, and nothing was changed. Make "
				    "room, and call again.");
	case -EROFS:
	case -EACCES:
		return wr_call_fail(call, 503, "read-only",
				    "The server's disk cannot be written, and nothing was "
				    "changed.");
	default:
		return wr_call_fail(call, 503, "database",
				    "The server's database failed, and nothing was changed. Its "
				    "log says more.");
	}
}

int wr_call_pool(struct wr_call *call, void (*work)(struct wr_call *call))
{
	call->pool_work = work;
	return 0;
}

/* --- Preconditions. --- */

/* One of a list of tags, "a", "b"; a weak one never matches. Source: RFC 9110, 13.1.1. */
static bool has_tag(const char *list, const char *etag)
{
	size_t len = strlen(etag);

	while (*list) {
		size_t span;

		list += strspn(list, " \t,");
		span = strcspn(list, ",");
		while (span > 0 && (list[span - 1] == ' ' || list[span - 1] == '\t'))
			span--;
		if (span == len && memcmp(list, etag, len) == 0)
			return true;
		list += strcspn(list, ",");
	}
	return false;
}

int wr_call_match(struct wr_call *call, const char *etag)
{
	const char *wanted = call->request ? wr_http_header(call->request, "if-match") : "*";

	if (!wanted && call->operation->needs_match)
		return wr_call_fail(call, 428, "match-needed",
				    "If-Match is needed: with the ETag of what is to be replaced, "
				    "or with * for whatever there is.");
	if (!wanted || strcmp(wanted, "*") == 0 || has_tag(wanted, etag))
		return 0;
	return wr_call_fail(call, 412, "changed",
			    "It was changed meanwhile: its ETag is %s. Read it again.", etag);
}

/* --- Values. --- */
void wr_uid_new(char letter, char ret_uid[WR_UID_LEN + 1])
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
	uint8_t bytes[WR_UID_LEN - 1];

	wr_random(bytes, sizeof(bytes));
	ret_uid[0] = letter;
	for (size_t i = 0; i < sizeof(bytes); i++)
		ret_uid[i + 1] = letters[bytes[i] % 32];
	ret_uid[WR_UID_LEN] = '\0';
}

int64_t wr_call_time(const struct wr_call *call)
{
	(void)call;
	return (int64_t)(wr_clock_wall().ns / 1000000000);
}

json_t *wr_json_time(int64_t seconds)
{
	time_t time = (time_t)seconds;
	char text[40];
	struct tm tm;

	if (seconds == 0 || !gmtime_r(&time, &tm))
		return json_null();
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	return json_string(text);
}

const char *wr_call_text(const struct wr_call *call, const char *name)
{
	return json_string_value(json_object_get(call->body, name));
}

bool wr_call_has(const struct wr_call *call, const char *name)
{
	return json_object_get(call->body, name) != NULL;
}

/* --- Pages. --- */
static int64_t page_limit(const struct wr_call *call)
{
	json_t *limit = json_object_get(call->query, "limit");

	return limit ? json_integer_value(limit) : PAGE;
}

struct wr_page wr_call_page(const struct wr_call *call)
{
	const char *cursor = json_string_value(json_object_get(call->query, "cursor"));
	uint64_t after = 0;

	if (cursor && !wr_number_parse(cursor, strlen(cursor), INT64_MAX, &after))
		after = 0;
	return (struct wr_page){ (int64_t)after, page_limit(call) + 1 };
}

void wr_call_paged(struct wr_call *call, json_t *items, int64_t last)
{
	size_t limit = (size_t)page_limit(call);
	json_t *next = json_null();
	char cursor[24];

	if (json_array_size(items) > limit) {
		while (json_array_size(items) > limit)
			json_array_remove(items, json_array_size(items) - 1);
		snprintf(cursor, sizeof(cursor), "%" PRId64, last);
		next = json_string(cursor);
	}
	json_decref(call->result);
	call->result = json_pack("{s:o, s:o}", "items", items, "next", next);
}

/* --- The end. --- */
void wr_call_done(struct wr_call *call)
{
	wr_call_forget(call);
	if (call->state_free)
		call->state_free(call->state);
	call->state_free = NULL;
	json_decref(call->query);
	json_decref(call->body);
	json_decref(call->result);
	free(call->text);
	free(call->cookie);
	free(call->location);
	free(call->route);
	wr_problem_done(&call->problem);
	wr_problem_done(&call->faults);
}
