#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "store/connection.h"

static int back_up_before(struct wr_db *db, int64_t version)
{
	char *path = NULL;
	int error;

	if (asprintf(&path, "%s.before-v%lld", db->path, (long long)version) < 0)
		return -ENOMEM;
	error = wr_db_backup_over(db, path);
	if (!error)
		wr_log_verbose("migration: version=%lld backup=%s", (long long)version, path);
	free(path);
	return error;
}

static int step_to(struct wr_db *db, const char *step, int64_t version)
{
	char pragma[64];
	int error = wr_db_script(db, step);

	snprintf(pragma, sizeof(pragma), "PRAGMA user_version=%lld", (long long)version);
	if (!error)
		error = wr_db_script(db, pragma);
	if (!error)
		error = wr_db_check_references(db);
	return error;
}

static int in_transaction(struct wr_db *db, const char *step, int64_t version)
{
	char why[sizeof(db->error)];
	int error = wr_db_script(db, "BEGIN IMMEDIATE");

	if (error)
		return error;
	error = step_to(db, step, version);
	if (!error)
		error = wr_db_script(db, "COMMIT");
	if (!error)
		return 0;
	snprintf(why, sizeof(why), "%s", db->error);
	if (!sqlite3_get_autocommit(db->handle) && wr_db_script(db, "ROLLBACK"))
		wr_log_error("migration: rollback=%s", db->error);
	snprintf(db->error, sizeof(db->error), "%s", why);
	return error;
}

/* A table that is made anew under its old name is dropped first: while references are
 * followed, that would delete what refers to it (sqlite.org/lang_altertable.html). */
static int migrate_one(struct wr_db *db, const char *step, int64_t version)
{
	int error = wr_db_script(db, "PRAGMA foreign_keys=OFF"), after;

	if (!error)
		error = in_transaction(db, step, version);
	after = wr_db_script(db, "PRAGMA foreign_keys=ON");
	return error ? error : after;
}

/* A new file has nothing to be kept, and a file in memory has no place beside it. */
static int has_content(struct wr_db *db, bool *ret_has_content)
{
	int64_t tables;
	int error = wr_db_number(db, "SELECT count(*) FROM sqlite_schema", &tables);

	if (!error)
		*ret_has_content = tables && strcmp(db->path, ":memory:") != 0;
	return error;
}

static int migrate_all(struct wr_db *db, const char *const *steps, int64_t version, unsigned count)
{
	bool is_backed_up;
	int error = has_content(db, &is_backed_up);

	for (; version < count && !error; version++) {
		if (is_backed_up)
			error = back_up_before(db, version + 1);
		if (!error)
			error = migrate_one(db, steps[version], version + 1);
	}
	return error;
}

int wr_db_migrate(struct wr_db *db, const char *const *steps, unsigned count)
{
	int64_t version;
	int error = wr_db_number(db, "PRAGMA user_version", &version);

	if (error)
		return error;
	if (version < 0 || version > count) {
		snprintf(db->error, sizeof(db->error),
			 "the file is of version %lld, this program knows %u; use a later program",
			 (long long)version, count);
		return -ENOTSUP;
	}
	error = migrate_all(db, steps, version, count);
	/* Statements were prepared for tables that may have changed. */
	wr_db_forget_statements(db);
	return error;
}
