/* The life of a member's daemon, of a server's network or of a mesh: the process gets small and
 * unprivileged, a loop, signals that end it; it lives; it ends.
 *
 * Floor 10. */
#pragma once

#include <uv.h>

#include "cli/daemon.h"
#include "cli/verb.h"

#define WR_LIFE_SIGNALS 3

/* What lives: all with its `context`. */
struct wr_life_work {
	const char *what; /* "agent": in the line that says that it runs */
	/* Opens it on the loop. Exit status; tells what went wrong. */
	int (*open)(void *context, uv_loop_t *loop);
	/* The loop was stopped; whether for that, and if so what cannot be done from a callback. */
	bool (*wants_turn)(void *context);
	int (*turn)(void *context);
	/* Ends it, also half open. */
	void (*close)(void *context);
	const char *(*interface)(void *context);
	/* It is open; may be NULL. Before whoever started it goes on. */
	void (*opened)(void *context);
	void *context;
};

struct wr_life {
	const struct wr_life_work *work;
	uv_loop_t loop;
	uv_signal_t signals[WR_LIFE_SIGNALS];
	uv_timer_t give_back;
	int error;     /* of its end */
	bool is_ended; /* by a signal, or by itself */
	char log_prefix[32];
};

/* From opening to the end; `daemon` is told when the interface is there. Exit status. */
int wr_life_run(struct wr_life *life, const struct wr_arguments *arguments,
		const struct wr_life_work *work, struct wr_daemon *daemon);
/* For the `ended` of daemons: `life` is a struct wr_life. */
void wr_life_ended(void *life, int error);
/* What packets are sealed with: NULL: the engine takes the fastest. */
const struct wr_aead *wr_life_aead(const struct wr_arguments *arguments);
