/* A process that is killed in the middle of entering: what it was told is there, what is
 * there is whole. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lab.h"

#define KILLS 20

/* --- The child: enters pairs of rows for ever, and says which are done. --- */

struct pair {
	struct wr_entry entry;
	struct wr_ledger *ledger;
	int64_t number;
	int64_t *next;
	int answers;
};

static int write_pair(struct wr_entry *entry, struct wr_db *db)
{
	struct pair *pair = (struct pair *)entry;
	int error = WR_DB_RUN(db, "INSERT INTO row (pair, side) VALUES (?, 'a')",
			      WR_I(pair->number));

	if (!error)
		error = WR_DB_RUN(db, "INSERT INTO row (pair, side) VALUES (?, 'b')",
				  WR_I(pair->number));
	/* Every seventh is undone. */
	return error ? error : pair->number % 7 == 0 ? -1 : 0;
}

static void enter(struct pair *pair)
{
	pair->number = (*pair->next)++;
	if (wr_ledger_enter(pair->ledger, &pair->entry))
		_exit(3);
}

static void answer(struct wr_entry *entry, int status)
{
	struct pair *pair = (struct pair *)entry;

	if (status == 0 &&
	    write(pair->answers, &pair->number, sizeof(pair->number)) != sizeof(pair->number))
		_exit(4);
	enter(pair);
}

static void child(const char *path, int64_t first, int answers)
{
	struct pair pairs[8];
	struct wr_ledger *ledger;
	struct wr_db *db;
	uv_loop_t loop;

	if (wr_db_open(path, &db) || uv_loop_init(&loop) || wr_ledger_open(&loop, db, &ledger))
		_exit(2);
	for (size_t i = 0; i < WR_ARRAY_LEN(pairs); i++) {
		pairs[i] = (struct pair){
			{ write_pair, answer, NULL, 0 }, ledger, 0, &first, answers
		};
		enter(&pairs[i]);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	_exit(5);
}

/* --- The parent. --- */

struct record {
	uint8_t *answered; /* by number */
	int64_t last;
};

/* Reads `wanted` answers, kills, and reads those that were on their way. */
static void kill_after(pid_t pid, int answers, size_t wanted, struct record *record)
{
	size_t seen = 0;
	int64_t number;
	int status;

	while (read(answers, &number, sizeof(number)) == sizeof(number)) {
		assert_in_range(number, 1, 999999);
		record->answered[number] = 1;
		record->last = number > record->last ? number : record->last;
		if (++seen == wanted)
			kill(pid, SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_true(seen >= wanted);
}

static void check_answered(struct wr_db *db, const struct record *record)
{
	for (int64_t number = 1; number <= record->last; number++) {
		struct wr_row *row;

		assert_int_equal(WR_DB_ONE(db, &row, "SELECT count(*) FROM row WHERE pair = ?",
					   WR_I(number)),
				 1);
		if (record->answered[number])
			assert_int_equal(wr_row_int(row, 0), 2);
		wr_row_end(row);
	}
}

/* Returns the first number that is free. */
static int64_t check(struct lab *lab, const struct record *record)
{
	int64_t next;

	lab_open(lab);
	assert_int_equal(wr_db_check(lab->db), 0);
	assert_int_equal(lab_number(lab->db, "SELECT count(*) FROM (SELECT 1 FROM row GROUP BY pair"
					     " HAVING count(*) <> 2)"),
			 0);
	assert_int_equal(lab_number(lab->db, "SELECT count(*) FROM row WHERE pair % 7 = 0"), 0);
	check_answered(lab->db, record);
	next = lab_number(lab->db, "SELECT max(pair) + 1 FROM row");
	lab_close(lab);
	return next;
}

static int64_t one_kill(struct lab *lab, int64_t first, size_t wanted, struct record *record)
{
	int pipes[2];
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(pipes[0]);
		child(lab->path, first, pipes[1]);
	}
	close(pipes[1]);
	kill_after(pid, pipes[0], wanted, record);
	close(pipes[0]);
	return check(lab, record);
}

static void test_kill_keeps_what_was_answered_and_nothing_half(void **state)
{
	struct unit_random random = unit_random_start("kill");
	struct record record = { calloc(1000000, 1), 0 };
	struct lab lab;
	int64_t first = 1;

	(void)state;
	lab_start(&lab, "/tmp");
	lab_open(&lab);
	lab_run(lab.db, "CREATE TABLE row (id INTEGER PRIMARY KEY, pair INTEGER, side TEXT)");
	lab_run(lab.db, "CREATE UNIQUE INDEX row_pair ON row (pair, side)");
	lab_close(&lab);
	for (unsigned i = 0; i < KILLS; i++)
		first = one_kill(&lab, first, 1 + unit_random_below(&random, 60), &record);
	lab_end(&lab);
	free(record.answered);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kill_keeps_what_was_answered_and_nothing_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
