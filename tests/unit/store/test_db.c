#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

static int set_up(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	lab_start(lab, "/tmp");
	lab_open(lab);
	lab_run(lab->db, "CREATE TABLE thing (id INTEGER PRIMARY KEY, name TEXT UNIQUE,"
			 " size INTEGER CHECK (size < 100), data BLOB) STRICT");
	lab_run(lab->db, "CREATE TABLE part (thing INTEGER NOT NULL REFERENCES thing)");
	*state = lab;
	return 0;
}

static int tear_down(void **state)
{
	lab_end(*state);
	free(*state);
	return 0;
}

static void test_db_settings_are_the_safe_ones(void **state)
{
	struct lab *lab = *state;
	struct wr_row *row;

	assert_int_equal(wr_db_one(lab->db, "PRAGMA journal_mode", 0, NULL, &row), 1);
	assert_string_equal(wr_row_text(row, 0), "wal");
	wr_row_end(row);
	assert_int_equal(lab_number(lab->db, "PRAGMA synchronous"), 2);
	assert_int_equal(lab_number(lab->db, "PRAGMA foreign_keys"), 1);
	assert_int_equal(lab_number(lab->db, "PRAGMA secure_delete"), 1);
	assert_int_equal(lab_number(lab->db, "PRAGMA busy_timeout"), 5000);
}

static void assert_mode(const struct lab *lab, const char *name, unsigned mode)
{
	char path[256];
	struct stat status;

	assert_int_equal(stat(lab_file(lab, name, path), &status), 0);
	assert_int_equal(status.st_mode & 0777, mode);
}

static void test_db_files_are_the_owners_only(void **state)
{
	struct lab *lab = *state;
	mode_t before = umask(0);

	lab_close(lab);
	assert_int_equal(chmod(lab->path, 0644), 0);
	lab_open(lab);
	lab_run(lab->db, "INSERT INTO thing (name) VALUES ('x')");
	umask(before);
	assert_mode(lab, "test.db", 0600);
	assert_mode(lab, "test.db-wal", 0600);
	assert_mode(lab, "test.db-shm", 0600);
}

static void test_db_values_come_back(void **state)
{
	struct lab *lab = *state;
	static const uint8_t bytes[] = { 0, 1, 255 };
	struct wr_row *row;

	assert_int_equal(WR_DB_RUN(lab->db, "INSERT INTO thing VALUES (?, ?, ?, ?)",
				   WR_I(INT64_MAX), WR_T("a'b\"c"), WR_N,
				   WR_B(bytes, sizeof(bytes))),
			 0);
	assert_int_equal(wr_db_last_id(lab->db), INT64_MAX);
	assert_int_equal(
		WR_DB_ONE(lab->db, &row, "SELECT * FROM thing WHERE name = ?", WR_T("a'b\"c")), 1);
	assert_int_equal(wr_row_int(row, 0), INT64_MAX);
	assert_string_equal(wr_row_text(row, 1), "a'b\"c");
	assert_true(wr_row_is_null(row, 2));
	assert_int_equal(wr_row_blob(row, 3).len, sizeof(bytes));
	assert_memory_equal(wr_row_blob(row, 3).data, bytes, sizeof(bytes));
	wr_row_end(row);
}

static void test_db_null_text_is_null_and_an_empty_blob_is_not(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(WR_DB_RUN(lab->db, "INSERT INTO thing (name, data) VALUES (?, ?)",
				   WR_T(NULL), WR_B(NULL, 0)),
			 0);
	assert_int_equal(lab_number(lab->db, "SELECT name IS NULL AND data IS NOT NULL FROM thing"),
			 1);
}

static void test_db_failures_have_names(void **state)
{
	struct lab *lab = *state;
	static const struct {
		const char *sql;
		int error;
		const char *says;
	} cases[] = {
		{ "INSERT INTO thing (name) VALUES ('one')", -EEXIST, "thing.name" },
		{ "INSERT INTO thing (id) VALUES (1)", -EEXIST, "thing.id" },
		{ "INSERT INTO thing (size) VALUES (100)", -EDOM, "CHECK" },
		{ "INSERT INTO part VALUES (77)", -EDOM, "FOREIGN KEY" },
		{ "INSERT INTO part VALUES (NULL)", -EDOM, "part.thing" },
		{ "INSERT INTO thing (size) VALUES ('text')", -EDOM, "thing.size" },
		{ "SELECT 1 FROM nothing", -EINVAL, "nothing" },
	};

	lab_run(lab->db, "INSERT INTO thing (id, name) VALUES (1, 'one')");
	for (size_t i = 0; i < WR_ARRAY_LEN(cases); i++) {
		print_message("%s\n", cases[i].sql);
		assert_int_equal(wr_db_run(lab->db, cases[i].sql, 0, NULL), cases[i].error);
		assert_non_null(strstr(wr_db_error(lab->db), cases[i].says));
	}
	/* And the next one works. */
	lab_run(lab->db, "INSERT INTO thing (id, name) VALUES (2, 'two')");
	assert_int_equal(wr_db_changes(lab->db), 1);
}

struct sum {
	struct wr_db *db;
	int64_t rows, sum, stop_at;
};

static bool add_up(void *context, const struct wr_row *row)
{
	struct sum *sum = context;

	sum->rows++;
	sum->sum += wr_row_int(row, 0);
	return sum->rows != sum->stop_at;
}

static void make_things(struct lab *lab, int64_t count)
{
	lab_run(lab->db, "BEGIN");
	for (int64_t i = 1; i <= count; i++)
		assert_int_equal(WR_DB_RUN(lab->db, "INSERT INTO thing (id) VALUES (?)", WR_I(i)),
				 0);
	lab_run(lab->db, "COMMIT");
}

static void test_db_each_stops_when_told(void **state)
{
	struct lab *lab = *state;
	struct sum all = { .stop_at = 0 }, some = { .stop_at = 3 };

	make_things(lab, 10);
	assert_int_equal(wr_db_each(lab->db, "SELECT id FROM thing", 0, NULL, add_up, &all), 10);
	assert_int_equal(all.sum, 55);
	assert_int_equal(wr_db_each(lab->db, "SELECT id FROM thing", 0, NULL, add_up, &some), 3);
	assert_int_equal(some.sum, 6);
}

/* The same text within itself. */
static bool add_below(void *context, const struct wr_row *row)
{
	struct sum *sum = context, inner = { .stop_at = 0 };
	struct wr_row *one;

	assert_int_equal(wr_db_each(sum->db, "SELECT id FROM thing", 0, NULL, add_up, &inner), 4);
	assert_int_equal(inner.sum, 10);
	assert_int_equal(WR_DB_ONE(sum->db, &one, "SELECT id FROM thing"), 1);
	wr_row_end(one);
	return add_up(sum, row);
}

static void test_db_statement_can_be_used_within_itself(void **state)
{
	struct lab *lab = *state;
	struct sum sum = { .db = lab->db };

	make_things(lab, 4);
	assert_int_equal(wr_db_each(lab->db, "SELECT id FROM thing", 0, NULL, add_below, &sum), 4);
	assert_int_equal(sum.sum, 10);
}

static void test_db_one_says_when_there_is_none(void **state)
{
	struct lab *lab = *state;
	struct wr_row *row = NULL;

	assert_int_equal(WR_DB_ONE(lab->db, &row, "SELECT 1 FROM thing WHERE id = ?", WR_I(5)), 0);
	assert_null(row);
}

static void test_db_deleted_bytes_are_overwritten(void **state)
{
	struct lab *lab = *state;
	static const char secret[] = "a-secret-that-is-to-be-gone";
	char found[65536];
	ssize_t len;
	int fd;

	assert_int_equal(WR_DB_RUN(lab->db, "INSERT INTO thing (name) VALUES (?)", WR_T(secret)),
			 0);
	lab_run(lab->db, "DELETE FROM thing");
	/* Closing moves the log into the file. */
	lab_close(lab);
	fd = open(lab->path, O_RDONLY);
	len = read(fd, found, sizeof(found));
	close(fd);
	assert_true(len > 4096);
	assert_null(memmem(found, (size_t)len, secret, strlen(secret)));
}

/* Of the file and its log; -1 where there is none. */
struct sizes {
	off_t file, log;
};

static struct sizes sizes_of(const struct lab *lab)
{
	struct sizes sizes = { -1, -1 };
	struct stat status;
	char path[256];

	if (stat(lab->path, &status) == 0)
		sizes.file = status.st_size;
	if (stat(lab_file(lab, "test.db-wal", path), &status) == 0)
		sizes.log = status.st_size;
	return sizes;
}

/* A process that ends without closing. */
static void write_and_die(struct lab *lab)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		lab_open(lab);
		lab_run(lab->db, "INSERT INTO thing (name) VALUES ('x')");
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void look_and_leave(struct lab *lab)
{
	struct wr_db *db;

	assert_int_equal(wr_db_open(lab->path, &db), 0);
	assert_int_equal(lab_number(db, "SELECT count(*) FROM thing"), 1);
	wr_db_leave(db);
	wr_db_close(db);
}

static void test_db_left_stays_as_it_was_found(void **state)
{
	struct lab *lab = *state;
	struct sizes before, after;

	lab_close(lab);
	write_and_die(lab);
	before = sizes_of(lab);
	assert_true(before.log > 0);
	look_and_leave(lab);
	after = sizes_of(lab);
	assert_memory_equal(&before, &after, sizeof(before));
	/* Without one. */
	lab_open(lab);
	lab_close(lab);
	before = sizes_of(lab);
	assert_int_equal(before.log, -1);
	look_and_leave(lab);
	after = sizes_of(lab);
	assert_memory_equal(&before, &after, sizeof(before));
}

static void write_at(const char *path, off_t where, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, strlen(text), where), strlen(text));
	close(fd);
}

static void test_db_open_refuses_what_is_no_database(void **state)
{
	struct lab *lab = *state;
	struct wr_db *db = NULL;
	char path[256], text[8192] = "";

	memset(text, 'x', sizeof(text) - 1);
	write_at(lab_file(lab, "other.db", path), 0, text);
	assert_int_equal(wr_db_open(path, &db), -EBADMSG);
	assert_int_equal(wr_db_open(lab_file(lab, "no/such.db", path), &db), -ENOENT);
	assert_int_equal(wr_db_open(lab->folder, &db), -EISDIR);
	assert_null(db);
}

static void test_db_check_sees_damage(void **state)
{
	struct lab *lab = *state;

	make_things(lab, 500);
	assert_int_equal(wr_db_check(lab->db), 0);
	lab_close(lab);
	/* Into the cells of the table's first page. */
	write_at(lab->path, 4096 + 8, "\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f\x7f");
	lab_open(lab);
	assert_int_equal(wr_db_check(lab->db), -EBADMSG);
	assert_non_null(strstr(wr_db_error(lab->db), "restore a backup"));
}

static void test_db_check_sees_rows_that_refer_to_nothing(void **state)
{
	struct lab *lab = *state;

	lab_run(lab->db, "PRAGMA foreign_keys=OFF");
	lab_run(lab->db, "INSERT INTO part VALUES (77)");
	assert_int_equal(wr_db_check(lab->db), -EBADMSG);
}

/* --- Backups. --- */

static void test_db_backup_is_whole_and_of_one_moment(void **state)
{
	struct lab *lab = *state;
	struct wr_db *copy;
	char path[256];

	make_things(lab, 1000);
	/* In the middle of a change, of which it has nothing. */
	lab_run(lab->db, "BEGIN");
	lab_run(lab->db, "DELETE FROM thing WHERE id > 10");
	assert_int_equal(wr_db_backup(lab->db, lab_file(lab, "copy.db", path)), 0);
	lab_run(lab->db, "COMMIT");
	assert_mode(lab, "copy.db", 0600);
	assert_int_equal(wr_db_open(path, &copy), 0);
	assert_int_equal(wr_db_check(copy), 0);
	assert_int_equal(lab_number(copy, "SELECT count(*) FROM thing"), 1000);
	wr_db_close(copy);
	assert_int_equal(lab_number(lab->db, "SELECT count(*) FROM thing"), 10);
}

static void test_db_backup_replaces_nothing(void **state)
{
	struct lab *lab = *state;
	char path[256];

	write_at(lab_file(lab, "there", path), 0, "x");
	assert_int_equal(wr_db_backup(lab->db, path), -EEXIST);
	assert_int_equal(wr_db_backup(lab->db, lab_file(lab, "no/folder", path)), -ENOENT);
	assert_non_null(strstr(wr_db_error(lab->db), "No such file"));
}

static void test_db_backup_of_memory(void **state)
{
	struct lab *lab = *state;
	struct wr_db *db, *copy;
	char path[256];

	assert_int_equal(wr_db_open(":memory:", &db), 0);
	lab_run(db, "CREATE TABLE a (b)");
	assert_int_equal(wr_db_backup(db, lab_file(lab, "copy.db", path)), 0);
	assert_int_equal(wr_db_open(path, &copy), 0);
	assert_int_equal(lab_number(copy, "SELECT count(*) FROM a"), 0);
	wr_db_close(copy);
	wr_db_close(db);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_db_settings_are_the_safe_ones, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_db_files_are_the_owners_only, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_db_values_come_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_db_null_text_is_null_and_an_empty_blob_is_not,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_db_failures_have_names, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_db_each_stops_when_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_db_statement_can_be_used_within_itself, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_db_one_says_when_there_is_none, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_db_deleted_bytes_are_overwritten, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_db_open_refuses_what_is_no_database, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_db_check_sees_damage, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_db_check_sees_rows_that_refer_to_nothing,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_db_backup_is_whole_and_of_one_moment, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_db_backup_replaces_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_db_left_stays_as_it_was_found, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_db_backup_of_memory, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
