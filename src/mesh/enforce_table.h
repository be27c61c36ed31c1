/* An nftables table of our own that is kept as a script says: told to nft without waiting for it,
 * watched, and told again when somebody changed it.
 *
 * Floor 7.  On the thread of its loop.  Removes its table at the end. */
#pragma once

#include <uv.h>

#include "base/base.h"

struct wr_table;

/* 0 or a negative errno. */
int wr_table_new(uv_loop_t *loop, const char *interface, struct wr_table **ret_table) WR_MUST_CHECK;
/* Runs the loop until its handles are closed, so not from a callback. NULL is fine; returns
 * NULL. */
struct wr_table *wr_table_free(struct wr_table *table);

/* What should be there from now on (wr_enforce_script(), taken). It is told when the table is in
 * use. */
void wr_table_want(struct wr_table *table, char *script);
/* Puts it in use, and waits until something is there: what is wanted, or rules that let nothing
 * pass. 0 or a negative errno. */
int wr_table_begin(struct wr_table *table) WR_MUST_CHECK;
/* Takes it out of use, and away. */
void wr_table_end(struct wr_table *table);

/* Looks whether what was told is still there; tells it again if not. True if it was not, now or
 * since this was asked last. */
bool wr_table_mend(struct wr_table *table);
/* 0; -EINPROGRESS while nft is told; or the negative errno of why what is wanted is not there,
 * and one line. */
int wr_table_look(const struct wr_table *table, char ret_trouble[200]);
