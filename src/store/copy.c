#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/connection.h"

static void close_handle(sqlite3 **handle)
{
	sqlite3_close_v2(*handle);
}

int wr_db_sync_folder_of(const char *path)
{
	char *folder = strdup(path);
	char *slash = folder ? strrchr(folder, '/') : NULL;
	int fd, status = 0;

	if (!folder)
		return -ENOMEM;
	if (slash)
		slash[slash == folder ? 1 : 0] = '\0';
	fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		status = -errno;
	if (fd >= 0)
		close(fd);
	free(folder);
	return status;
}

static int sync_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int status = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		status = -errno;
	close(fd);
	return status;
}

/* What was committed last is what is copied: through a connection that only reads, since
 * ours may be in the middle of a transaction. A file in memory has one connection only. */
static int open_source(struct wr_db *db, sqlite3 **ret_handle)
{
	if (strcmp(db->path, ":memory:") == 0)
		return 0;
	return sqlite3_open_v2(db->path, ret_handle, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
			       NULL);
}

static int copy_pages(sqlite3 *from, sqlite3 *to)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int result;

	if (!backup)
		return wr_db_error_of(to, sqlite3_errcode(to));
	result = sqlite3_backup_step(backup, -1);
	sqlite3_backup_finish(backup);
	return result == SQLITE_DONE ? 0 : wr_db_error_of(to, result);
}

/* The copy is nobody's until it has its name, so it needs no journal, and one fsync. */
static int copy_to(struct wr_db *db, const char *path)
{
	WR_AUTO(close_handle) sqlite3 *from = NULL;
	WR_AUTO(close_handle) sqlite3 *to = NULL;
	int result = open_source(db, &from);

	if (result == SQLITE_OK)
		result = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX,
					 NULL);
	if (result == SQLITE_OK)
		result = sqlite3_exec(to, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;", NULL,
				      NULL, NULL);
	if (result != SQLITE_OK)
		return wr_db_error_of(to ? to : from, result);
	return copy_pages(from ? from : db->handle, to);
}

static int make_empty(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

/* Under another name until it is whole. */
static int backup(struct wr_db *db, const char *path, unsigned rename_flags)
{
	char *part = NULL;
	int error;

	if (asprintf(&part, "%s.part", path) < 0)
		return -ENOMEM;
	unlink(part);
	error = make_empty(part);
	if (!error)
		error = copy_to(db, part);
	if (!error)
		error = sync_file(part);
	if (!error && renameat2(AT_FDCWD, part, AT_FDCWD, path, rename_flags) < 0)
		error = -errno;
	if (!error)
		error = wr_db_sync_folder_of(path);
	if (error)
		unlink(part);
	free(part);
	return error;
}

static int say(struct wr_db *db, const char *path, int error)
{
	char what[sizeof(db->error)];

	if (error) {
		snprintf(what, sizeof(what), "%s", strerror(-error));
		snprintf(db->error, sizeof(db->error), "backup to %.100s: %.100s", path, what);
	}
	return error;
}

int wr_db_backup(struct wr_db *db, const char *path)
{
	if (access(path, F_OK) == 0)
		return say(db, path, -EEXIST);
	return say(db, path, backup(db, path, RENAME_NOREPLACE));
}

int wr_db_backup_over(struct wr_db *db, const char *path)
{
	return say(db, path, backup(db, path, 0));
}

/* --- Is it whole? --- */

static bool is_ok(void *context, const struct wr_row *row)
{
	const char *text = wr_row_text(row, 0);
	bool *is_whole = context;

	*is_whole = text && strcmp(text, "ok") == 0;
	return false;
}

static int check_pages(struct wr_db *db)
{
	bool is_whole = false;
	int64_t rows = wr_db_each(db, "PRAGMA integrity_check(1)", 0, NULL, is_ok, &is_whole);

	if (rows < 0)
		return (int)rows;
	return is_whole ? 0 : wr_db_result(db, SQLITE_CORRUPT);
}

static bool stop(void *context, const struct wr_row *row)
{
	(void)context;
	(void)row;
	return false;
}

int wr_db_check_references(struct wr_db *db)
{
	int64_t rows = wr_db_each(db, "PRAGMA foreign_key_check", 0, NULL, stop, NULL);

	if (rows > 0)
		snprintf(db->error, sizeof(db->error),
			 "rows refer to others that are not there; restore a backup");
	return rows > 0 ? -EBADMSG : (int)rows;
}

int wr_db_check(struct wr_db *db)
{
	int error = check_pages(db);

	if (error == -EBADMSG)
		snprintf(db->error, sizeof(db->error), "the file is damaged; restore a backup");
	return error ? error : wr_db_check_references(db);
}
