/* Policies of organisations: versions in the database, and whether a text is good for the
 * machines that there are.
 *
 * Floor 8.  On the ledger's thread, within an entry, but for wr_policy_job_work(). */
#pragma once

#include <jansson.h>

#include "base/base.h"
#include "policy/ruleset.h"
#include "server/call.h"
#include "server/roster.h"

/* What is in force before the first is saved: version 0. */
#define WR_POLICY_DEFAULT "default allow\n"
#define WR_POLICY_COMMENT_MAX 200

/* --- Versions. --- */

struct wr_policy_version {
	int64_t number, created;
	char *text, *comment, *creator; /* comment, creator: NULL where there is none */
};
/* 1, 0 for none, or a negative errno; to be ended with wr_policy_version_done(). Version 0 always
 * is. */
int wr_policy_version_get(struct wr_db *db, int64_t org, int64_t number,
			  struct wr_policy_version *ret_version) WR_MUST_CHECK;
/* All zero is fine. */
void wr_policy_version_done(struct wr_policy_version *version);
/* The number of the version in force. 0 or a negative errno. */
int wr_policy_number(struct wr_db *db, int64_t org, int64_t *ret_number) WR_MUST_CHECK;
/* Writes a new version and puts it in force. 0 or a negative errno. */
int wr_policy_save(struct wr_db *db, int64_t org, const struct wr_policy_version *version)
	WR_MUST_CHECK;

/* --- Whether a text is good. --- */

/* Larger is compiled on the thread pool, so that the ledger goes on meanwhile. */
#define WR_POLICY_QUICK_TEXT 4096
#define WR_POLICY_QUICK_MACHINES 500

struct wr_policy_job {
	char *text;
	struct wr_roster *roster;
	bool keeps_ruleset;
	/* What came of it. */
	bool is_done;
	struct wr_policy *policy;   /* NULL if the text is bad */
	struct wr_ruleset *ruleset; /* if it is to be kept */
	bool is_good;               /* parsed and compiled */
	struct wr_policy_faults faults;
	/* The caller's. */
	int64_t number;
	char names[2][64];
};
/* Takes the text. NULL where memory is short. */
struct wr_policy_job *wr_policy_job_new(char *text);
/* NULL is fine; for wr_call's state_free. */
void wr_policy_job_free(void *job);

enum wr_job_state {
	WR_JOB_DONE,
	WR_JOB_POOL,  /* return wr_call_pool(call, wr_policy_job_work) */
	WR_JOB_FAILED /* the call has failed */
};
/* Sees to it that the job is done, for the machines that there are now: where it is short at once,
 * and at every later step looks whether they are still the same. */
enum wr_job_state wr_policy_job_run(struct wr_call *call, struct wr_policy_job *job);
/* The thread pool's: `call->state` is the job. */
void wr_policy_job_work(struct wr_call *call);

/* 1 if the policy in force names this machine, and where in *ret_fault; 0 if not; or a negative
 * errno. */
int wr_policy_names(struct wr_call *call, const char *label, struct wr_policy_fault *ret_fault)
	WR_MUST_CHECK;
/* True if a text has the word somewhere: no more than a first look. */
bool wr_policy_has_word(const char *text, const char *word);
/* True if the text defines a group of this name: no machine can be called so beside it. */
bool wr_policy_has_group(const char *text, const char *name);
