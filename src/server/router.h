/* From a method and a path to the operation that answers it.
 *
 * Floor 8.  Made once, then constant. */
#pragma once

#include "base/base.h"
#include "server/call.h"
#include "server/operation.h"

#define WR_API_PREFIX "/api/v1"
/* Of one value in a path, decoded: names have at most 63 letters of four bytes. */
#define WR_PATH_VALUE_LEN 255

struct wr_router;

/* Of tables that each end with an operation without an id; `tables` ends with NULL. Two
 * operations with one method and path are a bug. NULL where memory is short. */
struct wr_router *wr_router_new(const struct wr_operation *const *tables);
/* NULL is fine; returns NULL. */
struct wr_router *wr_router_free(struct wr_router *router);
/* All tables of the API. */
extern const struct wr_operation *const wr_operation_tables[];

enum wr_route_kind {
	WR_ROUTE_FOUND,
	WR_ROUTE_NOWHERE,      /* 404 */
	WR_ROUTE_OTHER_METHOD, /* 405 */
	WR_ROUTE_BAD_PATH      /* 400: percent-encoding, UTF-8, control characters */
};

/* Values stand in `text`, which must stay where it is. */
struct wr_route {
	enum wr_route_kind kind;
	const struct wr_operation *operation;
	const char *values[WR_PATH_VALUES]; /* decoded, in the path's order; NULL behind */
	char allow[64];                     /* "GET, HEAD, PUT": what the path knows */
	char text[2048];
};
/* `path` as it came: percent-encoded, without the query. HEAD finds what GET does. */
void wr_router_find(const struct wr_router *router, enum wr_http_method method, const char *path,
		    struct wr_route *ret_route);
/* The names of a path's braces, each as "name" and its length; returns how many. */
unsigned wr_router_names(const char *path, const char *ret_names[WR_PATH_VALUES],
			 size_t ret_lens[WR_PATH_VALUES]);

/* "GET"; NULL for WR_HTTP_OTHER. */
const char *wr_method_text(enum wr_http_method method);
