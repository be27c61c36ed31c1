/* Lines and words of a policy.
 *
 * A word ends at a blank; "->" and "=" are words wherever they stand; "#" begins a
 * comment.
 *
 * Floor 3.  Borrows the text. */
#pragma once

#include "base/base.h"

struct wr_word {
	const char *text; /* not terminated */
	size_t len;       /* 0: the line has no more words */
};

/* What is left of a line. */
struct wr_line {
	const char *at, *end; /* without comment and line end */
	unsigned number;      /* from 1 */
};

/* Where the next line begins. */
struct wr_lines {
	const char *at, *end;
	unsigned number; /* of the last one */
};

struct wr_lines wr_lines_of(struct wr_bytes text);
/* False after the last. */
bool wr_lines_next(struct wr_lines *lines, struct wr_line *ret_line);
/* True if the line has nothing but plain ASCII, blanks and tabs. */
bool wr_line_is_plain(const struct wr_line *line);

struct wr_word wr_word_next(struct wr_line *line);
/* The same, and leaves it there. */
struct wr_word wr_word_peek(const struct wr_line *line);
bool wr_word_is(struct wr_word word, const char *text);
/* What follows `prefix`; false if the word begins otherwise. */
bool wr_word_after(struct wr_word word, const char *prefix, struct wr_word *ret_rest);
