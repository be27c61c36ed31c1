/* The life of an agent's process, and how it is started.
 *
 * Floor 10. */
#pragma once

#include "cli/daemon.h"
#include "cli/verb.h"

/* Runs the agent of the membership in `folder` until it is told to end; `daemon` is told when
 * the interface is there. Exit status; all faults are told on standard error. */
int wr_agent_run(const struct wr_arguments *arguments, const char *folder,
		 struct wr_daemon *daemon);
/* Starts it: in the foreground (and then it is as wr_agent_run()), as a service of systemd where
 * that runs, or in the background. Exit status. */
int wr_agent_start(const struct wr_arguments *arguments, const char *interface, const char *folder,
		   bool in_foreground);
/* Takes the service away, if there is one, so that it is not started at the next boot. */
void wr_agent_unregister(const char *interface);
