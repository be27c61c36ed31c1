/* Disks that are full or can only be read: clear errors, and nothing lost. Real file
 * systems, in a mount namespace of the test's own. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../linux/namespace.h"
#include "lab.h"

#define DISK "/run/disk"

static void mount_disk(unsigned long flags)
{
	if (mount("disk", DISK, "tmpfs", flags, "size=400k") < 0)
		fail_msg("mount %s: %s (this test needs root, or user namespaces)", DISK,
			 strerror(errno));
}

static int set_up(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	mount_disk(0);
	lab_start(lab, DISK);
	lab_open(lab);
	lab_run(lab->db, "CREATE TABLE thing (id INTEGER PRIMARY KEY, data BLOB) STRICT");
	*state = lab;
	return 0;
}

static int tear_down(void **state)
{
	lab_end(*state);
	assert_int_equal(umount(DISK), 0);
	free(*state);
	return 0;
}

static int64_t fill(struct wr_db *db, int *ret_error)
{
	static const uint8_t data[2000];
	int64_t rows = 0;

	do
		*ret_error = WR_DB_RUN(db, "INSERT INTO thing (data) VALUES (?)",
				       WR_B(data, sizeof(data)));
	while (*ret_error == 0 && ++rows < 10000);
	return rows;
}

static void test_disk_full_is_said_and_loses_nothing(void **state)
{
	struct lab *lab = *state;
	int error;
	int64_t rows = fill(lab->db, &error);

	assert_int_equal(error, -ENOSPC);
	assert_non_null(strstr(wr_db_error(lab->db), "make room"));
	assert_in_range(rows, 10, 200);
	assert_int_equal(lab_number(lab->db, "SELECT count(*) FROM thing"), rows);
	lab_close(lab);
	lab_open(lab);
	assert_int_equal(lab_number(lab->db, "SELECT count(*) FROM thing"), rows);
	assert_int_equal(wr_db_check(lab->db), 0);
}

static void test_disk_full_leaves_no_half_backup(void **state)
{
	struct lab *lab = *state;
	char path[256], part[256];
	int error;

	fill(lab->db, &error);
	assert_int_equal(wr_db_backup(lab->db, lab_file(lab, "copy.db", path)), -ENOSPC);
	assert_non_null(strstr(wr_db_error(lab->db), "No space"));
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(lab_file(lab, "copy.db.part", part), F_OK), -1);
}

/* What others put on the disk, and take away again. */
static void take_all_room(const struct lab *lab)
{
	static const char zeros[4096];
	char path[256];
	int fd = open(lab_file(lab, "others", path), O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	assert_int_equal(errno, ENOSPC);
	close(fd);
}

static void test_disk_full_ledger_says_so_and_goes_on_when_there_is_room(void **state)
{
	struct lab *lab = *state;
	struct line lines[20];
	struct book book;
	char path[256];

	book_open(&book, WR_TAKE(lab->db));
	assert_int_equal(book_run(&book, "INSERT INTO thing VALUES (1, zeroblob(9000))"), 0);
	take_all_room(lab);
	for (size_t i = 0; i < WR_ARRAY_LEN(lines); i++) {
		lines[i] = (struct line){ .sql = "INSERT INTO thing (data) VALUES"
						 " (zeroblob(?))",
					  .number = 90000 };
		book_enter(&book, &lines[i]);
	}
	book_wait(&book);
	for (size_t i = 0; i < WR_ARRAY_LEN(lines); i++)
		assert_int_equal(lines[i].status, -ENOSPC);
	/* Reading goes on meanwhile. */
	assert_int_equal(book_run(&book, "SELECT count(*) FROM thing"), 0);
	assert_int_equal(unlink(lab_file(lab, "others", path)), 0);
	assert_int_equal(book_run(&book, "INSERT INTO thing VALUES (2, zeroblob(9000))"), 0);
	book_close(&book);
	lab_open(lab);
	assert_int_equal(lab_number(lab->db, "SELECT count(*) FROM thing"), 2);
	assert_int_equal(wr_db_check(lab->db), 0);
}

static void test_disk_full_within_an_entry_that_spills(void **state)
{
	struct lab *lab = *state;
	struct line good = { .sql = "INSERT INTO thing VALUES (1, x'00')" };
	struct line big = { .sql = "INSERT INTO thing VALUES (2, zeroblob(3000000))" };
	struct book book;

	/* So that pages leave the memory before the commit. */
	lab_run(lab->db, "PRAGMA cache_size=10");
	book_open(&book, WR_TAKE(lab->db));
	book_enter(&book, &good);
	book_enter(&book, &big);
	book_wait(&book);
	assert_int_equal(big.status, -ENOSPC);
	book_close(&book);
	lab_open(lab);
	/* The good one was answered with the truth, whichever it was. */
	assert_int_equal(lab_number(lab->db, "SELECT count(*) FROM thing"), good.status == 0);
	assert_true(good.status == 0 || good.status == -ENOSPC);
}

static void remount(unsigned long flags)
{
	if (mount(NULL, DISK, NULL, MS_REMOUNT | flags, "size=400k") < 0)
		fail_msg("remount %s: %s", DISK, strerror(errno));
}

static void test_disk_read_only_is_said_and_loses_nothing(void **state)
{
	struct lab *lab = *state;
	struct wr_db *db = NULL;

	lab_run(lab->db, "INSERT INTO thing VALUES (1, NULL)");
	lab_close(lab);
	remount(MS_RDONLY);
	assert_int_equal(wr_db_open(lab->path, &db), -EROFS);
	assert_null(db);
	remount(0);
	lab_open(lab);
	assert_int_equal(lab_number(lab->db, "SELECT count(*) FROM thing"), 1);
}

/* A file that becomes read-only while it is used, as SQLite sees it. */
static void test_disk_read_only_meanwhile_is_said(void **state)
{
	struct lab *lab = *state;

	lab_run(lab->db, "INSERT INTO thing VALUES (1, NULL)");
	lab_run(lab->db, "PRAGMA query_only=ON");
	assert_int_equal(wr_db_run(lab->db, "INSERT INTO thing VALUES (2, NULL)", 0, NULL), -EROFS);
	assert_non_null(strstr(wr_db_error(lab->db), "can only be read"));
	assert_int_equal(lab_number(lab->db, "SELECT count(*) FROM thing"), 1);
}

static int enter_namespace(void **state)
{
	(void)state;
	namespace_enter();
	assert_int_equal(mkdir(DISK, 0700), 0);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_disk_full_is_said_and_loses_nothing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_disk_full_leaves_no_half_backup, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			test_disk_full_ledger_says_so_and_goes_on_when_there_is_room, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_disk_full_within_an_entry_that_spills, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_disk_read_only_is_said_and_loses_nothing,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_disk_read_only_meanwhile_is_said, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
