/* What the kind of build adds to the system calls that are allowed.
 *
 * Floor 4.  Constant. */
#pragma once

#include "base/base.h"

struct wr_syscalls {
	const int *numbers;
	size_t count;
};

/* None in a build for people; in one with sanitizers what these need to watch
 * and to report. */
extern const struct wr_syscalls wr_syscalls_of_build;
