/* The command line: one program, verbs first.
 *
 * Floor 10.  Source: docs/man/warren.1. */
#pragma once

#include "base/base.h"
#include "crypto/aead.h"

/* Runs the program; returns its exit status: 0 done, 1 refused or failed (one
 * line on standard error says what and what to do), 2 wrong usage. `aead` seals
 * packets in place of the one that is picked for the CPU; NULL for people,
 * something else for benches. */
int wr_cli_main(int argc, char **argv, const struct wr_aead *aead);
