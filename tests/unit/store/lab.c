#include "lab.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

void lab_start(struct lab *lab, const char *parent)
{
	*lab = (struct lab){ .db = NULL };
	snprintf(lab->folder, sizeof(lab->folder), "%s/warren-store-XXXXXX", parent);
	if (!mkdtemp(lab->folder))
		fail_msg("mkdtemp(%s): %s", lab->folder, strerror(errno));
	snprintf(lab->path, sizeof(lab->path), "%s/test.db", lab->folder);
}

void lab_open(struct lab *lab)
{
	assert_int_equal(wr_db_open(lab->path, &lab->db), 0);
}

void lab_close(struct lab *lab)
{
	lab->db = wr_db_close(lab->db);
}

void lab_end(struct lab *lab)
{
	DIR *folder;
	struct dirent *name;
	char path[256];

	lab_close(lab);
	folder = opendir(lab->folder);
	assert_non_null(folder);
	while ((name = readdir(folder)) != NULL) {
		if (name->d_name[0] != '.')
			assert_int_equal(unlink(lab_file(lab, name->d_name, path)), 0);
	}
	closedir(folder);
	assert_int_equal(rmdir(lab->folder), 0);
}

const char *lab_file(const struct lab *lab, const char *name, char *ret_path)
{
	snprintf(ret_path, 256, "%s/%.150s", lab->folder, name);
	return ret_path;
}

void lab_run(struct wr_db *db, const char *sql)
{
	int error = wr_db_run(db, sql, 0, NULL);

	if (error)
		fail_msg("%s: %d, %s", sql, error, wr_db_error(db));
}

int64_t lab_number(struct wr_db *db, const char *sql)
{
	struct wr_row *row;
	int64_t number;

	if (wr_db_one(db, sql, 0, NULL, &row) != 1)
		fail_msg("%s: %s", sql, wr_db_error(db));
	number = wr_row_int(row, 0);
	wr_row_end(row);
	return number;
}

/* --- A ledger. --- */

void book_open(struct book *book, struct wr_db *db)
{
	*book = (struct book){ .ledger = NULL };
	assert_int_equal(uv_loop_init(&book->loop), 0);
	assert_int_equal(wr_ledger_open(&book->loop, db, &book->ledger), 0);
}

static void on_closed(void *context)
{
	struct book *book = context;

	book->is_closed = true;
}

void book_close(struct book *book)
{
	wr_ledger_close(book->ledger, on_closed, book);
	uv_run(&book->loop, UV_RUN_DEFAULT);
	assert_true(book->is_closed);
	assert_int_equal(uv_loop_close(&book->loop), 0);
}

static int work(struct wr_entry *entry, struct wr_db *db)
{
	struct line *line = (struct line *)entry;
	struct wr_value value = WR_I(line->number);
	int status = wr_db_run(db, line->sql, strchr(line->sql, '?') ? 1 : 0, &value);

	return status ? status : line->wanted;
}

static void done(struct wr_entry *entry, int status)
{
	struct line *line = (struct line *)entry;

	line->status = status;
	line->is_done = true;
	line->book->open_entries--;
}

void book_enter(struct book *book, struct line *line)
{
	line->entry = (struct wr_entry){ .work = work, .done = done };
	line->book = book;
	line->is_done = false;
	book->open_entries++;
	assert_int_equal(wr_ledger_enter(book->ledger, &line->entry), 0);
}

void book_wait(struct book *book)
{
	while (book->open_entries)
		uv_run(&book->loop, UV_RUN_ONCE);
}

int book_run(struct book *book, const char *sql)
{
	struct line line = { .sql = sql };

	book_enter(book, &line);
	book_wait(book);
	return line.status;
}
