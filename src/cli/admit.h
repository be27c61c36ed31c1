/* What the verbs share that say who may be in a mesh.
 *
 * Floor 10.  Exit status; failures are told. */
#pragma once

#include "cli/api.h"

/* One call of the daemon of the mesh that is meant, of a verb with WR_NETWORK_OPTIONS; takes
 * `body` (NULL: none). */
int wr_admit_ask(const struct wr_arguments *arguments, const char *method, const char *path,
		 json_t *body, json_t **ret_result) WR_MUST_CHECK;
/* --expires, else `usual`: "12h", "never"; as expires_in, in seconds, 0 for never. */
int wr_admit_put_expiry(const struct wr_arguments *arguments, const char *usual, json_t *body)
	WR_MUST_CHECK;
/* --name and --tag. */
int wr_admit_put_name_and_tags(const struct wr_arguments *arguments, json_t *body) WR_MUST_CHECK;
/* A member, or an invitation. */
int wr_admit_take_back(const struct wr_arguments *arguments, const char *who) WR_MUST_CHECK;
