#include "policy/words.h"

#include <string.h>

struct wr_lines wr_lines_of(struct wr_bytes text)
{
	const char *start = (const char *)text.data;

	return (struct wr_lines){ start, start + text.len, 0 };
}

static const char *find(const char *at, const char *end, char what)
{
	const char *found = at == end ? NULL : memchr(at, what, (size_t)(end - at));

	return found ? found : end;
}

bool wr_lines_next(struct wr_lines *lines, struct wr_line *ret_line)
{
	const char *end;

	if (lines->at == lines->end)
		return false;
	end = find(lines->at, lines->end, '\n');
	*ret_line = (struct wr_line){ lines->at, find(lines->at, end, '#'), ++lines->number };
	if (ret_line->end == end && end > lines->at && end[-1] == '\r')
		ret_line->end--;
	lines->at = end == lines->end ? end : end + 1;
	return true;
}

bool wr_line_is_plain(const struct wr_line *line)
{
	for (const char *at = line->at; at < line->end; at++)
		if ((*at < ' ' && *at != '\t') || *at > '~')
			return false;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The length of "->" or "=" at `at`, or 0. */
static size_t mark_at(const char *at, const char *end)
{
	if (*at == '=')
		return 1;
	return end - at >= 2 && at[0] == '-' && at[1] == '>' ? 2 : 0;
}

struct wr_word wr_word_next(struct wr_line *line)
{
	struct wr_word word;

	while (line->at < line->end && is_blank(*line->at))
		line->at++;
	word = (struct wr_word){ line->at, 0 };
	if (line->at < line->end)
		word.len = mark_at(line->at, line->end);
	line->at += word.len;
	if (word.len)
		return word;
	while (line->at < line->end && !is_blank(*line->at) && !mark_at(line->at, line->end))
		line->at++;
	word.len = (size_t)(line->at - word.text);
	return word;
}

struct wr_word wr_word_peek(const struct wr_line *line)
{
	struct wr_line copy = *line;

	return wr_word_next(&copy);
}

bool wr_word_is(struct wr_word word, const char *text)
{
	return word.len == strlen(text) && memcmp(word.text, text, word.len) == 0;
}

bool wr_word_after(struct wr_word word, const char *prefix, struct wr_word *ret_rest)
{
	size_t len = strlen(prefix);

	if (word.len < len || memcmp(word.text, prefix, len) != 0)
		return false;
	*ret_rest = (struct wr_word){ word.text + len, word.len - len };
	return true;
}
