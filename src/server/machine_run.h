/* What the operations on machines share: server/machine_operations.c has their table.
 *
 * Floor 8.  On the ledger's thread, within a call's run. What returns int: 0, or -1 after
 * wr_call_fail(). */
#pragma once

#include "base/base.h"
#include "crypto/unlock.h"
#include "server/call.h"
#include "server/machines.h"

/* --- machine_run.c --- */
/* The machine that the path names. */
int wr_machine_run_find(struct wr_call *call, struct wr_machine *machine) WR_MUST_CHECK;
int wr_machine_run_get(struct wr_call *call, int64_t id, struct wr_machine *machine) WR_MUST_CHECK;
int wr_machine_run_org(struct wr_call *call, struct wr_machine_org *org) WR_MUST_CHECK;
/* -1 if somebody else changed it meanwhile. */
int wr_machine_run_match(struct wr_call *call, const struct wr_machine *machine) WR_MUST_CHECK;
json_t *wr_machine_run_json(struct wr_call *call, const struct wr_machine *machine);
/* The answer and its ETag. */
void wr_machine_run_result(struct wr_call *call, const struct wr_machine *machine);
void wr_machine_run_event(struct wr_call *call, const char *type, const struct wr_machine *machine);
/* 409 where the organisation has as many machines as it may. */
int wr_machine_run_quota(struct wr_call *call, const struct wr_machine_org *org) WR_MUST_CHECK;
/* Of the database: `error` may be 0. */
int wr_machine_run_status(struct wr_call *call, int error) WR_MUST_CHECK;
/* What is answered, told and noted of a machine that was changed. */
int wr_machine_run_changed(struct wr_call *call, const struct wr_machine *before, const char *event)
	WR_MUST_CHECK;

/* --- machine_change.c --- */
/* Its rows go; what is told and noted of it. The caller may remove it. */
int wr_machine_run_remove(struct wr_call *call, const struct wr_machine *machine, const char *event)
	WR_MUST_CHECK;

/* --- machine_keys.c --- */
struct wr_machine_secrets {
	struct wr_key private_key;   /* zero: not ours */
	struct wr_key preshared_key; /* zero: none */
};
/* Adds the file to the answer. */
int wr_machine_run_config(struct wr_call *call, const struct wr_machine_org *org,
			  const struct wr_machine *machine,
			  const struct wr_machine_secrets *secrets) WR_MUST_CHECK;
/* A preshared key for the row of the machine with this uid; NULL for none. */
#define WR_SEALED_KEY_LEN (WR_KEY_LEN + WR_SEAL_OVERHEAD)
struct wr_value wr_machine_run_seal(struct wr_call *call, const char *uid, const struct wr_key *key,
				    uint8_t sealed[WR_SEALED_KEY_LEN]);
/* -EEXIST can only be the public key: label and addresses are free. */
int wr_machine_run_fail_write(struct wr_call *call, int error);

/* --- The operations. --- */
int wr_machine_list_run(struct wr_call *call);
int wr_machine_show_run(struct wr_call *call);
int wr_machine_add_run(struct wr_call *call);
int wr_machine_change_run(struct wr_call *call);
int wr_machine_remove_run(struct wr_call *call);
int wr_machine_rotate_run(struct wr_call *call);
int wr_machine_approve_run(struct wr_call *call);
