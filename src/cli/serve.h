/* The life of the server's process.
 *
 * Floor 10. */
#pragma once

#include "cli/secret.h"
#include "cli/settings.h"

/* Serves until it is told to end. Returns the exit status; wipes the secret when the
 * server has it. */
int wr_serve_run(const struct wr_arguments *arguments, const struct wr_settings *settings,
		 struct wr_secret *secret);
/* Tells what the first start made, and what to do next. */
struct wr_server;
struct wr_first_start;
void wr_serve_welcome(const struct wr_settings *settings, const struct wr_server *server,
		      const struct wr_first_start *first);
