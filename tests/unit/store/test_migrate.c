#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lab.h"

static const char *const steps[] = {
	"CREATE TABLE owner (id INTEGER PRIMARY KEY, name TEXT);"
	"CREATE TABLE pet (id INTEGER PRIMARY KEY,"
	" owner INTEGER NOT NULL REFERENCES owner ON DELETE CASCADE);",
	/* A table made anew, on which others depend. */
	"CREATE TABLE owner_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL, age INTEGER);"
	"INSERT INTO owner_new SELECT id, name, 7 FROM owner;"
	"DROP TABLE owner; ALTER TABLE owner_new RENAME TO owner;",
	"ALTER TABLE pet ADD COLUMN name TEXT;",
};

static const char *const broken_steps[] = {
	"CREATE TABLE owner (id INTEGER PRIMARY KEY, name TEXT);"
	"CREATE TABLE pet (id INTEGER PRIMARY KEY,"
	" owner INTEGER NOT NULL REFERENCES owner ON DELETE CASCADE);",
	"DELETE FROM owner; CREATE TABLE extra (a); CREATE TABLE extra (a);",
};

static const char *const dangling_steps[] = {
	"",
	"DELETE FROM owner;",
};

static int set_up(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	lab_start(lab, "/tmp");
	lab_open(lab);
	*state = lab;
	return 0;
}

static int tear_down(void **state)
{
	lab_end(*state);
	free(*state);
	return 0;
}

static bool exists(const struct lab *lab, const char *name)
{
	char path[256];

	return access(lab_file(lab, name, path), F_OK) == 0;
}

/* A file as a program of version 1 left it. */
static void make_old(struct lab *lab)
{
	assert_int_equal(wr_db_migrate(lab->db, steps, 1), 0);
	lab_run(lab->db, "INSERT INTO owner VALUES (1, 'ann'), (2, 'bo')");
	lab_run(lab->db, "INSERT INTO pet VALUES (1, 1), (2, 2)");
	lab_close(lab);
	lab_open(lab);
}

static void test_migrate_makes_a_new_file_without_backups(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(wr_db_migrate(lab->db, steps, 3), 0);
	assert_int_equal(lab_number(lab->db, "PRAGMA user_version"), 3);
	assert_false(exists(lab, "test.db.before-v1"));
	assert_int_equal(lab_number(lab->db, "PRAGMA foreign_keys"), 1);
	/* A second time there is nothing to do. */
	assert_int_equal(wr_db_migrate(lab->db, steps, 3), 0);
	assert_false(exists(lab, "test.db.before-v3"));
}

static void assert_backup(const struct lab *lab, const char *name, int64_t version)
{
	struct wr_db *db;
	char path[256];

	assert_true(exists(lab, name));
	assert_int_equal(wr_db_open(lab_file(lab, name, path), &db), 0);
	assert_int_equal(wr_db_check(db), 0);
	assert_int_equal(lab_number(db, "PRAGMA user_version"), version);
	assert_int_equal(lab_number(db, "SELECT count(*) FROM pet"), 2);
	wr_db_close(db);
}

static void test_migrate_of_an_older_file_keeps_all_and_a_backup_of_each(void **state)
{
	struct lab *lab = *state;

	make_old(lab);
	assert_int_equal(wr_db_migrate(lab->db, steps, 3), 0);
	assert_int_equal(lab_number(lab->db, "PRAGMA user_version"), 3);
	assert_int_equal(lab_number(lab->db, "SELECT sum(age) FROM owner"), 14);
	assert_int_equal(lab_number(lab->db, "SELECT count(*) FROM pet WHERE name IS NULL"), 2);
	assert_int_equal(wr_db_check(lab->db), 0);
	assert_false(exists(lab, "test.db.before-v1"));
	assert_backup(lab, "test.db.before-v2", 1);
	assert_backup(lab, "test.db.before-v3", 2);
	/* References are followed again. */
	assert_int_equal(wr_db_run(lab->db, "INSERT INTO pet (owner) VALUES (9)", 0, NULL), -EDOM);
}

static void test_migrate_step_that_fails_changes_nothing(void **state)
{
	struct lab *lab = *state;

	make_old(lab);
	assert_int_equal(wr_db_migrate(lab->db, broken_steps, 2), -EINVAL);
	assert_non_null(strstr(wr_db_error(lab->db), "extra"));
	assert_int_equal(lab_number(lab->db, "PRAGMA user_version"), 1);
	assert_int_equal(lab_number(lab->db, "SELECT count(*) FROM owner"), 2);
	assert_int_equal(lab_number(lab->db, "PRAGMA foreign_keys"), 1);
	/* The right program goes on from there. */
	assert_int_equal(wr_db_migrate(lab->db, steps, 3), 0);
	assert_int_equal(wr_db_check(lab->db), 0);
}

static void test_migrate_step_that_leaves_rows_dangling_changes_nothing(void **state)
{
	struct lab *lab = *state;

	make_old(lab);
	assert_int_equal(wr_db_migrate(lab->db, dangling_steps, 2), -EBADMSG);
	assert_int_equal(lab_number(lab->db, "PRAGMA user_version"), 1);
	assert_int_equal(lab_number(lab->db, "SELECT count(*) FROM owner"), 2);
}

static void test_migrate_without_room_for_a_backup_changes_nothing(void **state)
{
	struct lab *lab = *state;
	char path[256];

	make_old(lab);
	/* A folder stands where the backup would be written. */
	assert_int_equal(mkdir(lab_file(lab, "test.db.before-v2.part", path), 0700), 0);
	assert_true(wr_db_migrate(lab->db, steps, 3) < 0);
	assert_non_null(strstr(wr_db_error(lab->db), "before-v2"));
	assert_int_equal(lab_number(lab->db, "PRAGMA user_version"), 1);
	assert_int_equal(rmdir(path), 0);
}

static void test_migrate_refuses_a_later_file(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(wr_db_migrate(lab->db, steps, 3), 0);
	assert_int_equal(wr_db_migrate(lab->db, steps, 2), -ENOTSUP);
	assert_non_null(strstr(wr_db_error(lab->db), "version 3"));
	assert_int_equal(lab_number(lab->db, "PRAGMA user_version"), 3);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_migrate_makes_a_new_file_without_backups,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_migrate_of_an_older_file_keeps_all_and_a_backup_of_each, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_migrate_step_that_fails_changes_nothing,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_migrate_step_that_leaves_rows_dangling_changes_nothing, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			test_migrate_without_room_for_a_backup_changes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_migrate_refuses_a_later_file, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
