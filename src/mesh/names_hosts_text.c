/* The text of a hosts file, with a block and without. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mesh/names_hosts.h"

#define MARK_LEN 64

struct piece {
	const char *data;
	size_t len;
};

/* Where the owner's block is. */
struct place {
	size_t start, end; /* both markers included */
	bool has_line_end; /* the line end before it is ours */
};

/* The line that begins at `at`, without its end; where the next one begins. */
static size_t line_at(const struct piece *text, size_t at, struct piece *ret_line)
{
	const char *end = memchr(text->data + at, '\n', text->len - at);
	size_t stop = end ? (size_t)(end - text->data) : text->len;

	*ret_line = (struct piece){ text->data + at, stop - at };
	return end ? stop + 1 : text->len;
}

static bool is_line(const struct piece *line, const char *text)
{
	return line->len == strlen(text) && memcmp(line->data, text, line->len) == 0;
}

/* The end of a block whose inside begins at `at`; of one that has none, that is its end. */
static size_t end_of(const struct piece *text, size_t at, const char *owner)
{
	char mark[MARK_LEN];
	struct piece line;
	size_t inside = at;

	snprintf(mark, sizeof(mark), "# END warren %s", owner);
	while (at < text->len) {
		at = line_at(text, at, &line);
		if (is_line(&line, mark))
			return at;
		if (line.len >= 8 && memcmp(line.data, "# BEGIN ", 8) == 0)
			break;
	}
	return inside;
}

static bool find_block(const struct piece *text, size_t from, const char *owner,
		       struct place *ret_place)
{
	char mark[MARK_LEN], mark_line_end[MARK_LEN + 2];
	struct piece line;
	size_t at = from;

	snprintf(mark, sizeof(mark), "# BEGIN warren %s", owner);
	snprintf(mark_line_end, sizeof(mark_line_end), "%s +", mark);
	while (at < text->len) {
		size_t start = at;

		at = line_at(text, at, &line);
		if (is_line(&line, mark) || is_line(&line, mark_line_end)) {
			ret_place->start = start;
			ret_place->end = end_of(text, at, owner);
			ret_place->has_line_end = is_line(&line, mark_line_end);
			return true;
		}
	}
	return false;
}

/* Pieces one after the other, as a new text with a NUL behind it. */
static char *join(const struct piece *pieces, size_t count, size_t *ret_len)
{
	size_t len = 0;
	char *text;

	for (size_t i = 0; i < count; i++)
		len += pieces[i].len;
	text = malloc(len + 1);
	if (!text)
		return NULL;
	*ret_len = len;
	len = 0;
	for (size_t i = 0; i < count; i++) {
		if (pieces[i].len)
			memcpy(text + len, pieces[i].data, pieces[i].len);
		len += pieces[i].len;
	}
	text[len] = '\0';
	return text;
}

static struct piece piece_of(const char *text)
{
	return (struct piece){ text, strlen(text) };
}

/* Its place is filled by nothing. The line end before it goes too, if it was ours and nothing
 * follows; if another network's block follows, that has it from now on. */
static char *without(const struct piece *text, const struct place *place, size_t *ret_len)
{
	struct piece head = { text->data, place->start };
	struct piece tail = { text->data + place->end, text->len - place->end };
	struct piece pieces[4] = { head, tail, { NULL, 0 }, { NULL, 0 } };
	struct piece line;

	if (place->has_line_end && tail.len == 0 && head.len > 0 && head.data[head.len - 1] == '\n')
		pieces[0].len--;
	if (place->has_line_end && tail.len >= 15 &&
	    memcmp(tail.data, "# BEGIN warren ", 15) == 0) {
		(void)line_at(&tail, 0, &line);
		pieces[1] = line;
		pieces[2] = piece_of(" +");
		pieces[3] = (struct piece){ tail.data + line.len, tail.len - line.len };
	}
	return join(pieces, 4, ret_len);
}

static char *with(const struct piece *text, const struct place *place, const char *owner,
		  const char *block, size_t *ret_len)
{
	struct piece pieces[] = {
		{ text->data, place->start },
		piece_of("# BEGIN warren "),
		piece_of(owner),
		piece_of(place->has_line_end ? " +\n" : "\n"),
		piece_of(block),
		piece_of("# END warren "),
		piece_of(owner),
		piece_of("\n"),
		{ text->data + place->end, text->len - place->end },
	};

	return join(pieces, WR_ARRAY_LEN(pieces), ret_len);
}

static char *appended(const struct piece *text, const char *owner, const char *block,
		      size_t *ret_len)
{
	bool lacks_line_end = text->len > 0 && text->data[text->len - 1] != '\n';
	struct place end = { text->len, text->len, lacks_line_end };
	struct piece whole[] = { *text, { "\n", lacks_line_end } }, longer;
	char *ended = join(whole, 2, &longer.len), *result;

	if (!ended)
		return NULL;
	longer.data = ended;
	end.start = end.end = longer.len;
	result = with(&longer, &end, owner, block, ret_len);
	free(ended);
	return result;
}

/* Blocks after the first: somebody copied it. */
static char *with_one_block(const char *data, size_t len, const char *owner, size_t *ret_len)
{
	struct piece text = { data, len };
	struct place first, more;
	char *now = join(&text, 1, ret_len), *next;

	while (now) {
		text = (struct piece){ now, *ret_len };
		if (!find_block(&text, 0, owner, &first) ||
		    !find_block(&text, first.end, owner, &more))
			break;
		next = without(&text, &more, ret_len);
		free(now);
		now = next;
	}
	return now;
}

char *wr_hosts_text(const char *data, size_t len, const char *owner, const char *block,
		    size_t *ret_len)
{
	size_t now_len = 0;
	char *now = with_one_block(data, len, owner, &now_len), *result;
	struct piece text = { now, now_len };
	struct place place;

	if (!now)
		return NULL;
	if (!find_block(&text, 0, owner, &place)) {
		if (block)
			result = appended(&text, owner, block, ret_len);
		else
			result = join(&text, 1, ret_len);
	} else {
		result = block ? with(&text, &place, owner, block, ret_len)
			       : without(&text, &place, ret_len);
	}
	free(now);
	return result;
}
