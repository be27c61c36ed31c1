#include "server/rows.h"

#include <errno.h>

struct listing {
	struct wr_call *call;
	json_t *(*item)(struct wr_call *call, const struct wr_row *row);
	json_t *items;
	size_t limit; /* one more than goes out */
	int64_t last; /* row id of the last that goes out */
};

static bool add(void *context, const struct wr_row *row)
{
	struct listing *listing = context;

	if (json_array_size(listing->items) + 1 < listing->limit)
		listing->last = wr_row_int(row, 0);
	json_array_append_new(listing->items, listing->item(listing->call, row));
	return true;
}

int wr_rows_list(struct wr_call *call, const char *sql, size_t count, const struct wr_value *values,
		 json_t *(*item)(struct wr_call *call, const struct wr_row *row))
{
	struct listing listing = {
		.call = call,
		.item = item,
		.items = json_array(),
		.limit = (size_t)wr_call_page(call).limit,
	};
	int64_t rows = wr_db_each(call->db, sql, count, values, add, &listing);

	if (rows < 0) {
		json_decref(listing.items);
		return wr_call_fail_db(call, (int)rows);
	}
	wr_call_paged(call, listing.items, listing.last);
	return 0;
}

int wr_rows_number(struct wr_call *call, const char *sql, struct wr_value by, int64_t *ret_number)
{
	struct wr_row *row = NULL;
	int found = WR_DB_ONE(call->db, &row, sql, by);

	if (found <= 0)
		return wr_call_fail_db(call, found ? found : -EIO);
	*ret_number = wr_row_int(row, 0);
	wr_row_end(row);
	return 0;
}
