#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/connection.h"

struct wr_value wr_db_text(const char *text)
{
	return (struct wr_value){ .kind = text ? WR_TEXT : WR_NULL, .text = text };
}

/* --- Statements: prepared once, found by their text. --- */

/* FNV-1a: the texts are our own. */
static size_t hash_of(const char *sql)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *sql; sql++)
		hash = (hash ^ (uint8_t)*sql) * UINT64_C(0x100000001b3);
	return (size_t)(hash ^ hash >> 32);
}

static struct wr_row **place_of(struct wr_db *db, const char *sql)
{
	size_t place = hash_of(sql) % WR_DB_STATEMENTS;

	while (db->kept[place] && strcmp(sqlite3_sql(db->kept[place]->statement), sql) != 0)
		place = (place + 1) % WR_DB_STATEMENTS;
	return &db->kept[place];
}

static struct wr_row *row_free(struct wr_row *row)
{
	if (row)
		sqlite3_finalize(row->statement);
	free(row);
	return NULL;
}

static int prepare(struct wr_db *db, const char *sql, bool is_kept, struct wr_row **ret_row)
{
	struct wr_row *row = calloc(1, sizeof(*row));
	unsigned flags = is_kept ? SQLITE_PREPARE_PERSISTENT : 0;
	int error;

	if (!row)
		return -ENOMEM;
	*row = (struct wr_row){ .db = db, .is_kept = is_kept };
	error = wr_db_result(db,
			     sqlite3_prepare_v3(db->handle, sql, -1, flags, &row->statement, NULL));
	if (error)
		row = row_free(row);
	else
		*ret_row = row;
	return error;
}

static int keep(struct wr_db *db, const char *sql, struct wr_row **place)
{
	int error = prepare(db, sql, true, place);

	if (!error)
		db->kept_count++;
	/* One place stays free, or a search would not end. */
	assert(db->kept_count < WR_DB_STATEMENTS);
	return error;
}

/* The kept one, or one for once if that is at a row: a statement may be used within itself. */
static int find(struct wr_db *db, const char *sql, struct wr_row **ret_row)
{
	struct wr_row **place = place_of(db, sql);
	int error = *place ? 0 : keep(db, sql, place);

	if (error)
		return error;
	if (sqlite3_stmt_busy((*place)->statement))
		return prepare(db, sql, false, ret_row);
	*ret_row = *place;
	return 0;
}

void wr_db_forget_statements(struct wr_db *db)
{
	for (size_t i = 0; i < WR_DB_STATEMENTS; i++)
		db->kept[i] = row_free(db->kept[i]);
	db->kept_count = 0;
}

/* --- Values. --- */

static int bind_one(sqlite3_stmt *statement, int place, const struct wr_value *value)
{
	/* SQLite takes a blob at NULL for NULL. */
	const void *blob = value->blob.data ? value->blob.data : (const uint8_t *)"";

	switch (value->kind) {
	case WR_INT: return sqlite3_bind_int64(statement, place, value->number);
	case WR_TEXT: return sqlite3_bind_text(statement, place, value->text, -1, SQLITE_STATIC);
	case WR_BLOB:
		return sqlite3_bind_blob64(statement, place, blob, value->blob.len, SQLITE_STATIC);
	case WR_NULL: break;
	}
	return sqlite3_bind_null(statement, place);
}

/* Values are the caller's and may be gone after: none stays bound. */
static int end(struct wr_row *row)
{
	int result = sqlite3_reset(row->statement);

	sqlite3_clear_bindings(row->statement);
	if (!row->is_kept)
		row_free(row);
	return result;
}

static int begin(struct wr_db *db, const char *sql, size_t count, const struct wr_value *values,
		 struct wr_row **ret_row)
{
	struct wr_row *row;
	int error = find(db, sql, &row);

	if (error)
		return error;
	assert((size_t)sqlite3_bind_parameter_count(row->statement) == count);
	for (size_t i = 0; i < count && !error; i++)
		error = wr_db_result(db, bind_one(row->statement, (int)i + 1, &values[i]));
	if (error)
		end(row);
	else
		*ret_row = row;
	return error;
}

/* 1: at a row; 0: done; or a negative errno. The text of a failure is taken before anything
 * else is done with the connection. */
static int step(struct wr_row *row)
{
	int result = sqlite3_step(row->statement);

	return result == SQLITE_ROW ? 1 : wr_db_result(row->db, result);
}

/* --- Running. --- */

int wr_db_run(struct wr_db *db, const char *sql, size_t count, const struct wr_value *values)
{
	struct wr_row *row;
	int status = begin(db, sql, count, values, &row);

	if (status)
		return status;
	do
		status = step(row);
	while (status > 0);
	end(row);
	return status;
}

int64_t wr_db_each(struct wr_db *db, const char *sql, size_t count, const struct wr_value *values,
		   bool (*each)(void *context, const struct wr_row *row), void *context)
{
	struct wr_row *row;
	int64_t rows = 0;
	int status = begin(db, sql, count, values, &row);

	if (status)
		return status;
	for (;;) {
		status = step(row);
		if (status <= 0)
			break;
		rows++;
		if (!each(context, row))
			break;
	}
	end(row);
	return status < 0 ? status : rows;
}

int wr_db_one(struct wr_db *db, const char *sql, size_t count, const struct wr_value *values,
	      struct wr_row **ret_row)
{
	struct wr_row *row;
	int status = begin(db, sql, count, values, &row);

	if (status)
		return status;
	status = step(row);
	if (status <= 0) {
		end(row);
		return status;
	}
	db->open_rows++;
	*ret_row = row;
	return 1;
}

void wr_row_end(struct wr_row *row)
{
	assert(row->db->open_rows);
	row->db->open_rows--;
	end(row);
}

unsigned wr_db_end_rows(struct wr_db *db)
{
	unsigned count = db->open_rows;

	for (size_t i = 0; count && i < WR_DB_STATEMENTS; i++) {
		if (db->kept[i] && sqlite3_stmt_busy(db->kept[i]->statement))
			end(db->kept[i]);
	}
	db->open_rows = 0;
	return count;
}

/* --- A row. --- */

int64_t wr_row_int(const struct wr_row *row, unsigned column)
{
	return sqlite3_column_int64(row->statement, (int)column);
}

bool wr_row_is_null(const struct wr_row *row, unsigned column)
{
	return sqlite3_column_type(row->statement, (int)column) == SQLITE_NULL;
}

const char *wr_row_text(const struct wr_row *row, unsigned column)
{
	return (const char *)sqlite3_column_text(row->statement, (int)column);
}

struct wr_bytes wr_row_blob(const struct wr_row *row, unsigned column)
{
	const void *data = sqlite3_column_blob(row->statement, (int)column);

	return (struct wr_bytes){ data, (size_t)sqlite3_column_bytes(row->statement, (int)column) };
}

int64_t wr_db_last_id(const struct wr_db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}

int64_t wr_db_changes(const struct wr_db *db)
{
	return sqlite3_changes64(db->handle);
}

/* --- Without values. --- */

int wr_db_script(struct wr_db *db, const char *sql)
{
	return wr_db_result(db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

int wr_db_number(struct wr_db *db, const char *sql, int64_t *ret_number)
{
	struct wr_row *row;
	int status = wr_db_one(db, sql, 0, NULL, &row);

	if (status <= 0)
		return status ? status : -EINVAL;
	*ret_number = wr_row_int(row, 0);
	wr_row_end(row);
	return 0;
}
