/* Collects what is wrong with a text.
 *
 * Floor 3. */
#pragma once

#include "policy/policy.h"

/* For a word in a fault: `"%.*s", WR_FAULT_WORD(len), text`; the words of a policy may be
 * long, and what is no plain text is replaced. */
#define WR_FAULT_WORD_MAX 64
#define WR_FAULT_WORD(len) ((int)((len) > WR_FAULT_WORD_MAX ? WR_FAULT_WORD_MAX : (len)))

/* Counts the fault, and keeps it if it is among the first. */
void wr_faults_add(struct wr_policy_faults *faults, unsigned line, const char *format, ...)
	WR_PRINTF(3, 4);
