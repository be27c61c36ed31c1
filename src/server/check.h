/* Checks what came in against the tables of fields: every fault, all at once, each with
 * where it is and what is wrong.
 *
 * Floor 8.  Pure.  Source: RFC 8259 (JSON), RFC 6901 (pointers). */
#pragma once

#include <jansson.h>

#include "base/base.h"
#include "server/operation.h"
#include "server/problem.h"

/* Of a query; of a body without a long text, and with one. */
#define WR_CHECK_PARAMETERS 32
#define WR_CHECK_BODY_MAX (64 * 1024)
#define WR_CHECK_LONG_BODY_MAX (8 * 1024 * 1024)
/* Lists and objects within each other; values in all. */
#define WR_CHECK_DEPTH 16
#define WR_CHECK_VALUES 20000

/* `query` is what follows '?'. Returns a new object of what is there (numbers and flags as
 * such, lists of tags as lists), or NULL and a problem. */
json_t *wr_check_query(const struct wr_operation *operation, const char *query,
		       struct wr_problem *problem);
/* `content_type` may be NULL. Returns a new object, empty where the operation takes no
 * body, or NULL and a problem. */
json_t *wr_check_body(const struct wr_operation *operation, const char *content_type,
		      struct wr_bytes body, struct wr_problem *problem);
/* How large a body of the operation may be. */
size_t wr_check_body_max(const struct wr_operation *operation);

/* What lists take besides their own. */
extern const struct wr_field wr_paging_fields[];
