/* The verbs, each in its own file.
 *
 * Floor 9. */
#pragma once

#include "cli/verb.h"

extern const struct wr_verb wr_verb_wg;          /* wg.c */
extern const struct wr_verb wr_verb_help_of_all; /* cli.c */
