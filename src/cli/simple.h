/* Verbs that are one call: a listing, a thing shown, a thing taken away.
 *
 * Floor 10. */
#pragma once

#include "cli/api.h"
#include "cli/tables.h"

/* What a shape of wr_api_path() is filled with. */
enum wr_scope {
	WR_SCOPE_SITE, /* the operands in their order */
	WR_SCOPE_ORG   /* the organisation first */
};

/* Prints a listing; with --json as JSON. `most` as wr_api_list(). Exit status. */
int wr_simple_list(const struct wr_arguments *arguments, enum wr_scope scope, const char *shape,
		   const struct wr_column *columns, size_t count);
/* Prints one object of a GET, the same way. */
int wr_simple_show(const struct wr_arguments *arguments, enum wr_scope scope, const char *shape,
		   const struct wr_column *columns, size_t count);
/* One call with `body` (taken, or NULL), nothing printed. */
int wr_simple_call(const struct wr_arguments *arguments, enum wr_scope scope, const char *method,
		   const char *shape, json_t *body);
/* The same, with the result in *ret_result. */
int wr_simple_ask(const struct wr_arguments *arguments, enum wr_scope scope, const char *method,
		  const char *shape, json_t *body, json_t **ret_result);
