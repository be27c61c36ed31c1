/* The ledger: the one thread that reads and writes the database, so that every change
 * happens after another and none half. Entries that wait together share one
 * transaction and one fsync (group commit), each in a savepoint of its own.
 *
 * Floor 7.  wr_ledger_enter() from the thread of the loop; `work` runs on the ledger's
 * thread; `done` is called on the loop after what `work` did is on the disk. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "store/db.h"

struct wr_ledger;

/* What is to be done; embedded in the caller's struct, which lives until `done`. */
struct wr_entry {
	/* 0: keep what was written; negative: undo it all, this entry's only. */
	int (*work)(struct wr_entry *entry, struct wr_db *db);
	/* `status`: what `work` returned, or a negative errno if the commit failed, in which case
	 * nothing of the batch was kept. */
	void (*done)(struct wr_entry *entry, int status);
	struct wr_entry *next; /* the ledger's */
	int status;            /* the ledger's */
};

/* Takes the connection. Starts the thread. */
int wr_ledger_open(uv_loop_t *loop, struct wr_db *db, struct wr_ledger **ret_ledger) WR_MUST_CHECK;
/* All entries first; then closes the connection, and calls back. */
void wr_ledger_close(struct wr_ledger *ledger, void (*closed)(void *context), void *context);
/* -EBUSY where more than 10,000 wait, -ESHUTDOWN after wr_ledger_close(); then `done` is not
 * called. */
int wr_ledger_enter(struct wr_ledger *ledger, struct wr_entry *entry) WR_MUST_CHECK;

struct wr_ledger_numbers {
	uint64_t entries, failed, commits;
	uint64_t busy_ns, commit_ns; /* time at work, of it in commits */
	size_t waiting;
};
void wr_ledger_count(const struct wr_ledger *ledger, struct wr_ledger_numbers *ret_numbers);
