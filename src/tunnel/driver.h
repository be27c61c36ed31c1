/* Runs an engine's control side on a libuv loop: when the engine asks for it,
 * when its next deadline comes, and after its configuration was changed.
 *
 * Floor 6.  On the thread of its loop.  Owns nothing. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "engine/engine.h"

struct wr_driver {
	uv_poll_t poll;
	uv_timer_t timer;
	struct wr_instant deadline; /* that the timer is set for; WR_NEVER: not set */
	struct wr_engine *engine;
	void (*ran)(void *context); /* after each run; may be NULL */
	void *context;
};

/* 0 or a negative errno. */
int wr_driver_start(struct wr_driver *driver, uv_loop_t *loop, struct wr_engine *engine,
		    void (*ran)(void *context), void *context) WR_MUST_CHECK;
/* One that was not started, all zero, is fine. Done once the loop has run the close
 * callbacks. */
void wr_driver_stop(struct wr_driver *driver);

/* Does now what the engine has to do. */
void wr_driver_run(struct wr_driver *driver);
