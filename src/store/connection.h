/* A connection from within.
 *
 * Floor 7.  Of this folder only. */
#pragma once

#include <sqlite3.h>

#include "store/db.h"

/* Statements that are kept. All are literals of this program, some 200: more are our own bug. */
#define WR_DB_STATEMENTS 1024

/* A statement: kept, or made for once because the kept one is at a row. */
struct wr_row {
	sqlite3_stmt *statement;
	struct wr_db *db;
	bool is_kept;
};

struct wr_db {
	sqlite3 *handle;
	char *path;
	struct wr_row *kept[WR_DB_STATEMENTS]; /* by hash of the text, open addressing */
	size_t kept_count;
	unsigned open_rows; /* of wr_db_one(), not yet ended */
	bool had_log;       /* when it was opened: somebody was killed, or uses it too */
	int wal_pages;      /* in the log, after the last commit */
	int last_error;     /* of the last failure: a negative errno, and its text */
	char error[256];
};

/* What a result of SQLite that is a failure is called here: a negative errno. */
int wr_db_error_of(sqlite3 *handle, int result);
/* 0 or a negative errno; keeps its text. */
int wr_db_result(struct wr_db *db, int result);
/* Several statements without values. */
int wr_db_script(struct wr_db *db, const char *sql) WR_MUST_CHECK;
/* The number in the first column of the first row. */
int wr_db_number(struct wr_db *db, const char *sql, int64_t *ret_number) WR_MUST_CHECK;
/* Ends rows that were left open. Returns how many there were. */
unsigned wr_db_end_rows(struct wr_db *db);
void wr_db_forget_statements(struct wr_db *db);

/* No more than this many pages (of 4 KiB) wait in the log (SQLite's own default). */
#define WR_DB_WAL_PAGES 1000
/* Moves the log's pages into the file; `is_whole`: and makes the log empty, so that
 * nothing of what was deleted stays in it. Best effort: a failure shows up in `error` only. */
void wr_db_checkpoint(struct wr_db *db, bool is_whole);

/* wr_db_backup(), instead of a file that is there. */
int wr_db_backup_over(struct wr_db *db, const char *path) WR_MUST_CHECK;
/* A name is on the disk when its folder is. 0 or a negative errno. */
int wr_db_sync_folder_of(const char *path) WR_MUST_CHECK;
/* -EBADMSG where a row refers to one that is not there. */
int wr_db_check_references(struct wr_db *db) WR_MUST_CHECK;
