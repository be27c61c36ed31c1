/* People at a terminal: what may be asked, and how it may look.
 *
 * Floor 10. */
#pragma once

#include <stdio.h>

#include "base/base.h"

/* Somebody is there who can answer. */
bool wr_terminal_can_ask(void);
/* `to` is a terminal, and NO_COLOR is not set. */
bool wr_terminal_has_colour(FILE *to);

/* A line from standard input, without its newline, as a new string; `prompt` is shown if
 * somebody is there. NULL where there is none. */
char *wr_terminal_line(const char *prompt);
/* The same without echo. The caller wipes it: wr_password_freep(). */
char *wr_terminal_password(const char *prompt);
/* Asked twice at a terminal; NULL, with a line on standard error, where both differ. */
char *wr_terminal_new_password(const char *prompt);
/* Whether the answer was yes; false without asking where nobody is there. */
bool wr_terminal_confirm(const char *question);

/* For WR_AUTO: wipes and frees. */
void wr_password_freep(char **text);
