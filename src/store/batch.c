#include "store/batch.h"

#include <errno.h>
#include <time.h>

#include "base/log.h"
#include "store/connection.h"

/* A batch ends after so many entries or so long, so that the first need not wait for the
 * last: 20 ms are a fifth of what a person takes for "at once". */
#define BATCH_NS UINT64_C(20000000)
#define TELL_NS UINT64_C(10000000000)

/* --- Lists. --- */

void wr_entries_init(struct wr_entries *list)
{
	*list = (struct wr_entries){ .first = NULL };
	list->end = &list->first;
}

void wr_entries_add(struct wr_entries *list, struct wr_entry *entry)
{
	entry->next = NULL;
	*list->end = entry;
	list->end = &entry->next;
	list->count++;
}

struct wr_entry *wr_entries_take(struct wr_entries *list)
{
	struct wr_entry *entry = list->first;

	if (!entry)
		return NULL;
	list->first = entry->next;
	if (!list->first)
		list->end = &list->first;
	list->count--;
	return entry;
}

/* --- One entry. --- */

uint64_t wr_batch_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void add(atomic_uint_fast64_t *count, uint64_t more)
{
	atomic_fetch_add_explicit(count, more, memory_order_relaxed);
}

static int run(struct wr_batch *batch, const char *sql)
{
	return wr_db_run(batch->db, sql, 0, NULL);
}

/* A full disk may end the whole transaction from within. */
static bool is_broken(const struct wr_batch *batch)
{
	return sqlite3_get_autocommit(batch->db->handle) != 0;
}

static void end_rows(struct wr_batch *batch)
{
	unsigned rows = wr_db_end_rows(batch->db);

	if (rows)
		wr_log_error("ledger: rows_left_open=%u", rows);
}

/* 0, or a negative errno that ends the batch. */
static int work_one(struct wr_batch *batch, struct wr_entry *entry)
{
	int error = run(batch, "SAVEPOINT entry");

	if (error)
		return error;
	entry->status = entry->work(entry, batch->db);
	end_rows(batch);
	if (is_broken(batch))
		return batch->db->last_error < 0 ? batch->db->last_error : -EIO;
	if (entry->status < 0)
		error = run(batch, "ROLLBACK TO entry");
	return error ? error : run(batch, "RELEASE entry");
}

/* Until all are done, or it takes too long. */
static int work_all(struct wr_batch *batch, struct wr_entries *waiting, struct wr_entries *ran)
{
	uint64_t until = wr_batch_now() + BATCH_NS;
	struct wr_entry *entry;
	int error = 0;

	while (!error && ran->count < WR_BATCH_ENTRIES && (!ran->count || wr_batch_now() < until)) {
		entry = wr_entries_take(waiting);
		if (!entry)
			break;
		wr_entries_add(ran, entry);
		error = work_one(batch, entry);
	}
	return error;
}

/* --- All of them. --- */

/* What only read has no transaction to write, and costs no fsync. */
static int commit(struct wr_batch *batch)
{
	bool has_written = sqlite3_txn_state(batch->db->handle, "main") == SQLITE_TXN_WRITE;
	uint64_t before = wr_batch_now();
	int error = run(batch, "COMMIT");

	add(&batch->commit_ns, wr_batch_now() - before);
	if (has_written && !error) {
		add(&batch->commits, 1);
		if (!batch->log_ns)
			batch->log_ns = wr_batch_now();
	}
	return error;
}

/* A disk that stays full would fill the log. */
static void tell(struct wr_batch *batch, size_t lost)
{
	uint64_t now = wr_batch_now();

	if (batch->told_ns && now - batch->told_ns < TELL_NS)
		return;
	batch->told_ns = now;
	wr_log_error("ledger: undone=%zu error=%s", lost, wr_db_error(batch->db));
}

static void fail_all(struct wr_batch *batch, struct wr_entries *ran, int error)
{
	tell(batch, ran->count);
	if (!is_broken(batch) && run(batch, "ROLLBACK"))
		wr_log_error("ledger: rollback=%s", wr_db_error(batch->db));
	for (struct wr_entry *entry = ran->first; entry; entry = entry->next)
		entry->status = error;
}

static void count(struct wr_batch *batch, const struct wr_entries *ran)
{
	uint64_t failed = 0;

	for (const struct wr_entry *entry = ran->first; entry; entry = entry->next)
		failed += entry->status < 0;
	add(&batch->failed, failed);
	add(&batch->entries, ran->count);
}

void wr_batch_do(struct wr_batch *batch, struct wr_entries *waiting, struct wr_entries *ran)
{
	uint64_t before = wr_batch_now();
	int error = run(batch, "BEGIN");

	if (error)
		wr_entries_add(ran, wr_entries_take(waiting));
	else
		error = work_all(batch, waiting, ran);
	if (!error)
		error = commit(batch);
	if (error)
		fail_all(batch, ran, error);
	count(batch, ran);
	add(&batch->busy_ns, wr_batch_now() - before);
}
