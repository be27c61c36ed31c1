/* Allowed-IPs: longest-prefix match from an inner address to a peer, for both
 * families; the routing table of a device and its source check.
 *
 * A path-compressed binary trie, changed in place by one writer while readers
 * walk it without locks.
 *
 * Floor 3.  One writer; readers on any thread, under a grace period
 * (base/retire.h).  Source: WireGuard paper, section 2. */
#pragma once

#include <stdatomic.h>

#include "base/base.h"
#include "base/ip.h"
#include "base/retire.h"

struct wr_peer;
struct wr_allowed_node;

struct wr_allowedips {
	_Atomic(struct wr_allowed_node *) root4;
	_Atomic(struct wr_allowed_node *) root6;
};

/* An entry as its peer sees it; a peer's entries hang from it in a list, oldest
 * first. */
struct wr_allowed_entry {
	struct wr_allowed_entry *next, *prev;
	struct wr_peer *peer;
	struct wr_prefix prefix;
};

struct wr_allowed_list {
	struct wr_allowed_entry *first, *last;
};

/* Frees all nodes at once: no readers are left. */
void wr_allowedips_done(struct wr_allowedips *table);

/* Gives the prefix to `peer` (whose list of entries is `list`), taking it from
 * the peer that had it. 0 or -ENOMEM; then nothing has changed. */
int wr_allowedips_add(struct wr_allowedips *table, const struct wr_prefix *prefix,
		      struct wr_peer *peer, struct wr_allowed_list *list,
		      struct wr_retire_list *retire) WR_MUST_CHECK;
/* Takes the prefix from `peer` if it has exactly it. */
void wr_allowedips_remove(struct wr_allowedips *table, const struct wr_prefix *prefix,
			  const struct wr_peer *peer, struct wr_retire_list *retire);
/* Takes all of a peer's; linear in their number. */
void wr_allowedips_remove_all(struct wr_allowedips *table, struct wr_allowed_list *list,
			      struct wr_retire_list *retire);

/* Any thread. The peer with the longest prefix that holds the address (4 or 16
 * bytes by family), or NULL. */
struct wr_peer *wr_allowedips_find(const struct wr_allowedips *table, enum wr_family family,
				   const uint8_t *address);
