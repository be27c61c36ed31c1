/* The file of settings: INI as WireGuard's own. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "cli/settings.h"

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t\r");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r", text[len - 1]))
		text[--len] = '\0';
	return text;
}

/* '#' begins a comment where a line or a word would begin. */
static void cut_comment(char *line)
{
	for (char *c = line; *c; c++) {
		if (*c == '#' && (c == line || c[-1] == ' ' || c[-1] == '\t')) {
			*c = '\0';
			return;
		}
	}
}

static bool is_separator(char c)
{
	return c == '-' || c == '_';
}

bool wr_settings_is_key(const char *flag, const char *key)
{
	for (;;) {
		while (is_separator(*flag))
			flag++;
		while (is_separator(*key))
			key++;
		if (tolower((unsigned char)*flag) != tolower((unsigned char)*key))
			return false;
		if (!*flag)
			return true;
		flag++;
		key++;
	}
}

struct parsing {
	bool is_in_section;
	const char *(*take)(void *context, unsigned line, const char *key, const char *value);
	void *context;
};

static const char *parse_line(struct parsing *parsing, unsigned number, char *line)
{
	char *equals;

	cut_comment(line);
	line = trim(line);
	if (!*line || *line == ';')
		return NULL;
	if (*line == '[') {
		parsing->is_in_section = strcasecmp(line, "[Server]") == 0;
		return parsing->is_in_section ? NULL : "[Server]: there is no other section";
	}
	equals = strchr(line, '=');
	if (!equals)
		return "\"Name = value\"";
	if (!parsing->is_in_section)
		return "below a line [Server]";
	*equals = '\0';
	return parsing->take(parsing->context, number, trim(line), trim(equals + 1));
}

const char *wr_settings_parse(char *text,
			      const char *(*take)(void *context, unsigned line, const char *key,
						  const char *value),
			      void *context, unsigned *ret_line)
{
	struct parsing parsing = { false, take, context };

	*ret_line = 0;
	for (char *line; (line = strsep(&text, "\n"));) {
		const char *fault;

		++*ret_line;
		fault = parse_line(&parsing, *ret_line, line);
		if (fault)
			return fault;
	}
	return NULL;
}
