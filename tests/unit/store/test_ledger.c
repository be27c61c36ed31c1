#include <errno.h>
#include <semaphore.h>
#include <sys/stat.h>

#include "lab.h"

#define LINES 50

/* An entry that holds the ledger's thread up, so that others wait together. */
struct brake {
	struct wr_entry entry;
	sem_t go;
	struct book *book;
};

struct desk {
	struct lab lab;
	struct book book;
	struct brake brake;
};

static int wait_to_go(struct wr_entry *entry, struct wr_db *db)
{
	struct brake *brake = (struct brake *)entry;

	(void)db;
	sem_wait(&brake->go);
	return 0;
}

static void went(struct wr_entry *entry, int status)
{
	struct brake *brake = (struct brake *)entry;

	(void)status;
	brake->book->open_entries--;
}

static void hold(struct desk *desk)
{
	desk->brake.entry = (struct wr_entry){ .work = wait_to_go, .done = went };
	desk->brake.book = &desk->book;
	desk->book.open_entries++;
	assert_int_equal(wr_ledger_enter(desk->book.ledger, &desk->brake.entry), 0);
}

static void let_go(struct desk *desk)
{
	sem_post(&desk->brake.go);
	book_wait(&desk->book);
}

static int set_up(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));

	lab_start(&desk->lab, "/tmp");
	lab_open(&desk->lab);
	lab_run(desk->lab.db, "CREATE TABLE thing (id INTEGER PRIMARY KEY) STRICT");
	lab_run(desk->lab.db, "CREATE TABLE part (thing INTEGER NOT NULL REFERENCES thing) STRICT");
	book_open(&desk->book, WR_TAKE(desk->lab.db));
	assert_int_equal(sem_init(&desk->brake.go, 0, 0), 0);
	*state = desk;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *desk = *state;

	lab_end(&desk->lab);
	sem_destroy(&desk->brake.go);
	free(desk);
	return 0;
}

static struct wr_ledger_numbers count(const struct desk *desk)
{
	struct wr_ledger_numbers numbers;

	wr_ledger_count(desk->book.ledger, &numbers);
	return numbers;
}

/* Ends the ledger, and looks at the file. */
static int64_t rows_at_the_end(struct desk *desk, const char *sql)
{
	book_close(&desk->book);
	lab_open(&desk->lab);
	return lab_number(desk->lab.db, sql);
}

static void test_ledger_entries_that_wait_share_a_commit(void **state)
{
	struct desk *desk = *state;
	struct line lines[LINES];
	struct wr_ledger_numbers numbers;

	hold(desk);
	for (int i = 0; i < LINES; i++) {
		lines[i] = (struct line){ .sql = "INSERT INTO thing VALUES (?)", .number = i };
		book_enter(&desk->book, &lines[i]);
	}
	let_go(desk);
	for (int i = 0; i < LINES; i++)
		assert_int_equal(lines[i].status, 0);
	numbers = count(desk);
	assert_int_equal(numbers.entries, LINES + 1);
	assert_int_equal(numbers.failed, 0);
	/* One for all; two if the ledger took more than its time. */
	assert_in_range(numbers.commits, 1, 5);
	assert_true(numbers.commit_ns > 0 && numbers.commit_ns <= numbers.busy_ns);
	assert_int_equal(rows_at_the_end(desk, "SELECT count(*) FROM thing"), LINES);
}

static void test_ledger_entry_that_fails_is_undone_alone(void **state)
{
	struct desk *desk = *state;
	struct line lines[] = {
		{ .sql = "INSERT INTO thing VALUES (1)" },
		{ .sql = "INSERT INTO thing VALUES (2)", .wanted = -ENOENT },
		{ .sql = "INSERT INTO thing VALUES (1)" },
		{ .sql = "INSERT INTO thing VALUES (3)", .wanted = 7 },
	};

	hold(desk);
	for (size_t i = 0; i < WR_ARRAY_LEN(lines); i++)
		book_enter(&desk->book, &lines[i]);
	let_go(desk);
	assert_int_equal(lines[0].status, 0);
	assert_int_equal(lines[1].status, -ENOENT);
	assert_int_equal(lines[2].status, -EEXIST);
	assert_int_equal(lines[3].status, 7);
	assert_int_equal(count(desk).failed, 2);
	assert_int_equal(rows_at_the_end(desk, "SELECT sum(id) FROM thing"), 4);
}

static int break_the_commit(struct wr_entry *entry, struct wr_db *db)
{
	(void)entry;
	return wr_db_run(db, "PRAGMA defer_foreign_keys=ON", 0, NULL) ||
			       wr_db_run(db, "INSERT INTO part VALUES (77)", 0, NULL)
		       ? -EIO
		       : 0;
}

static void test_ledger_commit_that_fails_fails_all_and_keeps_nothing(void **state)
{
	struct desk *desk = *state;
	struct line before = { .sql = "INSERT INTO thing VALUES (1)" };
	struct line breaks = { .sql = "" };
	struct line after = { .sql = "INSERT INTO thing VALUES (2)" };

	hold(desk);
	book_enter(&desk->book, &before);
	book_enter(&desk->book, &breaks);
	/* Before the brake goes, nobody looks at it. */
	breaks.entry.work = break_the_commit;
	book_enter(&desk->book, &after);
	let_go(desk);
	assert_int_equal(before.status, -EDOM);
	assert_int_equal(breaks.status, -EDOM);
	assert_int_equal(after.status, -EDOM);
	/* And it goes on. */
	assert_int_equal(book_run(&desk->book, "INSERT INTO thing VALUES (5)"), 0);
	assert_int_equal(rows_at_the_end(desk, "SELECT sum(id) FROM thing"), 5);
}

static void test_ledger_reading_costs_no_commit(void **state)
{
	struct desk *desk = *state;

	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(book_run(&desk->book, "SELECT count(*) FROM thing"), 0);
	assert_int_equal(count(desk).entries, 10);
	assert_int_equal(count(desk).commits, 0);
	book_close(&desk->book);
}

static int leave_rows_open(struct wr_entry *entry, struct wr_db *db)
{
	struct wr_row *row;

	(void)entry;
	return wr_db_one(db, "SELECT 1", 0, NULL, &row) == 1 ? -ENOENT : -EIO;
}

static void test_ledger_survives_rows_that_were_left_open(void **state)
{
	struct desk *desk = *state;
	struct line line = { .sql = "" };

	hold(desk);
	book_enter(&desk->book, &line);
	line.entry.work = leave_rows_open;
	let_go(desk);
	assert_int_equal(line.status, -ENOENT);
	assert_int_equal(book_run(&desk->book, "INSERT INTO thing VALUES (5)"), 0);
	assert_int_equal(rows_at_the_end(desk, "SELECT sum(id) FROM thing"), 5);
}

static void test_ledger_close_does_all_that_was_entered(void **state)
{
	struct desk *desk = *state;
	struct line lines[LINES];

	for (int i = 0; i < LINES; i++) {
		lines[i] = (struct line){ .sql = "INSERT INTO thing VALUES (?)", .number = i };
		book_enter(&desk->book, &lines[i]);
	}
	assert_int_equal(rows_at_the_end(desk, "SELECT count(*) FROM thing"), LINES);
	for (int i = 0; i < LINES; i++)
		assert_true(lines[i].is_done && lines[i].status == 0);
}

static void test_ledger_refuses_more_than_it_can_do(void **state)
{
	struct desk *desk = *state;
	/* And those that the ledger took with the brake, some 500. */
	struct line *lines = calloc(11000, sizeof(*lines));
	struct line one_more = { .sql = "SELECT 1" };
	size_t count_entered = 0;

	hold(desk);
	one_more.entry = (struct wr_entry){ .work = NULL };
	for (; count(desk).waiting < 10000; count_entered++) {
		lines[count_entered].sql = "SELECT 1";
		book_enter(&desk->book, &lines[count_entered]);
	}
	assert_int_equal(wr_ledger_enter(desk->book.ledger, &one_more.entry), -EBUSY);
	let_go(desk);
	for (size_t i = 0; i < count_entered; i++)
		assert_true(lines[i].is_done && lines[i].status == 0);
	free(lines);
	wr_ledger_close(desk->book.ledger, NULL, NULL);
	assert_int_equal(wr_ledger_enter(desk->book.ledger, &one_more.entry), -ESHUTDOWN);
	uv_run(&desk->book.loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&desk->book.loop), 0);
}

static off_t size_of_log(const struct desk *desk)
{
	struct stat status;
	char path[256];

	return stat(lab_file(&desk->lab, "test.db-wal", path), &status) ? -1 : status.st_size;
}

static void test_ledger_log_does_not_grow_for_ever(void **state)
{
	struct desk *desk = *state;
	off_t most = 0, size;

	assert_int_equal(book_run(&desk->book, "CREATE TABLE big (data BLOB)"), 0);
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(book_run(&desk->book, "INSERT INTO big VALUES"
						       " (zeroblob(1000000))"),
				 0);
		size = size_of_log(desk);
		most = size > most ? size : most;
	}
	/* 1,000 pages of 4 KiB, and what one more entry writes. */
	assert_in_range(most, 1000000, 8000000);
	assert_int_equal(rows_at_the_end(desk, "SELECT count(*) FROM big"), 40);
}

/* What was deleted is not kept there. */
static void test_ledger_log_is_emptied_when_nothing_is_to_do(void **state)
{
	struct desk *desk = *state;
	struct timespec pause = { 0, 20000000 };

	assert_int_equal(book_run(&desk->book, "INSERT INTO thing VALUES (1)"), 0);
	assert_true(size_of_log(desk) > 0);
	for (unsigned i = 0; size_of_log(desk) > 0; i++) {
		assert_true(i < 1000);
		nanosleep(&pause, NULL);
	}
	assert_int_equal(rows_at_the_end(desk, "SELECT count(*) FROM thing"), 1);
}

/* Entered again from its own `done`, as slow work between two steps is. */
struct twice {
	struct wr_entry entry;
	struct book *book;
	unsigned left;
};

static int insert_next(struct wr_entry *entry, struct wr_db *db)
{
	(void)entry;
	return wr_db_run(db, "INSERT INTO thing DEFAULT VALUES", 0, NULL);
}

static void enter_again(struct wr_entry *entry, int status)
{
	struct twice *twice = (struct twice *)entry;

	assert_int_equal(status, 0);
	if (--twice->left)
		assert_int_equal(wr_ledger_enter(twice->book->ledger, entry), 0);
	else
		twice->book->open_entries--;
}

static void test_ledger_takes_an_entry_again_from_its_done(void **state)
{
	struct desk *desk = *state;
	struct twice twice = { { insert_next, enter_again, NULL, 0 }, &desk->book, 100 };

	desk->book.open_entries++;
	assert_int_equal(wr_ledger_enter(desk->book.ledger, &twice.entry), 0);
	book_wait(&desk->book);
	assert_int_equal(count(desk).commits, 100);
	assert_int_equal(rows_at_the_end(desk, "SELECT count(*) FROM thing"), 100);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ledger_entries_that_wait_share_a_commit,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ledger_entry_that_fails_is_undone_alone,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			test_ledger_commit_that_fails_fails_all_and_keeps_nothing, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(test_ledger_reading_costs_no_commit, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_ledger_survives_rows_that_were_left_open,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ledger_close_does_all_that_was_entered, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_ledger_refuses_more_than_it_can_do, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_ledger_log_does_not_grow_for_ever, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_ledger_log_is_emptied_when_nothing_is_to_do,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_ledger_takes_an_entry_again_from_its_done,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
