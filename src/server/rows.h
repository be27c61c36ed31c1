/* Listings: rows of a query as items of a page; and counts.
 *
 * Floor 8.  On the ledger's thread, within an entry. */
#pragma once

#include <jansson.h>

#include "base/base.h"
#include "server/call.h"

/* Asks, makes an item of each row, and sets the call's paged result. The query's first column
 * is the row id that the page goes by, and its last value the limit. 0, or -1 and a problem. */
int wr_rows_list(struct wr_call *call, const char *sql, size_t count, const struct wr_value *values,
		 json_t *(*item)(struct wr_call *call, const struct wr_row *row)) WR_MUST_CHECK;
/* The one number that a query answers, with `by` for its '?'. 0, or -1 and a problem. */
int wr_rows_number(struct wr_call *call, const char *sql, struct wr_value by, int64_t *ret_number)
	WR_MUST_CHECK;
