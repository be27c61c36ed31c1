/* What the store's tests share: a folder that goes with the test, and a ledger on a loop. */
#pragma once

#include <uv.h>

#include "store/db.h"
#include "store/ledger.h"
#include "unit.h"

struct lab {
	char folder[64];
	char path[96]; /* of a database in it */
	struct wr_db *db;
};

/* In `parent` ("/tmp"); nothing is opened yet. */
void lab_start(struct lab *lab, const char *parent);
void lab_open(struct lab *lab);
void lab_close(struct lab *lab);
/* Closes, and removes the folder. */
void lab_end(struct lab *lab);
/* Of the folder; `ret_path` has 256 bytes. */
const char *lab_file(const struct lab *lab, const char *name, char *ret_path);

/* Must succeed. */
void lab_run(struct wr_db *db, const char *sql);
/* The number that a query answers with. */
int64_t lab_number(struct wr_db *db, const char *sql);

/* A ledger, and its loop. */
struct book {
	uv_loop_t loop;
	struct wr_ledger *ledger;
	unsigned open_entries;
	bool is_closed;
};
/* Takes the connection. */
void book_open(struct book *book, struct wr_db *db);
void book_close(struct book *book);

/* An entry that does `sql` (with `number` for its '?' where it has one). */
struct line {
	struct wr_entry entry;
	struct book *book;
	const char *sql;
	int64_t number;
	int wanted; /* what the work returns, if the statement succeeds */
	int status;
	bool is_done;
};
void book_enter(struct book *book, struct line *line);
/* Runs the loop until all that was entered is done. */
void book_wait(struct book *book);
/* Enters one, waits, and returns its status. */
int book_run(struct book *book, const char *sql);
