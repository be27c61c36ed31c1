/* Asks a server's API for the verbs: which server, as whom, and what it said.
 *
 * Floor 10.  Every failure is told on standard error, in one line; "exit status" is
 * WR_EXIT_DONE or what the verb is to end with. */
#pragma once

#include <jansson.h>

#include "cli/credentials.h"
#include "cli/verb.h"
#include "http/client.h"

struct wr_api {
	const struct wr_arguments *arguments; /* of a verb with WR_API_OPTIONS */
	struct wr_http_target target;
	char *socket; /* or NULL, and these: */
	struct wr_credentials credentials;
	char *authorization;
	char *org; /* once asked for */

	const char *if_match; /* of the next call */
	unsigned status;      /* of the last answer */
	char etag[72];        /* of the last answer; "" for none */
};

/* Finds the server: --socket, WARREN_SOCKET, WARREN_URL with WARREN_TOKEN, what `warren login`
 * kept, or the socket of the server on this machine. Exit status. */
int wr_api_open(const struct wr_arguments *arguments, struct wr_api *ret_api) WR_MUST_CHECK;
void wr_api_done(struct wr_api *api);
/* True if one is named, was logged in to, or runs on this machine; of a verb with WR_ORG_OPTIONS.
 */
bool wr_api_has_server(const struct wr_arguments *arguments);

/* One call; takes `path` (below /api/v1, from wr_api_path()) and `body` (NULL: none). Exit status;
 * the result in *ret_result, NULL where there is none. `ret_result` may be NULL. */
int wr_api_call(struct wr_api *api, const char *method, char *path, json_t *body,
		json_t **ret_result) WR_MUST_CHECK;
/* The same, but a refusal is no failure: look at api->status, and tell it with
 * wr_api_refused() or not at all. */
int wr_api_ask(struct wr_api *api, const char *method, char *path, json_t *body,
	       json_t **ret_result) WR_MUST_CHECK;
/* Tells what a problem document says; WR_EXIT_FAILED. */
int wr_api_refused(const struct wr_api *api, const json_t *problem);
/* All pages of a listing: an array. `most`: no more than these; 0: all. Exit status. */
int wr_api_list(struct wr_api *api, char *path, size_t most, json_t **ret_items) WR_MUST_CHECK;
/* Which organisation: --org, WARREN_ORG, or the only one there is; api->org afterwards. Exit
 * status. */
int wr_api_find_org(struct wr_api *api) WR_MUST_CHECK;

/* wr_api_open() and wr_api_find_org(). */
int wr_api_open_org(const struct wr_arguments *arguments, struct wr_api *ret_api) WR_MUST_CHECK;

/* A new string: each "{}" is one argument, percent-encoded. */
char *wr_api_path(const char *shape, ...) WR_MUST_CHECK;
/* Adds "name=value" to the query, if there is a value. */
void wr_api_query(char **path, const char *name, const char *value);

/* Prints JSON as --json does: indented, with a newline. */
void wr_api_print(const json_t *json);

/* For WR_AUTO. */
static inline void wr_json_freep(json_t **json)
{
	json_decref(*json);
}
/* A member's text; NULL if it is none. */
static inline const char *wr_json_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}
/* Sets a member, if there is a value. */
static inline void wr_json_set_text(json_t *object, const char *name, const char *value)
{
	if (value)
		json_object_set_new(object, name, json_string(value));
}
