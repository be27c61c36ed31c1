/* The unlock secret: what opens the keys at rest.
 *
 * Floor 10. */
#pragma once

#include "cli/settings.h"

struct wr_secret {
	char *text;
	size_t len;
	char *origin; /* "environment WARREN_UNLOCK", or a path */
};

/* Finds it: WARREN_UNLOCK (gone from the environment afterwards), the file of the settings
 * (flag, WARREN_UNLOCK_FILE, file), or systemd's credential "warren-unlock". Returns the exit
 * status; where there is none, tells how to make one. */
int wr_secret_find(const struct wr_arguments *arguments, const struct wr_settings *settings,
		   struct wr_secret *ret_secret) WR_MUST_CHECK;
/* Wipes it. */
void wr_secret_done(struct wr_secret *secret);
