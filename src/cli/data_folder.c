#include "cli/data_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "linux/files.h"
#include "server/schema.h"
#include "store/db.h"

/* The server holds the file "lock" as long as it runs. */
int wr_data_hold(const char *data)
{
	WR_AUTO(wr_text_freep) char *path = wr_text_new("%s/lock", data);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	close(fd);
	return -EBUSY;
}

bool wr_data_is_in_use(const char *data)
{
	WR_AUTO(wr_fd_closep) int held = wr_data_hold(data);

	return held == -EBUSY;
}

static void close_dbp(struct wr_db **db)
{
	*db = wr_db_close(*db);
}

static int64_t number_of(struct wr_db *db, const char *sql)
{
	struct wr_row *row;
	int64_t number = -1;

	if (wr_db_one(db, sql, 0, NULL, &row) == 1) {
		number = wr_row_int(row, 0);
		wr_row_end(row);
	}
	return number;
}

int wr_data_check(const char *path)
{
	WR_AUTO(close_dbp) struct wr_db *db = NULL;
	int64_t version;
	int status;

	if (access(path, R_OK) < 0)
		return -errno;
	status = wr_db_open(path, &db);
	if (status == 0)
		status = wr_db_check(db);
	if (status < 0)
		return status;
	version = number_of(db, "PRAGMA user_version");
	if (version > (int64_t)wr_schema_len)
		return -ENOTSUP;
	if (version < 1 ||
	    number_of(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'machine'") != 1)
		return -ENODATA;
	return 0;
}

/* One that is older than epochs gets its first when the server brings it up to date. */
int wr_data_begin_epoch(const char *path)
{
	WR_AUTO(close_dbp) struct wr_db *db = NULL;
	int status = wr_db_open(path, &db);

	if (status < 0)
		return status;
	if (number_of(db, "PRAGMA user_version") < 2)
		return 0;
	return wr_db_run(db,
			 "UPDATE meta SET value = CAST('e' || lower(hex(randomblob(10))) AS BLOB)"
			 " WHERE key = 'epoch'",
			 0, NULL);
}
