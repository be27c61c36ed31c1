/* What differs between two texts, line by line, as a unified diff that patch(1) takes.
 *
 * Floor 8.  Pure; any thread.
 * Source: Myers, "An O(ND) Difference Algorithm and Its Variations", 1986. Texts that differ
 * too much for it get one change that replaces all lines between what is equal at both ends. */
#pragma once

#include "base/base.h"

/* More lines than this added and removed: not the shortest diff any more. */
#define WR_DIFF_DISTANCE 1000

/* A new string; "" if the texts are equal; NULL where memory is short. */
char *wr_diff_unified(const char *from_name, const char *from, const char *to_name, const char *to);
