/* Entries of the ledger, and how a batch of them is done: one transaction, each entry in a
 * savepoint of its own, one fsync.
 *
 * Floor 7.  Of this folder only; on the ledger's thread, but for the counts. */
#pragma once

#include <stdatomic.h>

#include "base/base.h"
#include "store/ledger.h"

/* A list, first in, first out; not to be copied. */
struct wr_entries {
	struct wr_entry *first, **end;
	size_t count;
};
void wr_entries_init(struct wr_entries *list);
void wr_entries_add(struct wr_entries *list, struct wr_entry *entry);
/* NULL if there is none. */
struct wr_entry *wr_entries_take(struct wr_entries *list);

/* The most that are done in one. */
#define WR_BATCH_ENTRIES 512

struct wr_batch {
	struct wr_db *db;
	uint64_t told_ns; /* when the last failure was logged */
	uint64_t log_ns;  /* first commit since the log was emptied; 0: none */
	/* What wr_ledger_count() tells: any thread. */
	atomic_uint_fast64_t entries, failed, commits, busy_ns, commit_ns;
};

/* Does entries of `waiting`, all or as many as there is time for, and moves them to `ran` with
 * their status: what the work returned, or one error for all of them. */
void wr_batch_do(struct wr_batch *batch, struct wr_entries *waiting, struct wr_entries *ran);
/* CLOCK_MONOTONIC. */
uint64_t wr_batch_now(void);
