#include "store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/connection.h"

/* Another process (a person with a SQLite shell) may hold the lock for a moment. */
#define BUSY_TIMEOUT_MS 5000

/* synchronous=FULL: a commit is on the disk before it returns. secure_delete: what is deleted
 * is overwritten. cell_size_check, trusted_schema: sqlite.org/security.html. */
static const char settings[] = "PRAGMA journal_mode=WAL;"
			       "PRAGMA synchronous=FULL;"
			       "PRAGMA secure_delete=ON;"
			       "PRAGMA foreign_keys=ON;"
			       "PRAGMA temp_store=MEMORY;"
			       "PRAGMA cell_size_check=ON;"
			       "PRAGMA trusted_schema=OFF;";

/* --- What a result is called here. --- */

static int io_error(sqlite3 *handle)
{
	int error = sqlite3_system_errno(handle);

	return error == ENOSPC || error == EDQUOT ? -ENOSPC : error == EROFS ? -EROFS : -EIO;
}

static int constraint_error(int extended)
{
	return extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY ||
			       extended == SQLITE_CONSTRAINT_ROWID
		       ? -EEXIST
		       : -EDOM;
}

static int open_error(sqlite3 *handle)
{
	int error = sqlite3_system_errno(handle);

	return error ? -error : -EACCES;
}

int wr_db_error_of(sqlite3 *handle, int result)
{
	switch (result & 0xff) {
	case SQLITE_FULL: return -ENOSPC;
	case SQLITE_READONLY: return -EROFS;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB: return -EBADMSG;
	case SQLITE_IOERR: return io_error(handle);
	case SQLITE_NOMEM: return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return -EBUSY;
	case SQLITE_CONSTRAINT: return constraint_error(result);
	case SQLITE_CANTOPEN: return open_error(handle);
	case SQLITE_PERM:
	case SQLITE_AUTH: return -EACCES;
	case SQLITE_TOOBIG: return -E2BIG;
	default: return -EINVAL;
	}
}

/* What to do about it, where a person can. */
static const char *advice_for(int error)
{
	switch (error) {
	case -ENOSPC: return "; make room on the disk";
	case -EROFS: return "; the file or its file system can only be read";
	case -EBADMSG: return "; restore a backup";
	case -EBUSY: return "; another process uses the file";
	case -EIO: return "; the disk fails";
	default: return "";
	}
}

int wr_db_result(struct wr_db *db, int result)
{
	int error;

	if (result == SQLITE_OK || result == SQLITE_ROW || result == SQLITE_DONE)
		return 0;
	error = wr_db_error_of(db->handle, result);
	db->last_error = error;
	snprintf(db->error, sizeof(db->error), "%s%s", sqlite3_errmsg(db->handle),
		 advice_for(error));
	return error;
}

const char *wr_db_error(const struct wr_db *db)
{
	return db->error;
}

/* --- Opening and closing. --- */

static bool is_in_memory(const char *path)
{
	return strcmp(path, ":memory:") == 0;
}

/* The log and its index get the mode of the file, so it is made with the right one. */
static int make_file(const char *path)
{
	int fd;

	if (is_in_memory(path))
		return 0;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0) {
		close(fd);
		return wr_db_sync_folder_of(path);
	}
	/* Of an older or copied file: others are kept out; where it cannot be changed, opening
	 * says why. */
	if (errno == EEXIST)
		return chmod(path, 0600) < 0 && errno != EROFS && errno != EPERM ? -errno : 0;
	return -errno;
}

/* SQLite moves the log's pages into the file within a commit, which then waits for two more
 * fsyncs; who commits here does it when nobody waits: wr_db_checkpoint(). */
static int on_commit(void *context, sqlite3 *handle, const char *name, int pages)
{
	struct wr_db *db = context;

	(void)handle;
	(void)name;
	db->wal_pages = pages;
	return SQLITE_OK;
}

static int set_up(struct wr_db *db)
{
	int error;

	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (sqlite3_db_readonly(db->handle, "main") == 1)
		return wr_db_result(db, SQLITE_READONLY);
	error = wr_db_script(db, settings);
	if (!error)
		sqlite3_wal_hook(db->handle, on_commit, db);
	return error;
}

static bool has_log(const char *path)
{
	char *log = NULL;
	bool has = asprintf(&log, "%s-wal", path) >= 0 && access(log, F_OK) == 0;

	free(log);
	return has;
}

int wr_db_open(const char *path, struct wr_db **ret_db)
{
	struct wr_db *db = calloc(1, sizeof(*db));
	int error;

	if (!db)
		return -ENOMEM;
	db->path = strdup(path);
	db->had_log = has_log(path);
	error = db->path ? make_file(path) : -ENOMEM;
	/* A connection belongs to one thread at a time; it may be handed to the ledger's. */
	if (!error)
		error = wr_db_result(
			db, sqlite3_open_v2(path, &db->handle,
					    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
	if (!error)
		error = set_up(db);
	if (error)
		wr_db_close(db);
	else
		*ret_db = db;
	return error;
}

void wr_db_leave(struct wr_db *db)
{
	/* Without one, closing takes away what opening made. */
	if (db->had_log)
		sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

struct wr_db *wr_db_close(struct wr_db *db)
{
	if (!db)
		return NULL;
	wr_db_forget_statements(db);
	/* Rows left open are statements that still stand: SQLite would keep the file. */
	sqlite3_close_v2(db->handle);
	free(db->path);
	free(db);
	return NULL;
}

void wr_db_checkpoint(struct wr_db *db, bool is_whole)
{
	int mode = is_whole ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;

	/* Nobody is to wait for another process that reads. */
	sqlite3_busy_timeout(db->handle, 0);
	if (wr_db_result(db, sqlite3_wal_checkpoint_v2(db->handle, NULL, mode, NULL, NULL)) == 0)
		db->wal_pages = is_whole ? 0 : 1;
	sqlite3_busy_timeout(db->handle, BUSY_TIMEOUT_MS);
}
