/* Versions of the policy, and what differs between them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "server/diff.h"
#include "server/policy_run.h"
#include "server/rows.h"

/* --- Versions. --- */

static json_t *version_item(struct wr_call *call, const struct wr_row *row)
{
	(void)call;
	return json_pack("{s:I, s:o, s:s?, s:s?, s:I}", "version", (json_int_t)wr_row_int(row, 0),
			 "created", wr_json_time(wr_row_int(row, 1)), "creator",
			 wr_row_text(row, 2), "comment", wr_row_text(row, 3), "bytes",
			 (json_int_t)wr_row_int(row, 4));
}

/* Newest first: the cursor is the lowest that was shown. */
int wr_policy_versions_run(struct wr_call *call)
{
	struct wr_page page = wr_call_page(call);
	struct wr_value values[] = {
		WR_I(call->org),
		WR_I(page.after ? page.after : INT64_MAX),
		WR_I(page.limit),
	};

	return wr_rows_list(call,
			    "SELECT number, created, creator, comment, length(text)"
			    " FROM policy WHERE organisation = ? AND number < ?"
			    " ORDER BY number DESC LIMIT ?",
			    WR_ARRAY_LEN(values), values, version_item);
}

int wr_policy_version_run(struct wr_call *call)
{
	struct wr_policy_version version = { 0 };
	const char *text = call->path[1];
	uint64_t number;
	int status;

	if (!wr_number_parse(text, strlen(text), INT64_MAX, &number))
		return wr_call_fail(call, 404, "not-found",
				    "A version is a number, and this is none.");
	status = wr_policy_run_version(call, (int64_t)number, &version);
	if (!status) {
		call->result = wr_policy_run_json(&version, true);
		wr_policy_run_etag(call, version.number);
	}
	wr_policy_version_done(&version);
	return status;
}

/* --- Diff. --- */

struct diff_job {
	struct wr_policy_version from, to;
	char *text;
};

static void free_diff(void *state)
{
	struct diff_job *job = state;

	wr_policy_version_done(&job->from);
	wr_policy_version_done(&job->to);
	free(job->text);
	free(job);
}

static void diff_work(struct wr_call *call)
{
	struct diff_job *job = call->state;
	char from[48], to[48];

	snprintf(from, sizeof(from), "version %" PRId64, job->from.number);
	snprintf(to, sizeof(to), "version %" PRId64, job->to.number);
	job->text = wr_diff_unified(from, job->from.text, to, job->to.text);
}

/* Which versions: without `to` the one in force, without `from` the one before. */
static int read_diff(struct wr_call *call, struct diff_job *job)
{
	const json_t *from = json_object_get(call->query, "from");
	const json_t *to = json_object_get(call->query, "to");
	int64_t newer = json_integer_value(to), older;

	if (!to && wr_policy_run_number(call, &newer))
		return -1;
	older = from ? json_integer_value(from) : newer > 0 ? newer - 1 : 0;
	return wr_policy_run_version(call, older, &job->from) ||
			       wr_policy_run_version(call, newer, &job->to)
		       ? -1
		       : 0;
}

int wr_policy_diff_run(struct wr_call *call)
{
	struct diff_job *job = call->state;

	if (!job) {
		call->state = job = calloc(1, sizeof(*job));
		if (!job)
			return wr_call_fail_db(call, -ENOMEM);
		call->state_free = free_diff;
		return read_diff(call, job) ? -1 : wr_call_pool(call, diff_work);
	}
	if (!job->text)
		return wr_call_fail_db(call, -ENOMEM);
	call->result = json_pack("{s:I, s:I, s:s}", "from", (json_int_t)job->from.number, "to",
				 (json_int_t)job->to.number, "text", job->text);
	return 0;
}
