#include "cli/policy_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/files.h"

#define BLANKS " \t\r"

/* The words up to a comment, one blank between; a new string. */
static char *words_of(const char *line, size_t len)
{
	char *text = NULL;
	size_t text_len;
	FILE *to = open_memstream(&text, &text_len);
	size_t at = 0;
	bool is_first = true;

	if (!to)
		abort();
	for (;;) {
		size_t begin;

		while (at < len && strchr(BLANKS, line[at]))
			at++;
		if (at == len || line[at] == '#')
			break;
		begin = at;
		while (at < len && !strchr(BLANKS, line[at]))
			at++;
		fprintf(to, "%s%.*s", is_first ? "" : " ", (int)(at - begin), line + begin);
		is_first = false;
	}
	fclose(to);
	return text;
}

static char *join(const char *const *operands, unsigned count, bool has_arrow)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);

	if (!to)
		abort();
	for (unsigned i = 0; i < count; i++)
		fprintf(to, "%s%s", i > 0 ? " " : "",
			!has_arrow && strcmp(operands[i], "to") == 0 ? "->" : operands[i]);
	fclose(to);
	return text;
}

char *wr_rule_join(const char *const *operands, unsigned count)
{
	bool has_arrow = false;
	WR_AUTO(wr_text_freep) char *joined = NULL;
	WR_AUTO(wr_text_freep) char *rule = NULL;
	const char *arrow;

	for (unsigned i = 0; i < count; i++)
		has_arrow |= strstr(operands[i], "->") != NULL;
	joined = join(operands, count, has_arrow);
	rule = words_of(joined, strlen(joined));
	arrow = strstr(rule, " -> ");
	if (!arrow || arrow == rule || !arrow[4] || strpbrk(joined, "\n#"))
		return NULL;
	return WR_TAKE(rule);
}

/* --- Lines of a text. --- */

struct line {
	const char *text;
	size_t len; /* without the newline */
	char *words;
};

static bool next_line(const char **text, struct line *line)
{
	free(line->words);
	line->words = NULL;
	if (!**text)
		return false;
	line->text = *text;
	line->len = strcspn(*text, "\n");
	line->words = words_of(line->text, line->len);
	*text += line->len + ((*text)[line->len] == '\n');
	return true;
}

static bool begins_with(const char *words, const char *word)
{
	size_t len = strlen(word);

	return strncmp(words, word, len) == 0 && (words[len] == ' ' || words[len] == '\0');
}

/* "allow A -> B" is `action` and `rule`. */
static bool says(const char *words, const char *action, const char *rule)
{
	return begins_with(words, action) && strcmp(words + strcspn(words, " "), "") != 0 &&
	       strcmp(words + strlen(action) + 1, rule) == 0;
}

static const char *contrary(const char *action)
{
	return strcmp(action, "allow") == 0 ? "deny" : "allow";
}

static bool is_place(const char *words, enum wr_rule_place place)
{
	if (begins_with(words, "default"))
		return true;
	return place == WR_RULE_FIRST &&
	       (begins_with(words, "allow") || begins_with(words, "deny"));
}

/* What is in the text already. */
static bool has_line(const char *text, const char *action, const char *rule)
{
	struct line line = { NULL };
	bool has = false;

	while (next_line(&text, &line))
		has |= says(line.words, action, rule);
	return has;
}

char *wr_rule_insert(const char *text, const char *action, const char *rule,
		     enum wr_rule_place place)
{
	bool replaces = has_line(text, contrary(action), rule);
	bool is_done = false;
	struct line line = { NULL };
	char *changed = NULL;
	size_t len;
	FILE *to;

	if (has_line(text, action, rule) && !replaces)
		return NULL;
	to = open_memstream(&changed, &len);
	if (!to)
		abort();
	while (next_line(&text, &line)) {
		bool is_contrary = says(line.words, contrary(action), rule);
		bool is_it = replaces ? is_contrary : is_place(line.words, place);

		if (is_it && !is_done)
			fprintf(to, "%s %s\n", action, rule);
		is_done |= is_it;
		if (!is_contrary)
			fprintf(to, "%.*s\n", (int)line.len, line.text);
	}
	if (!is_done)
		fprintf(to, "%s %s\n", action, rule);
	fclose(to);
	return changed;
}
