/* Listings for people: columns, times, sizes.
 *
 * Floor 10.  What came from a server is made harmless for a terminal. */
#pragma once

#include <jansson.h>
#include <stdio.h>
#include <time.h>

#include "base/base.h"

/* How a value looks. */
enum wr_look {
	WR_LOOK_TEXT,
	WR_LOOK_NUMBER,
	WR_LOOK_SIZE, /* "1.2 MiB" */
	WR_LOOK_AGO,  /* "3 min ago"; null: "never" */
	WR_LOOK_TIME, /* "2026-11-22 10:04:58", local; null: "never" */
	WR_LOOK_YES,  /* "yes" or "" */
	WR_LOOK_LIST, /* "a b c" */
	WR_LOOK_STATE /* a word that may have a colour */
};

struct wr_column {
	const char *title;
	const char *member; /* "user.login" is a member's member */
	enum wr_look look;
};

struct wr_table {
	const struct wr_column *columns;
	size_t count;
	time_t now;
	bool has_colour;
};

/* A table for standard output as it is, at this time. */
struct wr_table wr_table_of(const struct wr_column *columns, size_t count);
/* `items`: an array of objects. Prints a line of titles, if there are items. */
void wr_table_print(const struct wr_table *table, const json_t *items, FILE *to);
/* One object, a line a column. */
void wr_table_print_one(const struct wr_table *table, const json_t *object, FILE *to);

/* As a new string. */
char *wr_look_text(const json_t *value, enum wr_look look, time_t now);
/* Seconds since 1970 of an RFC 3339 time; false if it is none. */
bool wr_look_parse_time(const char *text, time_t *ret_time) WR_MUST_CHECK;
/* Seconds since 1970 as such a time. */
json_t *wr_look_time(time_t time);
/* "2026-11-22T10:04:58Z" from that, or from a span that ended now ("1h", "7d"); NULL if it
 * is neither. A new string. */
char *wr_look_since(const char *text, time_t now);
