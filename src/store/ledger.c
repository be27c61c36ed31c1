#include "store/ledger.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "store/connection.h"

/* Half a minute of work at some 3 ms each: who waits longer has gone. */
#define WAITING_MAX 10000
/* A batch ends after so many entries or so long, so that the first need not wait for the
 * last: 20 ms are a fifth of what a person takes for "at once". */
#define BATCH_ENTRIES 512
#define BATCH_NS UINT64_C(20000000)
/* After so long without an entry the log is emptied into the file; and after this long in
 * any case, so that what was deleted is soon gone from it too. */
#define IDLE_SECONDS 2
#define EMPTY_NS UINT64_C(5000000000)
#define TELL_NS UINT64_C(10000000000)

struct list {
	struct wr_entry *first, **end;
	size_t count;
};

struct wr_ledger {
	struct wr_db *db;
	uint64_t told_ns; /* when the last failure was logged */
	uint64_t log_ns;  /* first commit since the log was emptied; 0: none */
	pthread_t thread;
	uv_async_t async;

	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t has_work;
	struct list waiting, done;
	bool is_closing, is_finished;

	atomic_size_t waiting_now;
	atomic_uint_fast64_t entries, failed, commits, busy_ns, commit_ns;

	void (*closed)(void *context);
	void *context;
};

/* --- Lists. --- */

static void list_init(struct list *list)
{
	*list = (struct list){ .first = NULL };
	list->end = &list->first;
}

static void list_add(struct list *list, struct wr_entry *entry)
{
	entry->next = NULL;
	*list->end = entry;
	list->end = &entry->next;
	list->count++;
}

static struct wr_entry *list_take(struct list *list)
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

/* --- A batch, on the ledger's thread. --- */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void add(atomic_uint_fast64_t *count, uint64_t more)
{
	atomic_fetch_add_explicit(count, more, memory_order_relaxed);
}

static int run(struct wr_ledger *ledger, const char *sql)
{
	return wr_db_run(ledger->db, sql, 0, NULL);
}

/* A full disk may end the whole transaction from within. */
static bool is_broken(const struct wr_ledger *ledger)
{
	return sqlite3_get_autocommit(ledger->db->handle) != 0;
}

static void end_rows(struct wr_ledger *ledger)
{
	unsigned rows = wr_db_end_rows(ledger->db);

	if (rows)
		wr_log_error("ledger: rows_left_open=%u", rows);
}

/* 0, or a negative errno that ends the batch. */
static int work_one(struct wr_ledger *ledger, struct wr_entry *entry)
{
	int error = run(ledger, "SAVEPOINT entry");

	if (error)
		return error;
	entry->status = entry->work(entry, ledger->db);
	end_rows(ledger);
	if (is_broken(ledger))
		return ledger->db->last_error < 0 ? ledger->db->last_error : -EIO;
	if (entry->status < 0)
		error = run(ledger, "ROLLBACK TO entry");
	return error ? error : run(ledger, "RELEASE entry");
}

/* Runs entries of `batch` into `ran`, until all are or it takes too long. */
static int work_all(struct wr_ledger *ledger, struct list *batch, struct list *ran)
{
	uint64_t until = now_ns() + BATCH_NS;
	struct wr_entry *entry;
	int error = 0;

	while (!error && ran->count < BATCH_ENTRIES && (!ran->count || now_ns() < until)) {
		entry = list_take(batch);
		if (!entry)
			break;
		list_add(ran, entry);
		error = work_one(ledger, entry);
	}
	return error;
}

/* What only read has no transaction to write, and costs no fsync. */
static int commit(struct wr_ledger *ledger)
{
	bool has_written = sqlite3_txn_state(ledger->db->handle, "main") == SQLITE_TXN_WRITE;
	uint64_t before = now_ns();
	int error = run(ledger, "COMMIT");

	add(&ledger->commit_ns, now_ns() - before);
	if (has_written && !error) {
		add(&ledger->commits, 1);
		if (!ledger->log_ns)
			ledger->log_ns = now_ns();
	}
	return error;
}

/* A disk that stays full would fill the log. */
static void tell(struct wr_ledger *ledger, size_t lost)
{
	uint64_t now = now_ns();

	if (ledger->told_ns && now - ledger->told_ns < TELL_NS)
		return;
	ledger->told_ns = now;
	wr_log_error("ledger: undone=%zu error=%s", lost, wr_db_error(ledger->db));
}

static void fail_all(struct wr_ledger *ledger, struct list *ran, int error)
{
	tell(ledger, ran->count);
	if (!is_broken(ledger) && run(ledger, "ROLLBACK"))
		wr_log_error("ledger: rollback=%s", wr_db_error(ledger->db));
	for (struct wr_entry *entry = ran->first; entry; entry = entry->next)
		entry->status = error;
}

static void count_failed(struct wr_ledger *ledger, const struct list *ran)
{
	uint64_t failed = 0;

	for (const struct wr_entry *entry = ran->first; entry; entry = entry->next)
		failed += entry->status < 0;
	add(&ledger->failed, failed);
	add(&ledger->entries, ran->count);
}

static void do_batch(struct wr_ledger *ledger, struct list *batch, struct list *ran)
{
	uint64_t before = now_ns();
	int error = run(ledger, "BEGIN");

	if (error)
		list_add(ran, list_take(batch));
	else
		error = work_all(ledger, batch, ran);
	if (!error)
		error = commit(ledger);
	if (error)
		fail_all(ledger, ran, error);
	count_failed(ledger, ran);
	add(&ledger->busy_ns, now_ns() - before);
}

static void hand_back(struct wr_ledger *ledger, struct list *ran)
{
	struct wr_entry *entry;

	pthread_mutex_lock(&ledger->mutex);
	while ((entry = list_take(ran)))
		list_add(&ledger->done, entry);
	pthread_mutex_unlock(&ledger->mutex);
	uv_async_send(&ledger->async);
}

/* --- The thread. --- */

/* True if there is work; false after a while without. */
static bool wait_a_while(struct wr_ledger *ledger)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += IDLE_SECONDS;
	while (!ledger->waiting.first && !ledger->is_closing) {
		if (pthread_cond_timedwait(&ledger->has_work, &ledger->mutex, &until))
			break;
	}
	return ledger->waiting.first || ledger->is_closing;
}

static void wait_for_ever(struct wr_ledger *ledger)
{
	while (!ledger->waiting.first && !ledger->is_closing)
		pthread_cond_wait(&ledger->has_work, &ledger->mutex);
}

static void empty_log(struct wr_ledger *ledger)
{
	wr_db_checkpoint(ledger->db, true);
	/* What could not be emptied now waits for the next commit. */
	ledger->db->wal_pages = 0;
	ledger->log_ns = 0;
}

/* Returns with the mutex held and work to do, or at the end. */
static void wait_for_work(struct wr_ledger *ledger)
{
	if (ledger->db->wal_pages && !wait_a_while(ledger)) {
		pthread_mutex_unlock(&ledger->mutex);
		empty_log(ledger);
		pthread_mutex_lock(&ledger->mutex);
	}
	wait_for_ever(ledger);
}

/* Takes a batch; false at the end. */
static bool take_batch(struct wr_ledger *ledger, struct list *ret_batch)
{
	struct wr_entry *entry;

	list_init(ret_batch);
	pthread_mutex_lock(&ledger->mutex);
	wait_for_work(ledger);
	while (ret_batch->count < BATCH_ENTRIES && (entry = list_take(&ledger->waiting)))
		list_add(ret_batch, entry);
	atomic_store_explicit(&ledger->waiting_now, ledger->waiting.count, memory_order_relaxed);
	pthread_mutex_unlock(&ledger->mutex);
	return ret_batch->first;
}

static void *ledger_thread(void *context)
{
	struct wr_ledger *ledger = context;
	struct list batch, ran;

	while (take_batch(ledger, &batch)) {
		while (batch.first) {
			list_init(&ran);
			do_batch(ledger, &batch, &ran);
			hand_back(ledger, &ran);
			if (ledger->log_ns && now_ns() - ledger->log_ns > EMPTY_NS)
				empty_log(ledger);
			else if (ledger->db->wal_pages >= WR_DB_WAL_PAGES)
				wr_db_checkpoint(ledger->db, false);
		}
	}
	ledger->db = wr_db_close(ledger->db);
	pthread_mutex_lock(&ledger->mutex);
	ledger->is_finished = true;
	pthread_mutex_unlock(&ledger->mutex);
	uv_async_send(&ledger->async);
	return NULL;
}

/* --- The loop's side. --- */

static void on_closed(uv_handle_t *handle)
{
	struct wr_ledger *ledger = handle->data;
	void (*closed)(void *context) = ledger->closed;
	void *context = ledger->context;

	pthread_cond_destroy(&ledger->has_work);
	pthread_mutex_destroy(&ledger->mutex);
	free(ledger);
	if (closed)
		closed(context);
}

static void on_done(uv_async_t *async)
{
	struct wr_ledger *ledger = async->data;
	struct wr_entry *entry;
	struct list done;
	bool is_finished;

	list_init(&done);
	pthread_mutex_lock(&ledger->mutex);
	while ((entry = list_take(&ledger->done)))
		list_add(&done, entry);
	is_finished = ledger->is_finished;
	pthread_mutex_unlock(&ledger->mutex);
	while ((entry = list_take(&done)))
		entry->done(entry, entry->status);
	if (is_finished && !uv_is_closing((uv_handle_t *)async)) {
		pthread_join(ledger->thread, NULL);
		uv_close((uv_handle_t *)async, on_closed);
	}
}

int wr_ledger_enter(struct wr_ledger *ledger, struct wr_entry *entry)
{
	int status = 0;

	pthread_mutex_lock(&ledger->mutex);
	if (ledger->is_closing)
		status = -ESHUTDOWN;
	else if (ledger->waiting.count >= WAITING_MAX)
		status = -EBUSY;
	else
		list_add(&ledger->waiting, entry);
	atomic_store_explicit(&ledger->waiting_now, ledger->waiting.count, memory_order_relaxed);
	pthread_mutex_unlock(&ledger->mutex);
	if (!status)
		pthread_cond_signal(&ledger->has_work);
	return status;
}

void wr_ledger_close(struct wr_ledger *ledger, void (*closed)(void *context), void *context)
{
	ledger->closed = closed;
	ledger->context = context;
	pthread_mutex_lock(&ledger->mutex);
	ledger->is_closing = true;
	pthread_mutex_unlock(&ledger->mutex);
	pthread_cond_signal(&ledger->has_work);
}

void wr_ledger_count(const struct wr_ledger *ledger, struct wr_ledger_numbers *ret_numbers)
{
	*ret_numbers = (struct wr_ledger_numbers){
		.entries = atomic_load_explicit(&ledger->entries, memory_order_relaxed),
		.failed = atomic_load_explicit(&ledger->failed, memory_order_relaxed),
		.commits = atomic_load_explicit(&ledger->commits, memory_order_relaxed),
		.busy_ns = atomic_load_explicit(&ledger->busy_ns, memory_order_relaxed),
		.commit_ns = atomic_load_explicit(&ledger->commit_ns, memory_order_relaxed),
		.waiting = atomic_load_explicit(&ledger->waiting_now, memory_order_relaxed),
	};
}

/* --- Opening. --- */

/* A wait goes by a clock that does not jump. */
static void init_locks(struct wr_ledger *ledger)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&ledger->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&ledger->has_work, &attributes);
	pthread_condattr_destroy(&attributes);
}

static void on_failed_to_open(uv_handle_t *handle)
{
	free(handle->data);
}

int wr_ledger_open(uv_loop_t *loop, struct wr_db *db, struct wr_ledger **ret_ledger)
{
	struct wr_ledger *ledger = calloc(1, sizeof(*ledger));
	int error;

	if (!ledger)
		return -ENOMEM;
	ledger->db = db;
	list_init(&ledger->waiting);
	list_init(&ledger->done);
	init_locks(ledger);
	error = uv_async_init(loop, &ledger->async, on_done);
	if (error) {
		free(ledger);
		return error;
	}
	ledger->async.data = ledger;
	error = pthread_create(&ledger->thread, NULL, ledger_thread, ledger);
	if (error) {
		uv_close((uv_handle_t *)&ledger->async, on_failed_to_open);
		return -error;
	}
	*ret_ledger = ledger;
	return 0;
}
