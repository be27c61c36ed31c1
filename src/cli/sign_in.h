/* A signed-in session, as browsers have it, for as long as it takes to get a token.
 *
 * Floor 10.  Every failure is told on standard error; "exit status" as in cli/api.h. */
#pragma once

#include <jansson.h>

#include "cli/verb.h"
#include "http/client.h"

struct wr_sign_in {
	const struct wr_arguments *arguments;
	struct wr_http_target target;
	char *cookie; /* "warren_session=..." */
	char *csrf;
};

/* Signs in. Exit status. */
int wr_sign_in_begin(const struct wr_arguments *arguments, const struct wr_http_target *target,
		     const char *login, const char *password, struct wr_sign_in *ret_session)
	WR_MUST_CHECK;
/* One change; takes `body` (NULL: none). Exit status; *ret_result may be NULL afterwards. */
int wr_sign_in_call(const struct wr_sign_in *session, const char *method, const char *path,
		    json_t *body, json_t **ret_result) WR_MUST_CHECK;
/* Wipes it. */
void wr_sign_in_done(struct wr_sign_in *session);
