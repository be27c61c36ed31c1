/* The policy as it is, as it might be, and a new one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/intents.h"
#include "server/policy_run.h"

/* --- Faults. --- */

/* "line 7: ...", or without a line of its own. */
static void write_reason(const struct wr_policy_fault *fault, char *text, size_t size)
{
	if (fault->line)
		snprintf(text, size, "line %u: %s", fault->line, fault->text);
	else
		snprintf(text, size, "%s", fault->text);
}

#define REASON_LEN (sizeof(((struct wr_policy_fault *)NULL)->text) + 32)

static size_t fault_count(const struct wr_policy_faults *faults)
{
	return faults->count < WR_POLICY_FAULTS ? faults->count : WR_POLICY_FAULTS;
}

static int fail_faults(struct wr_call *call, const char *pointer,
		       const struct wr_policy_faults *faults)
{
	char reason[REASON_LEN];

	for (size_t i = 0; i < fault_count(faults); i++) {
		write_reason(&faults->faults[i], reason, sizeof(reason));
		wr_call_fault(call, pointer, "%s", reason);
	}
	if (faults->count > WR_POLICY_FAULTS)
		wr_call_fault(call, pointer, "%u more faults are behind these",
			      faults->count - WR_POLICY_FAULTS);
	return -1;
}

/* --- Get. --- */

static void note_check(struct wr_policy_job *job)
{
	job->roster->checked = job->number;
	job->roster->has_fault = !job->is_good;
	job->roster->fault = job->faults.faults[0];
}

static void show_policy(struct wr_call *call, const struct wr_policy_version *version,
			const struct wr_roster *roster)
{
	char reason[REASON_LEN];
	json_t *fault = json_null();

	if (roster && roster->has_fault) {
		write_reason(&roster->fault, reason, sizeof(reason));
		fault = json_string(reason);
	}
	call->result = wr_policy_run_json(version, true);
	json_object_set_new(call->result, "fault", fault);
	wr_policy_run_etag(call, version->number);
}

/* 1 if it is known whether the version in force is good for the machines there are, and the answer
 * was given. */
static int show_checked(struct wr_call *call, const struct wr_policy_version *version)
{
	struct wr_roster *roster = NULL;
	int error = wr_intents_roster(call->server, call->db, call->org, &roster);
	bool is_known = !error && (!version->number || roster->checked == version->number);

	if (is_known)
		show_policy(call, version, version->number ? roster : NULL);
	wr_roster_unref(roster);
	return error ? wr_call_fail_db(call, error) : is_known;
}

static int get_checked(struct wr_call *call, const struct wr_policy_version *version)
{
	struct wr_policy_job *job = call->state;

	if (!job)
		job = wr_policy_run_keep_job(call, strdup(version->text));
	if (!job)
		return -1;
	job->number = version->number;
	switch (wr_policy_job_run(call, job)) {
	case WR_JOB_FAILED: return -1;
	case WR_JOB_POOL: return wr_call_pool(call, wr_policy_job_work);
	case WR_JOB_DONE: break;
	}
	note_check(job);
	show_policy(call, version, job->roster);
	return 0;
}

/* A version that came in between is shown as it is: the check was of another. */
static bool is_of_other(const struct wr_call *call, const struct wr_policy_version *version)
{
	const struct wr_policy_job *job = call->state;

	return job && job->number != version->number;
}

int wr_policy_show_run(struct wr_call *call)
{
	struct wr_policy_version version = { 0 };
	int64_t number;
	int status = wr_policy_run_number(call, &number);

	if (!status)
		status = wr_policy_run_version(call, number, &version);
	if (!status && is_of_other(call, &version))
		show_policy(call, &version, NULL);
	else if (!status)
		status = show_checked(call, &version);
	if (!status && !call->result)
		status = get_checked(call, &version);
	wr_policy_version_done(&version);
	return status < 0 ? -1 : 0;
}

/* --- Save. --- */

static int write_version(struct wr_call *call, struct wr_policy_job *job, int64_t before,
			 const char *comment)
{
	struct wr_policy_version version = {
		.number = before + 1,
		.created = wr_call_time(call),
		.text = job->text,
		.comment = comment ? strdup(comment) : NULL,
		.creator = strdup(call->caller.name),
	};
	int error = wr_policy_save(call->db, call->org, &version);

	if (!error) {
		job->number = version.number;
		note_check(job);
		show_policy(call, &version, NULL);
		wr_call_audit(call, call->org_uid, "policy",
			      json_pack("{s:I}", "version", (json_int_t)before),
			      json_pack("{s:I, s:s?}", "version", (json_int_t)version.number,
					"comment", comment));
		wr_call_event(call, "policy.saved",
			      json_pack("{s:I, s:s?}", "version", (json_int_t)version.number,
					"comment", comment));
		wr_intend_policy(call, call->org, WR_TAKE(job->policy), version.number);
	}
	version.text = NULL;
	wr_policy_version_done(&version);
	return error ? wr_call_fail_db(call, error) : 0;
}

/* The job is done: saves what is good. */
static int save(struct wr_call *call, struct wr_policy_job *job, const char *pointer,
		const char *comment)
{
	int64_t number;

	switch (wr_policy_job_run(call, job)) {
	case WR_JOB_FAILED: return -1;
	case WR_JOB_POOL: return wr_call_pool(call, wr_policy_job_work);
	case WR_JOB_DONE: break;
	}
	if (!job->is_good)
		return fail_faults(call, pointer, &job->faults);
	if (wr_policy_run_number(call, &number) || wr_policy_run_match(call, number))
		return -1;
	return write_version(call, job, number, comment);
}

int wr_policy_save_run(struct wr_call *call)
{
	int64_t number;

	/* Who is late learns it before the text is looked at. */
	if (wr_policy_run_number(call, &number) || wr_policy_run_match(call, number))
		return -1;
	if (!call->state && !wr_policy_run_keep_job(call, strdup(wr_call_text(call, "text"))))
		return -1;
	return save(call, call->state, "/text", wr_call_text(call, "comment"));
}

int wr_policy_revert_run(struct wr_call *call)
{
	int64_t wanted = json_integer_value(json_object_get(call->body, "version"));
	struct wr_policy_version version = { 0 };
	char comment[64];

	if (!call->state) {
		if (wr_policy_run_version(call, wanted, &version))
			return -1;
		wr_policy_run_keep_job(call, WR_TAKE(version.text));
		wr_policy_version_done(&version);
	}
	snprintf(comment, sizeof(comment), "back to version %" PRId64, wanted);
	return call->state ? save(call, call->state, "/version", comment) : -1;
}

/* --- Check. --- */

static json_t *faults_json(const struct wr_policy_faults *faults)
{
	json_t *list = json_array();

	for (size_t i = 0; i < fault_count(faults); i++)
		json_array_append_new(list,
				      json_pack("{s:i, s:s}", "line", (int)faults->faults[i].line,
						"reason", faults->faults[i].text));
	return list;
}

int wr_policy_check_run(struct wr_call *call)
{
	struct wr_policy_job *job = call->state;

	if (!job)
		job = wr_policy_run_keep_job(call, strdup(wr_call_text(call, "text")));
	if (!job)
		return -1;
	switch (wr_policy_job_run(call, job)) {
	case WR_JOB_FAILED: return -1;
	case WR_JOB_POOL: return wr_call_pool(call, wr_policy_job_work);
	case WR_JOB_DONE: break;
	}
	call->result = json_pack("{s:b, s:o}", "is_good", job->is_good, "faults",
				 faults_json(&job->faults));
	return 0;
}
