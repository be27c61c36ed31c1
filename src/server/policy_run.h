/* What the operations on policies share: server/policy_operations.c has their table.
 *
 * Floor 8.  On the ledger's thread, within a call's run. What returns int: 0, or -1 after
 * wr_call_fail(). */
#pragma once

#include <jansson.h>

#include "base/base.h"
#include "server/call.h"
#include "server/policies.h"

/* The call's job, made of `text` (taken) at the first step. NULL after wr_call_fail_db(). */
struct wr_policy_job *wr_policy_run_keep_job(struct wr_call *call, char *text);
/* Of the version in force. */
int wr_policy_run_number(struct wr_call *call, int64_t *ret_number) WR_MUST_CHECK;
int wr_policy_run_version(struct wr_call *call, int64_t number,
			  struct wr_policy_version *ret_version) WR_MUST_CHECK;
json_t *wr_policy_run_json(const struct wr_policy_version *version, bool has_text);
void wr_policy_run_etag(struct wr_call *call, int64_t number);
/* -1 if another version is in force than the caller thinks. */
int wr_policy_run_match(struct wr_call *call, int64_t number) WR_MUST_CHECK;

/* --- The operations. --- */
int wr_policy_show_run(struct wr_call *call);
int wr_policy_save_run(struct wr_call *call);
int wr_policy_check_run(struct wr_call *call);
int wr_policy_versions_run(struct wr_call *call);
int wr_policy_version_run(struct wr_call *call);
int wr_policy_diff_run(struct wr_call *call);
int wr_policy_revert_run(struct wr_call *call);
int wr_policy_why_run(struct wr_call *call);
