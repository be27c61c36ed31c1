#include "store/ledger.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "store/batch.h"
#include "store/connection.h"

/* Half a minute of work at some 3 ms each: who waits longer has gone. */
#define WAITING_MAX 10000
/* After so long without an entry the log is emptied into the file; and after this long in
 * any case, so that what was deleted is soon gone from it too. */
#define IDLE_SECONDS 2
#define EMPTY_NS UINT64_C(5000000000)

struct wr_ledger {
	struct wr_batch batch; /* the thread's */
	pthread_t thread;
	uv_async_t async;

	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t has_work;
	struct wr_entries waiting, done;
	bool is_closing, is_finished;

	atomic_size_t waiting_now; /* any thread */

	void (*closed)(void *context);
	void *context;
};

/* --- The thread. --- */

static void hand_back(struct wr_ledger *ledger, struct wr_entries *ran)
{
	struct wr_entry *entry;

	pthread_mutex_lock(&ledger->mutex);
	while ((entry = wr_entries_take(ran)))
		wr_entries_add(&ledger->done, entry);
	pthread_mutex_unlock(&ledger->mutex);
	uv_async_send(&ledger->async);
}

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
	wr_db_checkpoint(ledger->batch.db, true);
	/* What could not be emptied now waits for the next commit. */
	ledger->batch.db->wal_pages = 0;
	ledger->batch.log_ns = 0;
}

/* Returns with the mutex held and work to do, or at the end. */
static void wait_for_work(struct wr_ledger *ledger)
{
	if (ledger->batch.db->wal_pages && !wait_a_while(ledger)) {
		pthread_mutex_unlock(&ledger->mutex);
		empty_log(ledger);
		pthread_mutex_lock(&ledger->mutex);
	}
	wait_for_ever(ledger);
}

/* Takes a batch; false at the end. */
static bool take_batch(struct wr_ledger *ledger, struct wr_entries *ret_batch)
{
	struct wr_entry *entry;

	wr_entries_init(ret_batch);
	pthread_mutex_lock(&ledger->mutex);
	wait_for_work(ledger);
	while (ret_batch->count < WR_BATCH_ENTRIES && (entry = wr_entries_take(&ledger->waiting)))
		wr_entries_add(ret_batch, entry);
	atomic_store_explicit(&ledger->waiting_now, ledger->waiting.count, memory_order_relaxed);
	pthread_mutex_unlock(&ledger->mutex);
	return ret_batch->first;
}

static void *ledger_thread(void *context)
{
	struct wr_ledger *ledger = context;
	struct wr_entries batch, ran;

	while (take_batch(ledger, &batch)) {
		while (batch.first) {
			wr_entries_init(&ran);
			wr_batch_do(&ledger->batch, &batch, &ran);
			hand_back(ledger, &ran);
			if (ledger->batch.log_ns &&
			    wr_batch_now() - ledger->batch.log_ns > EMPTY_NS)
				empty_log(ledger);
			else if (ledger->batch.db->wal_pages >= WR_DB_WAL_PAGES)
				wr_db_checkpoint(ledger->batch.db, false);
		}
	}
	ledger->batch.db = wr_db_close(ledger->batch.db);
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
	struct wr_entries done;
	bool is_finished;

	wr_entries_init(&done);
	pthread_mutex_lock(&ledger->mutex);
	while ((entry = wr_entries_take(&ledger->done)))
		wr_entries_add(&done, entry);
	is_finished = ledger->is_finished;
	pthread_mutex_unlock(&ledger->mutex);
	while ((entry = wr_entries_take(&done)))
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
		wr_entries_add(&ledger->waiting, entry);
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
		.entries = atomic_load_explicit(&ledger->batch.entries, memory_order_relaxed),
		.failed = atomic_load_explicit(&ledger->batch.failed, memory_order_relaxed),
		.commits = atomic_load_explicit(&ledger->batch.commits, memory_order_relaxed),
		.busy_ns = atomic_load_explicit(&ledger->batch.busy_ns, memory_order_relaxed),
		.commit_ns = atomic_load_explicit(&ledger->batch.commit_ns, memory_order_relaxed),
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
	ledger->batch.db = db;
	wr_entries_init(&ledger->waiting);
	wr_entries_init(&ledger->done);
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
