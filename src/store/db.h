/* SQL behind a small interface: one connection to an embedded SQLite file.
 *
 * Floor 7.  A connection belongs to one thread. Statements are prepared once and kept.
 * Failures of the disk come out as negative errno (-ENOSPC, -EROFS, -EIO) with a text. */
#pragma once

#include "base/base.h"

struct wr_db;
struct wr_row; /* a statement at a row */

/* Opens or creates; WAL, synchronous=FULL, foreign keys on, file mode 0600. */
int wr_db_open(const char *path, struct wr_db **ret_db) WR_MUST_CHECK;
struct wr_db *wr_db_close(struct wr_db *db);
/* Closing shall not tidy up: the file and its log stay as they were found. */
void wr_db_leave(struct wr_db *db);
/* What went wrong last, for a log or a problem document; never a value of a row. */
const char *wr_db_error(const struct wr_db *db);

/* A value to bind. */
struct wr_value {
	enum {
		WR_NULL,
		WR_INT,
		WR_TEXT,
		WR_BLOB
	} kind;
	int64_t number;
	const char *text;
	struct wr_bytes blob;
};
#define WR_I(n) ((struct wr_value){ .kind = WR_INT, .number = (int64_t)(n) })
#define WR_T(t) wr_db_text(t) /* NULL is NULL */
#define WR_B(d, l) ((struct wr_value){ .kind = WR_BLOB, .blob = { (const uint8_t *)(d), (l) } })
#define WR_N ((struct wr_value){ .kind = WR_NULL })
struct wr_value wr_db_text(const char *text);

/* Runs a statement (a string literal: it is the cache's key) with values for its '?'.
 * 0, or: -EEXIST (a unique constraint), -ECONSTRAINT as -EDOM (another constraint), or as above. */
int wr_db_run(struct wr_db *db, const char *sql, size_t count, const struct wr_value *values)
	WR_MUST_CHECK;
#define WR_DB_RUN(db, sql, ...) \
	wr_db_run((db), (sql), \
		  sizeof((struct wr_value[]){ __VA_ARGS__ }) / sizeof(struct wr_value), \
		  (struct wr_value[]){ __VA_ARGS__ })
/* Calls `each` with every row until it returns false. Negative errno, or the number of rows. */
int64_t wr_db_each(struct wr_db *db, const char *sql, size_t count, const struct wr_value *values,
		   bool (*each)(void *context, const struct wr_row *row), void *context)
	WR_MUST_CHECK;
/* One row: steps to it. 1: there is one, in *ret_row, to be ended with wr_row_end() before the
 * statement is used again; 0: none; or a negative errno. */
int wr_db_one(struct wr_db *db, const char *sql, size_t count, const struct wr_value *values,
	      struct wr_row **ret_row) WR_MUST_CHECK;
#define WR_DB_ONE(db, ret_row, sql, ...) \
	wr_db_one((db), (sql), \
		  sizeof((struct wr_value[]){ __VA_ARGS__ }) / sizeof(struct wr_value), \
		  (struct wr_value[]){ __VA_ARGS__ }, (ret_row))
void wr_row_end(struct wr_row *row);
int64_t wr_row_int(const struct wr_row *row, unsigned column);
bool wr_row_is_null(const struct wr_row *row, unsigned column);
/* NULL if NULL; valid until the next row. */
const char *wr_row_text(const struct wr_row *row, unsigned column);
struct wr_bytes wr_row_blob(const struct wr_row *row, unsigned column);
int64_t wr_db_last_id(const struct wr_db *db);
int64_t wr_db_changes(const struct wr_db *db);

/* Brings the schema from user_version to `count`: each step once, in a transaction, after a
 * backup of the file beside it (PATH.before-vN) if it held anything. -ENOTSUP: the file is
 * of a later program. */
int wr_db_migrate(struct wr_db *db, const char *const *steps, unsigned count) WR_MUST_CHECK;
/* Writes a consistent copy while others read and write; to a new file, mode 0600. */
int wr_db_backup(struct wr_db *db, const char *path) WR_MUST_CHECK;
/* 0 if the file is whole (integrity_check, foreign_key_check); -EBADMSG if not. */
int wr_db_check(struct wr_db *db) WR_MUST_CHECK;
