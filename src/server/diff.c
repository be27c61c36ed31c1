#include "server/diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTEXT 3
/* Comparisons of lines, a second's worth. */
#define WORK (100 * 1000 * 1000L)

struct line {
	const char *text;
	size_t len; /* with its newline, if it has one */
	uint64_t hash;
};

struct side {
	struct line *lines;
	size_t count;
	bool *is_changed; /* removed or added */
};

static void side_done(struct side *side)
{
	free(side->lines);
	free(side->is_changed);
}

/* FNV-1a: only to be quick, equal lines are compared. */
static uint64_t hash_of(const char *text, size_t len)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)text[i]) * UINT64_C(0x100000001b3);
	return hash;
}

static bool side_init(struct side *side, const char *text)
{
	size_t count = 1;

	for (const char *at = text; (at = strchr(at, '\n')); at++)
		count++;
	*side = (struct side){
		.lines = calloc(count, sizeof(*side->lines)),
		.is_changed = calloc(count, sizeof(*side->is_changed)),
	};
	if (!side->lines || !side->is_changed)
		return false;
	while (*text) {
		size_t len = strcspn(text, "\n");

		len += text[len] == '\n';
		side->lines[side->count++] = (struct line){ text, len, hash_of(text, len) };
		text += len;
	}
	return true;
}

static bool is_equal(const struct line *a, const struct line *b)
{
	return a->hash == b->hash && a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

/* --- The shortest way from one to the other. --- */

/* The part between what is equal at both ends. Diagonals k = x - y; reach[d][d + k] is the furthest
 * x on diagonal k after d changes. */
struct search {
	const struct side *from, *to;
	size_t start; /* lines that are equal before */
	long n, m;    /* lines of each between */
	long *reach[WR_DIFF_DISTANCE + 1];
	long work;
};

static bool is_same(const struct search *search, long x, long y)
{
	return is_equal(&search->from->lines[search->start + (size_t)x],
			&search->to->lines[search->start + (size_t)y]);
}

/* The x from which diagonal k is reached with the d-th change, and whether by an added line. */
static long come_to(const struct search *search, long d, long k, bool *ret_is_added)
{
	const long *before = search->reach[d - 1] + (d - 1);

	*ret_is_added = k == -d || (k != d && before[k - 1] < before[k + 1]);
	return *ret_is_added ? before[k + 1] : before[k - 1] + 1;
}

static long slide(struct search *search, long x, long k)
{
	while (x < search->n && x - k < search->m && x >= k && is_same(search, x, x - k)) {
		x++;
		search->work++;
	}
	return x;
}

/* One more change; true if the end is reached. */
static bool advance(struct search *search, long d)
{
	bool is_added;

	for (long k = -d; k <= d; k += 2) {
		long x = slide(search, d ? come_to(search, d, k, &is_added) : 0, k);

		search->reach[d][d + k] = x;
		if (x >= search->n && x - k >= search->m)
			return true;
	}
	search->work += d;
	return false;
}

static void mark(struct search *search, long d)
{
	long x = search->n, y = search->m;

	for (; d > 0; d--) {
		long k = x - y, came;
		bool is_added;

		came = come_to(search, d, k, &is_added);
		if (is_added) {
			x = came;
			y = came - k - 1;
			search->to->is_changed[search->start + (size_t)y] = true;
		} else {
			x = came - 1;
			y = came - k;
			search->from->is_changed[search->start + (size_t)x] = true;
		}
	}
}

static void mark_all(struct search *search)
{
	memset(search->from->is_changed + search->start, true, (size_t)search->n);
	memset(search->to->is_changed + search->start, true, (size_t)search->m);
}

/* Diagonals that leave the square hold what no way comes from. */
static bool find_way(struct search *search)
{
	for (long d = 0; d <= WR_DIFF_DISTANCE && search->work < WORK; d++) {
		search->reach[d] = calloc((size_t)(2 * d + 1), sizeof(long));
		if (!search->reach[d])
			return false;
		if (advance(search, d)) {
			mark(search, d);
			return true;
		}
	}
	mark_all(search);
	return true;
}

static bool compare(struct side *from, struct side *to)
{
	struct search search = { .from = from, .to = to };
	size_t least = from->count < to->count ? from->count : to->count, end = 0;
	bool is_good;

	while (search.start < least &&
	       is_equal(&from->lines[search.start], &to->lines[search.start]))
		search.start++;
	while (end < least - search.start &&
	       is_equal(&from->lines[from->count - 1 - end], &to->lines[to->count - 1 - end]))
		end++;
	search.n = (long)(from->count - search.start - end);
	search.m = (long)(to->count - search.start - end);
	is_good = find_way(&search);
	for (size_t d = 0; d <= WR_DIFF_DISTANCE; d++)
		free(search.reach[d]);
	return is_good;
}

/* --- Writing. --- */

/* Where both sides are. */
struct place {
	size_t from, to;
};

static bool is_change(const struct side *from, const struct side *to, struct place at)
{
	return (at.from < from->count && from->is_changed[at.from]) ||
	       (at.to < to->count && to->is_changed[at.to]);
}

static void write_line(FILE *file, char sign, const struct line *line)
{
	putc(sign, file);
	fwrite(line->text, 1, line->len, file);
	if (line->text[line->len - 1] != '\n')
		fputs("\n\\ No newline at end of file\n", file);
}

static void write_range(FILE *file, size_t first, size_t end)
{
	size_t count = end - first;

	if (count == 1)
		fprintf(file, "%zu", first + 1);
	else
		fprintf(file, "%zu,%zu", count ? first + 1 : first, count);
}

/* Past all that is removed and added here. */
static struct place skip_change(const struct side *from, const struct side *to, struct place at)
{
	while (at.from < from->count && from->is_changed[at.from])
		at.from++;
	while (at.to < to->count && to->is_changed[at.to])
		at.to++;
	return at;
}

static bool is_end(const struct side *from, const struct side *to, struct place at)
{
	return at.from >= from->count && at.to >= to->count;
}

/* The end of the hunk that begins with the change at `at`: changes with fewer equal lines between
 * them than two contexts are in one. */
static struct place end_of_hunk(const struct side *from, const struct side *to, struct place at)
{
	struct place end = at;
	size_t equal = 0;

	while (!is_end(from, to, at) && equal <= (size_t)2 * CONTEXT) {
		if (is_change(from, to, at)) {
			at = end = skip_change(from, to, at);
			equal = 0;
		} else {
			at.from++;
			at.to++;
			equal++;
		}
	}
	return end;
}

static void write_body(FILE *file, const struct side *from, const struct side *to, struct place at,
		       struct place end)
{
	while (at.from < end.from || at.to < end.to) {
		struct place past = skip_change(from, to, at);

		for (; at.from < past.from; at.from++)
			write_line(file, '-', &from->lines[at.from]);
		for (; at.to < past.to; at.to++)
			write_line(file, '+', &to->lines[at.to]);
		if (at.from < end.from) {
			write_line(file, ' ', &from->lines[at.from++]);
			at.to++;
		}
	}
}

static struct place write_hunk(FILE *file, const struct side *from, const struct side *to,
			       struct place at)
{
	size_t before = at.from < CONTEXT ? at.from : CONTEXT;
	struct place start = { at.from - before, at.to - before };
	struct place end = end_of_hunk(from, to, at);
	size_t after = from->count - end.from < CONTEXT ? from->count - end.from : CONTEXT;

	end.from += after;
	end.to += after;
	fputs("@@ -", file);
	write_range(file, start.from, end.from);
	fputs(" +", file);
	write_range(file, start.to, end.to);
	fputs(" @@\n", file);
	write_body(file, from, to, start, end);
	return end;
}

static void write_all(FILE *file, const struct side *from, const struct side *to)
{
	struct place at = { 0, 0 };

	while (!is_end(from, to, at)) {
		if (is_change(from, to, at)) {
			at = write_hunk(file, from, to, at);
		} else {
			at.from++;
			at.to++;
		}
	}
}

static char *write_diff(const char *from_name, const struct side *from, const char *to_name,
			const struct side *to)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	if (!file)
		return NULL;
	fprintf(file, "--- %s\n+++ %s\n", from_name, to_name);
	write_all(file, from, to);
	if (fclose(file) == 0)
		return text;
	free(text);
	return NULL;
}

char *wr_diff_unified(const char *from_name, const char *from, const char *to_name, const char *to)
{
	struct side a = { 0 }, b = { 0 };
	char *text = NULL;

	if (strcmp(from, to) == 0)
		return strdup("");
	if (side_init(&a, from) && side_init(&b, to) && compare(&a, &b))
		text = write_diff(from_name, &a, to_name, &b);
	side_done(&a);
	side_done(&b);
	return text;
}
