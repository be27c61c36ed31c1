/* What was seen of machines, on its way to their rows.
 *
 * Floor 8.  The thread stands at each function. */
#pragma once

#include "server/sights.h"

/* Rows of machines; grows. */
struct wr_sights_rows {
	int64_t *items;
	size_t count, room;
};
/* Adds one; forgets it where memory is short: it is seen again. */
void wr_sights_row(struct wr_sights_rows *rows, int64_t machine);

/* Enters them in the ledger, some hundreds at a time, so that nobody waits for all. The loop's
 * thread. Takes the list. */
void wr_sights_save(struct wr_server *server, struct wr_sights_rows *rows);

/* Takes what is to be added to the row; false if there is nothing. Any thread. */
bool wr_sights_take(struct wr_sights *sights, int64_t machine, struct wr_sight *ret_sight)
	WR_MUST_CHECK;
/* It could not be written. Any thread. */
void wr_sights_give_back(struct wr_sights *sights, int64_t machine, const struct wr_sight *sight);
