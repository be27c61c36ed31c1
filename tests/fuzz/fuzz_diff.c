/* Two texts with a zero byte between: the diff, read line by line, turns one into the
 * other. */
#include "fuzz.h"
#include "server/diff.h"

/* What is left of both sides, and how many lines of the first are behind. */
struct walk {
	const char *from, *to;
	unsigned long line;
};

/* The length of a line with its newline, if it has one. */
static size_t line_len(const char *line)
{
	size_t len = strcspn(line, "\n");

	return len + (line[len] == '\n');
}

static void skip(const char **side, const char *line, size_t len)
{
	FUZZ_CHECK(line_len(*side) == len && memcmp(*side, line, len) == 0);
	*side += len;
}

/* Up to a hunk both sides are the same. */
static const char *check_header(struct walk *walk, const char *header)
{
	char *end;
	unsigned long first = strtoul(header + 4, &end, 10);
	unsigned long count = *end == ',' ? strtoul(end + 1, NULL, 10) : 1;

	for (first -= count != 0; walk->line < first; walk->line++) {
		size_t len = line_len(walk->from);

		FUZZ_CHECK(len);
		skip(&walk->to, walk->from, len);
		walk->from += len;
	}
	return header + line_len(header);
}

/* A line of a hunk stands in the side that it is of. */
static const char *check_line(struct walk *walk, const char *line)
{
	size_t len = line_len(line + 1);
	const char *next = line + 1 + len;

	if (*next == '\\') {
		len--; /* the newline is the diff's */
		next += line_len(next);
	}
	if (*line != '+') {
		skip(&walk->from, line + 1, len);
		walk->line++;
	}
	if (*line != '-')
		skip(&walk->to, line + 1, len);
	return next;
}

static void check_diff(const char *diff, const char *from, const char *to)
{
	struct walk walk = { from, to, 0 };
	const char *line = diff + line_len(diff);

	for (line += line_len(line); *line;)
		line = *line == '@' ? check_header(&walk, line) : check_line(&walk, line);
	FUZZ_CHECK(strcmp(walk.from, walk.to) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[4096 + 2] = "";
	const char *to;
	char *diff;

	if (size > 4096)
		return 0;
	memcpy(text, data, size);
	to = text + strlen(text) + 1;
	diff = wr_diff_unified("a", text, "b", to);
	FUZZ_CHECK(diff);
	if (*diff)
		check_diff(diff, text, to);
	else
		FUZZ_CHECK(strcmp(text, to) == 0);
	free(diff);
	return 0;
}
