/* Operations on an organisation's policy: read, save, check, versions, why. */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/diff.h"
#include "server/intents.h"
#include "server/machines.h"
#include "server/policies.h"
#include "server/state.h"

/* --- What several do. --- */

static void free_job(void *state)
{
	wr_policy_job_free(state);
}

/* The call's job, made of `text` (taken) at the first step. NULL after wr_call_fail_db(). */
static struct wr_policy_job *keep_job(struct wr_call *call, char *text)
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

static int get_number(struct wr_call *call, int64_t *ret_number)
{
	int error = wr_policy_number(call->db, call->org, ret_number);

	return error ? wr_call_fail_db(call, error) : 0;
}

static int get_version(struct wr_call *call, int64_t number, struct wr_policy_version *ret_version)
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

static json_t *version_json(const struct wr_policy_version *version, bool has_text)
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

static void set_etag(struct wr_call *call, int64_t number)
{
	snprintf(call->etag, sizeof(call->etag), "\"%" PRId64 "\"", number);
}

static int match(struct wr_call *call, int64_t number)
{
	char etag[32];

	snprintf(etag, sizeof(etag), "\"%" PRId64 "\"", number);
	return wr_call_match(call, etag);
}

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
	call->result = version_json(version, true);
	json_object_set_new(call->result, "fault", fault);
	set_etag(call, version->number);
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
		job = keep_job(call, strdup(version->text));
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

static int get_run(struct wr_call *call)
{
	struct wr_policy_version version = { 0 };
	int64_t number;
	int status = get_number(call, &number);

	if (!status)
		status = get_version(call, number, &version);
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
		wr_intend_policy(call, call->org, WR_TAKE(job->rules), version.number);
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
	if (get_number(call, &number) || match(call, number))
		return -1;
	return write_version(call, job, number, comment);
}

static int put_run(struct wr_call *call)
{
	int64_t number;

	/* Who is late learns it before the text is looked at. */
	if (get_number(call, &number) || match(call, number))
		return -1;
	if (!call->state && !keep_job(call, strdup(wr_call_text(call, "text"))))
		return -1;
	return save(call, call->state, "/text", wr_call_text(call, "comment"));
}

static int revert_run(struct wr_call *call)
{
	int64_t wanted = json_integer_value(json_object_get(call->body, "version"));
	struct wr_policy_version version = { 0 };
	char comment[64];

	if (!call->state) {
		if (get_version(call, wanted, &version))
			return -1;
		keep_job(call, WR_TAKE(version.text));
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

static int check_run(struct wr_call *call)
{
	struct wr_policy_job *job = call->state;

	if (!job)
		job = keep_job(call, strdup(wr_call_text(call, "text")));
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

/* --- Versions. --- */

struct listing {
	json_t *items;
	size_t limit; /* one more than goes out */
	int64_t last;
};

static bool take_item(void *context, const struct wr_row *row)
{
	struct listing *listing = context;

	if (json_array_size(listing->items) + 1 < listing->limit)
		listing->last = wr_row_int(row, 0);
	json_array_append_new(listing->items,
			      json_pack("{s:I, s:o, s:s?, s:s?, s:I}", "version",
					(json_int_t)wr_row_int(row, 0), "created",
					wr_json_time(wr_row_int(row, 1)), "creator",
					wr_row_text(row, 2), "comment", wr_row_text(row, 3),
					"bytes", (json_int_t)wr_row_int(row, 4)));
	return true;
}

/* Newest first: the cursor is the lowest that was shown. */
static int versions_run(struct wr_call *call)
{
	struct wr_page page = wr_call_page(call);
	struct listing listing = { .items = json_array(), .limit = (size_t)page.limit };
	struct wr_value values[] = {
		WR_I(call->org),
		WR_I(page.after ? page.after : INT64_MAX),
		WR_I(page.limit),
	};
	int64_t count = wr_db_each(call->db,
				   "SELECT number, created, creator, comment, length(text)"
				   " FROM policy WHERE organisation = ? AND number < ?"
				   " ORDER BY number DESC LIMIT ?",
				   WR_ARRAY_LEN(values), values, take_item, &listing);

	if (count < 0) {
		json_decref(listing.items);
		return wr_call_fail_db(call, (int)count);
	}
	wr_call_paged(call, listing.items, listing.last);
	return 0;
}

static int version_run(struct wr_call *call)
{
	struct wr_policy_version version = { 0 };
	char *end = NULL;
	int64_t number = strtoll(call->path[1], &end, 10);
	int status;

	if (*end || end == call->path[1] || number < 0)
		return wr_call_fail(call, 404, "not-found",
				    "A version is a number, and this is none.");
	status = get_version(call, number, &version);
	if (!status) {
		call->result = version_json(&version, true);
		set_etag(call, number);
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

	if (!to && get_number(call, &newer))
		return -1;
	older = from ? json_integer_value(from) : newer > 0 ? newer - 1 : 0;
	return get_version(call, older, &job->from) || get_version(call, newer, &job->to) ? -1 : 0;
}

static int diff_run(struct wr_call *call)
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

/* --- Why. --- */

static const char *const protocols[] = { "tcp", "udp", "icmp", NULL };

/* The label of a machine that is named by uid or label. */
static int find_label(struct wr_call *call, const char *name, const char *pointer, char label[64])
{
	struct wr_machine machine = { 0 };
	int found = wr_machine_find(call->db, call->org, wr_call_text(call, name), &machine);

	snprintf(label, 64, "%s", machine.label);
	wr_machine_done(&machine);
	if (found < 0)
		return wr_call_fail_db(call, found);
	return found ? 0
		     : wr_call_fault(call, pointer,
				     "is no machine of this organisation, by identifier or label");
}

static uint8_t protocol_of(const char *text, const struct wr_ip *ip)
{
	if (strcmp(text, "tcp") == 0)
		return IPPROTO_TCP;
	if (strcmp(text, "udp") == 0)
		return IPPROTO_UDP;
	return ip->family == WR_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
}

/* A port that nobody listens to in particular. */
#define SOURCE_PORT 50000

static struct wr_opening opening_of(struct wr_call *call, const struct wr_member *from,
				    const struct wr_member *to)
{
	bool is_v4 = from->v4.family != WR_FAMILY_NONE && to->v4.family != WR_FAMILY_NONE;
	struct wr_opening opening = {
		.src = is_v4 ? from->v4 : from->v6,
		.dst = is_v4 ? to->v4 : to->v6,
	};

	opening.protocol = protocol_of(wr_call_text(call, "protocol"), &opening.src);
	if (opening.protocol == IPPROTO_TCP || opening.protocol == IPPROTO_UDP) {
		opening.src_port = SOURCE_PORT;
		opening.dst_port =
			(uint16_t)json_integer_value(json_object_get(call->body, "port"));
	}
	return opening;
}

/* A line of a text, without blanks at its ends. */
static json_t *line_of(const char *text, unsigned line)
{
	size_t len;

	if (!line)
		return json_null();
	while (--line && (text = strchr(text, '\n')))
		text++;
	if (!text)
		return json_null();
	text += strspn(text, " \t");
	len = strcspn(text, "\r\n");
	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t'))
		len--;
	return json_stringn(text, len);
}

static json_t *why_text(struct wr_call *call, bool is_allowed, unsigned line)
{
	const struct wr_policy_job *job = call->state;
	const char *verb = is_allowed ? "may" : "may not";
	int port = (int)json_integer_value(json_object_get(call->body, "port"));
	char by[64] = "by the default of a policy without a default line";
	char what[32];

	snprintf(what, sizeof(what), "%s%s%.0d", wr_call_text(call, "protocol"), port ? " " : "",
		 port);
	if (line)
		snprintf(by, sizeof(by), "by line %u", line);
	return json_sprintf("%s %s open %s to %s, %s.", job->names[0], verb, what, job->names[1],
			    by);
}

static int answer_why(struct wr_call *call, const struct wr_policy_job *job)
{
	const struct wr_member *from = wr_roster_find(job->roster, job->names[0]);
	const struct wr_member *to = wr_roster_find(job->roster, job->names[1]);
	struct wr_opening opening;
	unsigned line = 0;
	bool is_allowed;

	if (!job->is_good)
		return wr_call_fail(call, 409, "policy",
				    "The saved policy is not good for the machines there are: "
				    "line %u: %s",
				    job->faults.faults[0].line, job->faults.faults[0].text);
	if (!from || !to)
		return wr_call_fail(call, 409, "conflict",
				    "A machine was changed meanwhile. Ask again.");
	opening = opening_of(call, from, to);
	is_allowed = wr_ruleset_why(job->ruleset, from->slot, to->slot, &opening, &line);
	call->result = json_pack("{s:b, s:i, s:o, s:o, s:I}", "is_allowed", is_allowed, "line",
				 (int)line, "rule", line_of(job->text, line), "text",
				 why_text(call, is_allowed, line), "version",
				 (json_int_t)job->number);
	return 0;
}

/* The policy in force, to be compiled. */
static struct wr_policy_job *begin_why(struct wr_call *call)
{
	struct wr_policy_version version = { 0 };
	struct wr_policy_job *job = NULL;
	int64_t number;

	if (!get_number(call, &number) && !get_version(call, number, &version))
		job = keep_job(call, WR_TAKE(version.text));
	if (job) {
		job->number = number;
		job->keeps_ruleset = true;
	}
	wr_policy_version_done(&version);
	return job;
}

static int check_why(struct wr_call *call)
{
	bool has_port = wr_call_has(call, "port");
	bool is_icmp = strcmp(wr_call_text(call, "protocol"), "icmp") == 0;

	if (is_icmp && has_port)
		return wr_call_fault(call, "/port", "is not for icmp");
	if (!is_icmp && !has_port)
		return wr_call_fault(call, "/port", "is missing: tcp and udp have one");
	return 0;
}

static int why_run(struct wr_call *call)
{
	struct wr_policy_job *job = call->state;
	int bad;

	if (!job) {
		bad = check_why(call);
		job = begin_why(call);
		if (!job)
			return -1;
		bad |= find_label(call, "from", "/from", job->names[0]);
		bad |= find_label(call, "to", "/to", job->names[1]);
		if (bad)
			return -1;
	}
	switch (wr_policy_job_run(call, job)) {
	case WR_JOB_FAILED: return -1;
	case WR_JOB_POOL: return wr_call_pool(call, wr_policy_job_work);
	case WR_JOB_DONE: break;
	}
	return answer_why(call, job);
}

/* --- The table. --- */

#define VERSION_FIELDS \
	{ .name = "version", \
	  .kind = WR_KIND_NUMBER, \
	  .is_required = true, \
	  .max = INT64_MAX, \
	  .help = "Its number; 0 is what an organisation begins with" }, \
		{ .name = "created", .kind = WR_KIND_TIME, .is_required = true, .help = "When" }, \
		{ .name = "creator", \
		  .kind = WR_KIND_TEXT, \
		  .is_required = true, \
		  .can_be_null = true, \
		  .help = "By whom" }, \
	{ \
		.name = "comment", .kind = WR_KIND_TEXT, .is_required = true, .can_be_null = true, \
		.max = WR_POLICY_COMMENT_MAX, .help = "Why" \
	}
#define TEXT_FIELD \
	{ \
		.name = "text", .kind = WR_KIND_LONG_TEXT, .is_required = true, \
		.max = WR_POLICY_TEXT_MAX, .help = "The policy" \
	}

static const struct wr_field policy_result[] = {
	VERSION_FIELDS,
	TEXT_FIELD,
	{ .name = "fault",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .can_be_null = true,
	  .help = "Why it cannot be put in force for the machines there are; an earlier one is" },
	{ 0 },
};
static const struct wr_field version_result[] = { VERSION_FIELDS, TEXT_FIELD, { 0 } };
static const struct wr_field versions_result[] = {
	VERSION_FIELDS,
	{ .name = "bytes",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = WR_POLICY_TEXT_MAX,
	  .help = "Length of the text" },
	{ 0 },
};

static const struct wr_field put_body[] = {
	TEXT_FIELD,
	{ .name = "comment",
	  .kind = WR_KIND_TEXT,
	  .can_be_null = true,
	  .max = WR_POLICY_COMMENT_MAX,
	  .help = "Why, for the list of versions" },
	{ 0 },
};
static const struct wr_field check_body[] = { TEXT_FIELD, { 0 } };
static const struct wr_field fault_fields[] = {
	{ .name = "line",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = INT32_MAX,
	  .help = "From 1; 0: the whole text" },
	{ .name = "reason",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .help = "What is wrong and what to do" },
	{ 0 },
};
static const struct wr_field check_result[] = {
	{ .name = "is_good", .kind = WR_KIND_FLAG, .is_required = true, .help = "It can be saved" },
	{ .name = "faults",
	  .kind = WR_KIND_LIST,
	  .is_required = true,
	  .fields = fault_fields,
	  .help = "The first faults" },
	{ 0 },
};
static const struct wr_field diff_query[] = {
	{ .name = "from",
	  .kind = WR_KIND_NUMBER,
	  .max = INT64_MAX,
	  .help = "The older version; the one before `to` if not given" },
	{ .name = "to",
	  .kind = WR_KIND_NUMBER,
	  .max = INT64_MAX,
	  .help = "The newer version; the one in force if not given" },
	{ 0 },
};
static const struct wr_field diff_result[] = {
	{ .name = "from",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = INT64_MAX,
	  .help = "The older version" },
	{ .name = "to",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = INT64_MAX,
	  .help = "The newer version" },
	{ .name = "text",
	  .kind = WR_KIND_LONG_TEXT,
	  .is_required = true,
	  .help = "A unified diff; empty if they are equal" },
	{ 0 },
};
static const struct wr_field revert_body[] = {
	{ .name = "version",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = INT64_MAX,
	  .help = "Whose text is saved again, as a new version" },
	{ 0 },
};
static const struct wr_field why_body[] = {
	{ .name = "from",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .min = 1,
	  .max = WR_LABEL_LEN,
	  .help = "The machine that opens, by identifier or label" },
	{ .name = "to",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .min = 1,
	  .max = WR_LABEL_LEN,
	  .help = "The machine that is opened to" },
	{ .name = "protocol",
	  .kind = WR_KIND_CHOICE,
	  .is_required = true,
	  .choices = protocols,
	  .help = "What" },
	{ .name = "port",
	  .kind = WR_KIND_NUMBER,
	  .min = 1,
	  .max = 65535,
	  .help = "tcp, udp: where to" },
	{ 0 },
};
static const struct wr_field why_result[] = {
	{ .name = "is_allowed", .kind = WR_KIND_FLAG, .is_required = true, .help = "It may" },
	{ .name = "line",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = INT32_MAX,
	  .help = "The line that decides; 0: no line, the language's default" },
	{ .name = "rule",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .can_be_null = true,
	  .help = "What that line says" },
	{ .name = "text",
	  .kind = WR_KIND_TEXT,
	  .is_required = true,
	  .help = "The same as a sentence" },
	{ .name = "version",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .max = INT64_MAX,
	  .help = "Of which version" },
	{ 0 },
};

const struct wr_operation wr_operations_policy[] = {
	{ .id = "policy.show",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/policy",
	  .summary = "Shows the policy in force",
	  .access = WR_ACCESS_VIEWER,
	  .result = policy_result,
	  .status = 200,
	  .run = get_run },
	{ .id = "policy.save",
	  .method = WR_HTTP_PUT,
	  .path = "/orgs/{org}/policy",
	  .summary = "Saves a policy; when this answers, it is in force",
	  .about = "A text with a fault, or with a test that does not hold, changes nothing.",
	  .access = WR_ACCESS_ADMIN,
	  .is_change = true,
	  .needs_match = true,
	  .body = put_body,
	  .result = policy_result,
	  .status = 200,
	  .cost = 5,
	  .run = put_run },
	{ .id = "policy.check",
	  .method = WR_HTTP_POST,
	  .path = "/orgs/{org}/policy/check",
	  .summary = "Checks a policy against the machines there are, and saves nothing",
	  .access = WR_ACCESS_VIEWER,
	  .body = check_body,
	  .result = check_result,
	  .status = 200,
	  .cost = 5,
	  .run = check_run },
	{ .id = "policy.versions",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/policy/versions",
	  .summary = "Lists the versions of the policy, newest first",
	  .access = WR_ACCESS_VIEWER,
	  .is_paged = true,
	  .result = versions_result,
	  .status = 200,
	  .run = versions_run },
	{ .id = "policy.version",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/policy/versions/{version}",
	  .summary = "Shows a version of the policy",
	  .access = WR_ACCESS_VIEWER,
	  .result = version_result,
	  .status = 200,
	  .run = version_run },
	{ .id = "policy.diff",
	  .method = WR_HTTP_GET,
	  .path = "/orgs/{org}/policy/diff",
	  .summary = "Shows what differs between two versions",
	  .access = WR_ACCESS_VIEWER,
	  .query = diff_query,
	  .result = diff_result,
	  .status = 200,
	  .cost = 2,
	  .run = diff_run },
	{ .id = "policy.revert",
	  .method = WR_HTTP_POST,
	  .path = "/orgs/{org}/policy/revert",
	  .summary = "Saves the text of an earlier version again",
	  .access = WR_ACCESS_ADMIN,
	  .is_change = true,
	  .body = revert_body,
	  .result = policy_result,
	  .status = 200,
	  .cost = 5,
	  .run = revert_run },
	{ .id = "policy.why",
	  .method = WR_HTTP_POST,
	  .path = "/orgs/{org}/policy/why",
	  .summary = "Says which line decides whether a machine may open something to another",
	  .access = WR_ACCESS_VIEWER,
	  .body = why_body,
	  .result = why_result,
	  .status = 200,
	  .cost = 2,
	  .run = why_run },
	{ 0 },
};
