#include "server/policies.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/intents.h"
#include "server/names.h"

/* A job that finds other machines again and again is done at once in the end. */
#define POOL_TRIES 3

/* --- Versions. --- */

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

static int take_version(struct wr_row *row, struct wr_policy_version *ret_version)
{
	*ret_version = (struct wr_policy_version){
		.number = wr_row_int(row, 0),
		.created = wr_row_int(row, 1),
		.text = strdup(wr_row_text(row, 2)),
		.comment = copy(wr_row_text(row, 3)),
		.creator = copy(wr_row_text(row, 4)),
	};
	wr_row_end(row);
	return ret_version->text ? 1 : -ENOMEM;
}

static int get_first(struct wr_db *db, int64_t org, struct wr_row **ret_row)
{
	return WR_DB_ONE(db, ret_row,
			 "SELECT 0, created, ?, NULL, NULL FROM organisation WHERE id = ?",
			 WR_T(WR_POLICY_DEFAULT), WR_I(org));
}

int wr_policy_version_get(struct wr_db *db, int64_t org, int64_t number,
			  struct wr_policy_version *ret_version)
{
	struct wr_row *row = NULL;
	int found = !number ? get_first(db, org, &row)
			    : WR_DB_ONE(db, &row,
					"SELECT number, created, text, comment, creator FROM policy"
					" WHERE organisation = ? AND number = ?",
					WR_I(org), WR_I(number));

	return found > 0 ? take_version(row, ret_version) : found;
}

void wr_policy_version_done(struct wr_policy_version *version)
{
	free(version->text);
	free(version->comment);
	free(version->creator);
	*version = (struct wr_policy_version){ 0 };
}

int wr_policy_number(struct wr_db *db, int64_t org, int64_t *ret_number)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(db, &row, "SELECT policy FROM organisation WHERE id = ?", WR_I(org));

	if (found <= 0)
		return found < 0 ? found : -ENOENT;
	*ret_number = wr_row_int(row, 0);
	wr_row_end(row);
	return 0;
}

int wr_policy_save(struct wr_db *db, int64_t org, const struct wr_policy_version *version)
{
	int error = WR_DB_RUN(db,
			      "INSERT INTO policy (organisation, number, text, comment, creator,"
			      " created) VALUES (?, ?, ?, ?, ?, ?)",
			      WR_I(org), WR_I(version->number), WR_T(version->text),
			      WR_T(version->comment), WR_T(version->creator),
			      WR_I(version->created));

	if (error)
		return error;
	return WR_DB_RUN(db, "UPDATE organisation SET policy = ? WHERE id = ?",
			 WR_I(version->number), WR_I(org));
}

/* --- Jobs. --- */

struct wr_policy_job *wr_policy_job_new(char *text)
{
	struct wr_policy_job *job = text ? calloc(1, sizeof(*job)) : NULL;

	if (job)
		job->text = text;
	else
		free(text);
	return job;
}

void wr_policy_job_free(void *job_of_call)
{
	struct wr_policy_job *job = job_of_call;

	if (!job)
		return;
	wr_policy_free(job->policy);
	wr_ruleset_free(job->ruleset);
	wr_roster_unref(job->roster);
	free(job->text);
	free(job);
}

static void work(struct wr_policy_job *job)
{
	struct wr_bytes text = { (const uint8_t *)job->text, strlen(job->text) };
	const struct wr_roster *roster = job->roster;

	memset(&job->faults, 0, sizeof(job->faults));
	if (!job->policy)
		job->policy = wr_policy_parse(text, &job->faults);
	job->ruleset = wr_ruleset_free(job->ruleset);
	if (job->policy)
		job->ruleset = wr_ruleset_compile(job->policy, roster->members, roster->count,
						  (uint32_t)roster->count + 1, 1, &job->faults);
	job->is_good = job->ruleset;
	if (!job->keeps_ruleset)
		job->ruleset = wr_ruleset_free(job->ruleset);
	job->is_done = true;
}

void wr_policy_job_work(struct wr_call *call)
{
	work(call->state);
}

static bool is_quick(const struct wr_policy_job *job)
{
	return strlen(job->text) <= WR_POLICY_QUICK_TEXT &&
	       job->roster->count <= WR_POLICY_QUICK_MACHINES;
}

enum wr_job_state wr_policy_job_run(struct wr_call *call, struct wr_policy_job *job)
{
	struct wr_roster *roster = NULL;
	int error = wr_intents_roster(call->server, call->db, call->org, &roster);

	if (error) {
		wr_call_fail_db(call, error);
		return WR_JOB_FAILED;
	}
	if (job->is_done && job->roster->stamp == roster->stamp) {
		wr_roster_unref(roster);
		return WR_JOB_DONE;
	}
	wr_roster_unref(job->roster);
	job->roster = roster;
	job->is_done = false;
	if (!is_quick(job) && call->step < POOL_TRIES)
		return WR_JOB_POOL;
	work(job);
	return WR_JOB_DONE;
}

/* --- Whom a policy names. --- */

/* Within a name, or part of something else: "tag:NAME", an address. */
static bool is_part(char letter)
{
	return letter && !strchr(" \t\r\n#=>", letter);
}

/* "NAME->" ends the name. */
static bool is_end(const char *at)
{
	return !is_part(*at) || (at[0] == '-' && at[1] == '>');
}

/* The next place that has the word as a whole; NULL if there is none. */
static const char *find_word(const char *text, const char *from, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = from; (at = strstr(at, word)); at++) {
		if ((at == text || !is_part(at[-1])) && is_end(at + len))
			return at;
	}
	return NULL;
}

bool wr_policy_has_word(const char *text, const char *word)
{
	return find_word(text, text, word) != NULL;
}

/* "group NAME". */
static bool is_defined(const char *text, const char *at)
{
	static const char group[] = "group";
	size_t len = sizeof(group) - 1;

	if (at == text || (at[-1] != ' ' && at[-1] != '\t'))
		return false;
	while (at > text && (at[-1] == ' ' || at[-1] == '\t'))
		at--;
	return (size_t)(at - text) >= len && memcmp(at - len, group, len) == 0;
}

bool wr_policy_has_group(const char *text, const char *name)
{
	for (const char *at = text; (at = find_word(text, at, name)); at++) {
		if (is_defined(text, at))
			return true;
	}
	return false;
}

/* The roster without one machine. */
static struct wr_member *without(const struct wr_roster *roster, const char *label)
{
	struct wr_member *members = calloc(roster->count + 1, sizeof(*members));
	size_t count = 0;

	for (size_t i = 0; members && i < roster->count; i++) {
		if (strcmp(roster->members[i].name, label) != 0)
			members[count++] = roster->members[i];
	}
	return members;
}

/* The first fault that says its name. */
static bool find_fault(const struct wr_policy_faults *faults, const char *label,
		       struct wr_policy_fault *ret_fault)
{
	char quoted[WR_LABEL_LEN + 3];

	snprintf(quoted, sizeof(quoted), "'%s'", label);
	for (size_t i = 0; i < faults->count && i < WR_POLICY_FAULTS; i++) {
		if (strstr(faults->faults[i].text, quoted)) {
			*ret_fault = faults->faults[i];
			return true;
		}
	}
	return false;
}

static int compile_without(const struct wr_roster *roster, const struct wr_policy *policy,
			   const char *label, struct wr_policy_fault *ret_fault)
{
	struct wr_policy_faults *faults = calloc(1, sizeof(*faults));
	struct wr_member *members = without(roster, label);
	size_t count = roster->count - (wr_roster_find(roster, label) != NULL);
	struct wr_ruleset *ruleset;
	int is_named = -ENOMEM;

	if (faults && members) {
		ruleset = wr_ruleset_compile(policy, members, count, (uint32_t)roster->count + 1, 1,
					     faults);
		is_named = !ruleset && find_fault(faults, label, ret_fault);
		wr_ruleset_free(ruleset);
	}
	free(members);
	free(faults);
	return is_named;
}

static int look(struct wr_call *call, const char *text, const char *label,
		struct wr_policy_fault *ret_fault)
{
	struct wr_policy_faults *faults = calloc(1, sizeof(*faults));
	struct wr_bytes bytes = { (const uint8_t *)text, strlen(text) };
	struct wr_policy *policy = faults ? wr_policy_parse(bytes, faults) : NULL;
	struct wr_roster *roster = NULL;
	int is_named = policy ? wr_intents_roster(call->server, call->db, call->org, &roster) : 0;

	if (policy && !is_named)
		is_named = compile_without(roster, policy, label, ret_fault);
	wr_roster_unref(roster);
	wr_policy_free(policy);
	free(faults);
	return is_named;
}

int wr_policy_names(struct wr_call *call, const char *label, struct wr_policy_fault *ret_fault)
{
	struct wr_policy_version version = { 0 };
	int64_t number;
	int is_named = wr_policy_number(call->db, call->org, &number);

	if (is_named || !number)
		return is_named;
	is_named = wr_policy_version_get(call->db, call->org, number, &version);
	if (is_named > 0)
		is_named = wr_policy_has_word(version.text, label)
				   ? look(call, version.text, label, ret_fault)
				   : 0;
	wr_policy_version_done(&version);
	return is_named;
}
