/* Completions for shells, made of the table of verbs.
 *
 * Floor 10.  packaging/completions/ holds what these write; a test compares. */
#pragma once

#include <stdio.h>

#include "base/base.h"

/* `shell`: "bash", "zsh" or "fish". False if it is none of these. */
bool wr_completion_write(const char *shell, FILE *to);

void wr_completion_bash(FILE *to);
void wr_completion_zsh(FILE *to);
void wr_completion_fish(FILE *to);

/* What a value or an operand is completed with. */
enum wr_completed {
	WR_COMPLETE_NOTHING,
	WR_COMPLETE_CHOICES, /* the words of "a|b" */
	WR_COMPLETE_FILE,
	WR_COMPLETE_FOLDER,
	WR_COMPLETE_INTERFACE, /* of warren wg */
	WR_COMPLETE_VERB,      /* of warren help */
	WR_COMPLETE_MACHINE,
	WR_COMPLETE_ORG
};
/* By what it is called: "FILE", "a|b", "MACHINE [TAG]..."; NULL is nothing. */
enum wr_completed wr_completion_of(const char *value);
