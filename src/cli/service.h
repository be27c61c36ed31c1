/* Our services of systemd, and what is started in the background where there is none.
 *
 * Floor 10.  Source: systemctl(1), sd_booted(3). */
#pragma once

#include "cli/daemon.h"
#include "cli/verb.h"

/* systemd runs, and the unit ("warren-agent@warren0.service") is installed. */
bool wr_service_is_there(const char *unit);
/* Starts it, now and at each boot. Exit status; `what` is said of one that failed. */
int wr_service_start(const struct wr_arguments *arguments, const char *unit, const char *what);
/* It is not started at the next boot any more, if there is one. */
void wr_service_disable(const char *unit);

/* Runs it in the background. Exit status: of the start, for whoever asked. */
int wr_service_fork(const struct wr_arguments *arguments,
		    int (*run)(void *context, struct wr_daemon *daemon), void *context);
