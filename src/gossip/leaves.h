/* The leaves of a roll: the numbers of its entries in the order of keys, with sums. The roll's own;
 * looking things up in them is in roll.h.
 *
 * Floor 3.  Only for roll.c and leaves.c. */
#pragma once

#include "gossip/roll.h"

bool wr_leaves_init(struct wr_roll *roll) WR_MUST_CHECK;
void wr_leaves_done(struct wr_roll *roll);
/* The key must not be there; false where memory is short. Its entry is not in the sums yet. */
bool wr_leaves_put(struct wr_roll *roll, uint64_t key, uint32_t id) WR_MUST_CHECK;
/* It must be there, and out of the sums. */
void wr_leaves_take(struct wr_roll *roll, uint64_t key);
/* Around all that changes what an entry adds to the sums. */
void wr_leaves_count_in(struct wr_roll *roll, const struct wr_entry *entry);
void wr_leaves_count_out(struct wr_roll *roll, const struct wr_entry *entry);
