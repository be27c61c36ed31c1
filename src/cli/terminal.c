#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/key.h"

/* Longer answers are cut: no name or password is this long. */
#define ANSWER_MAX 4096

bool wr_terminal_can_ask(void)
{
	return isatty(STDIN_FILENO);
}

bool wr_terminal_has_colour(FILE *to)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return isatty(fileno(to)) && !(no_colour && *no_colour) && terminal &&
	       strcmp(terminal, "dumb") != 0;
}

/* Byte by byte: what follows the line is left to whoever reads next. */
static char *read_line(void)
{
	char line[ANSWER_MAX];
	size_t len = 0;
	char *copy = NULL;
	char byte;
	ssize_t got;

	while ((got = read(STDIN_FILENO, &byte, 1)) == 1 && byte != '\n') {
		if (len < sizeof(line) - 1)
			line[len++] = byte;
	}
	if (len > 0 && line[len - 1] == '\r')
		len--;
	line[len] = '\0';
	if (got == 1 || len > 0)
		copy = strdup(line);
	wr_wipe(line, sizeof(line));
	return copy;
}

char *wr_terminal_line(const char *prompt)
{
	if (wr_terminal_can_ask()) {
		fputs(prompt, stderr);
		fflush(stderr);
	}
	return read_line();
}

char *wr_terminal_password(const char *prompt)
{
	struct termios before, quiet;
	bool is_quiet = wr_terminal_can_ask() && tcgetattr(STDIN_FILENO, &before) == 0;
	char *line;

	if (is_quiet) {
		quiet = before;
		quiet.c_lflag &= (tcflag_t)~ECHO;
		quiet.c_lflag |= ECHONL;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	}
	line = wr_terminal_line(prompt);
	if (is_quiet)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	return line;
}

char *wr_terminal_new_password(const char *prompt)
{
	WR_AUTO(wr_password_freep) char *first = wr_terminal_password(prompt);
	WR_AUTO(wr_password_freep) char *second = NULL;

	if (!wr_terminal_can_ask() || !first)
		return WR_TAKE(first);
	second = wr_terminal_password("The same again: ");
	if (second && strcmp(first, second) == 0)
		return WR_TAKE(first);
	fprintf(stderr, "These are not the same.\n");
	return NULL;
}

bool wr_terminal_confirm(const char *question)
{
	WR_AUTO(wr_password_freep) char *answer = NULL;

	if (!wr_terminal_can_ask())
		return false;
	answer = wr_terminal_line(question);
	return answer && (strcmp(answer, "y") == 0 || strcmp(answer, "yes") == 0);
}

void wr_password_freep(char **text)
{
	if (*text)
		wr_wipe(*text, strlen(*text));
	free(*text);
	*text = NULL;
}
