#include "cli/terminal.h"

#include <poll.h>
#include <signal.h>
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

/* One byte, as read(2); with `open` signals let in while it waits, and no other time. */
static ssize_t read_byte(char *byte, const sigset_t *open)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	if (open && ppoll(&input, 1, NULL, open) < 0)
		return -1;
	return read(STDIN_FILENO, byte, 1);
}

/* Byte by byte: what follows the line is left to whoever reads next. */
static char *read_line(const sigset_t *open)
{
	char line[ANSWER_MAX];
	size_t len = 0;
	char *copy = NULL;
	char byte;
	ssize_t got;

	while ((got = read_byte(&byte, open)) == 1 && byte != '\n') {
		if (len < sizeof(line) - 1)
			line[len++] = byte;
	}
	if (len > 0 && line[len - 1] == '\r')
		len--;
	line[len] = '\0';
	if (got == 1 || (got == 0 && len > 0))
		copy = strdup(line);
	wr_wipe(line, sizeof(line));
	return copy;
}

static void show_prompt(const char *prompt)
{
	if (!wr_terminal_can_ask())
		return;
	fputs(prompt, stderr);
	fflush(stderr);
}

char *wr_terminal_line(const char *prompt)
{
	show_prompt(prompt);
	return read_line(NULL);
}

/* Ends the wait, no more: the terminal must get its echo back. */
static void on_interrupt(int number)
{
	(void)number;
}

static char *read_quietly(const char *prompt, const struct termios *before, const sigset_t *open)
{
	struct termios quiet = *before;
	char *line;

	quiet.c_lflag &= (tcflag_t)~ECHO;
	quiet.c_lflag |= ECHONL;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	show_prompt(prompt);
	line = read_line(open);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, before);
	return line;
}

/* SIGINT is let in while it is waited for, and not before the terminal is as it was. */
char *wr_terminal_password(const char *prompt)
{
	const struct sigaction interrupt = { .sa_handler = on_interrupt };
	struct sigaction interrupt_before;
	struct termios terminal;
	sigset_t interrupts, signals, open;
	char *line;

	if (!wr_terminal_can_ask() || tcgetattr(STDIN_FILENO, &terminal) < 0)
		return read_line(NULL);
	sigemptyset(&interrupts);
	sigaddset(&interrupts, SIGINT);
	sigprocmask(SIG_BLOCK, &interrupts, &signals);
	sigaction(SIGINT, &interrupt, &interrupt_before);
	open = signals;
	sigdelset(&open, SIGINT);
	line = read_quietly(prompt, &terminal, &open);
	sigaction(SIGINT, &interrupt_before, NULL);
	sigprocmask(SIG_SETMASK, &signals, NULL);
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
