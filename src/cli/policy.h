/* What the verbs of policies share.
 *
 * Floor 10. */
#pragma once

#include "cli/api.h"
#include "cli/tables.h"

/* GET of the policy in api->org; api->etag is its version. Exit status. */
int wr_cli_policy_get(struct wr_api *api, json_t **ret_policy) WR_MUST_CHECK;
/* PUT of a text, by api->if_match. A refusal is not told: see api->status. Exit status. */
int wr_cli_policy_put(struct wr_api *api, const char *text, const char *comment,
		      json_t **ret_result) WR_MUST_CHECK;
/* What a saved policy is called: "policy of ORG: version 7". On standard error: standard
 * output is for what was asked for. */
void wr_cli_policy_tell(const struct wr_api *api, const json_t *saved);
