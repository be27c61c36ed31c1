/* Runs another program, without a shell and without waiting for it.
 *
 * Floor 7.  On the thread of its loop. */
#pragma once

#include <uv.h>

#include "base/base.h"

/* Of what it says on standard error; the rest is not kept. */
#define WR_COMMAND_SAID 160

struct wr_command;

/* Starts argv[0], looked up in PATH and in /usr/sbin and /sbin; `input` (copied, may be NULL) is
 * its standard input. 0, and `ended` is called once from the loop, when nothing of it is left: with
 * its exit status, or a negative errno (-EINTR: it was killed, -ETIMEDOUT: by us after 10 s), and
 * the first line that it said. Or a negative errno, and nothing is called: -ENOENT if there is no
 * such program. */
int wr_command_run(uv_loop_t *loop, const char *const argv[],
		   void (*ended)(void *context, int status, const char *said), void *context)
	WR_MUST_CHECK;
