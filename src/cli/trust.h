/* Whether a server that is signed in to is the right one.
 *
 * Floor 10.  Faults are told on standard error; "exit status" as in cli/api.h. */
#pragma once

#include "cli/verb.h"

/* A URL that a password may be sent to: https, or http on loopback. Exit status. */
int wr_trust_url(const struct wr_arguments *arguments, const char *url) WR_MUST_CHECK;
/* The pin to know it by: --pin; or the one that it shows, where somebody at the terminal says
 * that it is right; or NULL where the system's authorities vouch for it. Exit status. */
int wr_trust_pin(const struct wr_arguments *arguments, const char *url, char **ret_pin)
	WR_MUST_CHECK;
