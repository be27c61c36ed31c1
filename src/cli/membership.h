/* The networks that this machine is a member of, for the verbs: which one is meant, and asking
 * its agent over the control socket.
 *
 * Floor 10.  Every failure is told on standard error, in one line. */
#pragma once

#include <jansson.h>

#include "agent/state.h"
#include "cli/verb.h"

#define WR_OPTION_INTERFACE \
	{ \
		'i', "interface", "which membership; needless if there is one", "IFACE" \
	}
#define WR_OPTION_STATE \
	{ \
		0, "state", "folder of memberships", "DIR" \
	}
#define WR_MEMBERSHIP_OPTIONS WR_OPTION_HELP, WR_OPTION_INTERFACE, WR_OPTION_STATE

struct wr_membership {
	const struct wr_arguments *arguments;
	char *interface, *folder;
};

/* --state, WARREN_STATE, or NULL: the usual one. */
const char *wr_membership_base(const struct wr_arguments *arguments);
/* --interface, or the only one there is. Exit status. */
int wr_membership_find(const struct wr_arguments *arguments, struct wr_membership *ret_membership)
	WR_MUST_CHECK;
void wr_membership_done(struct wr_membership *membership);

/* Asks its agent; takes `body` (NULL: none). Exit status; *ret_result is NULL where it failed. */
int wr_membership_ask(const struct wr_membership *membership, const char *method, const char *path,
		      json_t *body, json_t **ret_result) WR_MUST_CHECK;
/* The same, silent: false if no agent answers. */
bool wr_membership_try(const char *folder, const char *method, const char *path,
		       json_t **ret_result);
/* How many there are; calls `see` for each. Exit status. */
int wr_membership_each(const struct wr_arguments *arguments,
		       void (*see)(void *context, const char *interface, const char *folder),
		       void *context) WR_MUST_CHECK;
