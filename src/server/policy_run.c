#include "server/policy_run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static void free_job(void *state)
{
	wr_policy_job_free(state);
}

/* The call's job, made of `text` (taken) at the first step. NULL after wr_call_fail_db(). */
struct wr_policy_job *wr_policy_run_keep_job(struct wr_call *call, char *text)
{
	struct wr_policy_job *job = wr_policy_job_new(text);

	if (!job) {
		wr_call_fail_db(call, -ENOMEM);
		return NULL;
	}
	call->state = job;
	call->state_free = free_job;
	return job;
}

int wr_policy_run_number(struct wr_call *call, int64_t *ret_number)
{
	int error = wr_policy_number(call->db, call->org, ret_number);

	return error ? wr_call_fail_db(call, error) : 0;
}

int wr_policy_run_version(struct wr_call *call, int64_t number,
			  struct wr_policy_version *ret_version)
{
	int found = wr_policy_version_get(call->db, call->org, number, ret_version);

	if (found < 0)
		return wr_call_fail_db(call, found);
	if (!found)
		return wr_call_fail(call, 404, "not-found",
				    "The policy has no version %" PRId64 ".", number);
	return 0;
}

static json_t *or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

json_t *wr_policy_run_json(const struct wr_policy_version *version, bool has_text)
{
	json_t *json = json_object();

	json_object_set_new(json, "version", json_integer(version->number));
	if (has_text)
		json_object_set_new(json, "text", json_string(version->text));
	json_object_set_new(json, "created", wr_json_time(version->created));
	json_object_set_new(json, "creator", or_null(version->creator));
	json_object_set_new(json, "comment", or_null(version->comment));
	return json;
}

void wr_policy_run_etag(struct wr_call *call, int64_t number)
{
	snprintf(call->etag, sizeof(call->etag), "\"%" PRId64 "\"", number);
}

int wr_policy_run_match(struct wr_call *call, int64_t number)
{
	char etag[32];

	snprintf(etag, sizeof(etag), "\"%" PRId64 "\"", number);
	return wr_call_match(call, etag);
}
