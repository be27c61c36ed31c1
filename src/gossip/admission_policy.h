/* The policy, put together from its pieces, which come in any order and of several versions.
 *
 * Floor 3.  Private to admission*.c. */
#pragma once

#include "wire/item.h"

/* Pieces of one version. All zero: of none. */
struct wr_policy_version {
	uint64_t version;
	uint8_t digest[32];
	uint8_t count, have; /* count 0: of none */
	struct {
		uint8_t *bytes; /* the item; NULL: not yet there */
		size_t len;
	} items[WR_ITEM_POLICY_PIECES];
};

/* All zero: no policy. The one in force, and two that are not whole yet: one more than a founder
 * who changes his mind at once has on the way. */
struct wr_policy_pieces {
	struct wr_policy_version whole;
	char *text; /* NULL: no policy */
	struct wr_policy_version parts[2];
};

void wr_policy_pieces_done(struct wr_policy_pieces *pieces);
/* A piece that was checked, read from `bytes`. 1: a newer policy is whole, and in force; 0;
 * -ENOMEM.
 */
int wr_policy_pieces_take(struct wr_policy_pieces *pieces, const struct wr_item *item,
			  struct wr_bytes bytes) WR_MUST_CHECK;
/* The newest version that is not whole; 0: none. */
uint64_t wr_policy_pieces_awaited(const struct wr_policy_pieces *pieces);
