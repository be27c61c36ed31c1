/* What the host should be like, by the map: made once a map, compared often.
 *
 * Floor 7.  For reconcile*.c only. */
#pragma once

#include "base/base.h"
#include "mesh/netmap.h"

struct wr_want_peer {
	struct wr_key public_key;
	const struct wr_prefix *allowed; /* of the want's prefixes */
	size_t allowed_count;
	uint64_t sum; /* wr_backend_allowed_sum() of them */
	uint16_t keepalive;
	bool is_seen;  /* in this run */
	bool is_other; /* in this run: seen, but not so */
};

struct wr_want_route {
	struct wr_prefix to;
	bool is_range; /* the network's own; else what is behind a peer */
	bool is_taken; /* by the last run */
};

struct wr_want {
	struct wr_want_peer *peers; /* by key */
	size_t peer_count;
	struct wr_prefix *prefixes; /* all allowed-ips */
	struct wr_ip addresses[2];
	size_t address_count;
	struct wr_want_route *routes; /* by prefix */
	size_t route_count;
};

/* False where memory is short. */
bool wr_want_make(const struct wr_netmap *map, bool accepts_routes, uint16_t keepalive,
		  struct wr_want *ret_want) WR_MUST_CHECK;
void wr_want_done(struct wr_want *want);
/* NULL if there is none. */
struct wr_want_peer *wr_want_find(const struct wr_want *want, const struct wr_key *public_key);
