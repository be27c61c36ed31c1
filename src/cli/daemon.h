/* Going on in the background, with the parent telling whether it went well.
 *
 * Floor 10.  Source: daemon(7). */
#pragma once

#include "base/base.h"

/* All zero: stays in the foreground, and every call does nothing. */
struct wr_daemon {
	bool is_child;
	bool keeps_output; /* set by the caller: standard output and error stay */
	int ready_fd;      /* tells the parent */
	int null_fd;
};

/* Forks. 1 in the parent: it has waited until the child was ready or had ended,
 * and *ret_exit_status is what to end with; what went wrong the child has said, or
 * the parent if the child was killed. 0 in the child: it goes on, and still has its
 * terminal. Or a negative errno. */
int wr_daemon_fork(struct wr_daemon *daemon, int *ret_exit_status) WR_MUST_CHECK;
/* Lets go of the terminal, and of the parent, which ends with success. */
void wr_daemon_ready(struct wr_daemon *daemon);
