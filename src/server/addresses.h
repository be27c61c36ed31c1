/* Addresses of an organisation's machines: the next that is free, those that are asked
 * for, and a rest of 24 hours for those that were let go.
 *
 * A machine's place in its range is its host number: 0 is the network, 1 the hub, 2 the
 * first machine; both families have the same unless it was asked otherwise. The
 * organisation's row keeps `next_host`, below which nothing is free, so that a
 * machine is added without a look at the others.
 *
 * Floor 8.  On the ledger's thread, within an entry; the texts are pure.
 * Source: docs/hub.md, "Addresses". */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "store/db.h"

#define WR_ADDRESS_REST INT64_C(86400) /* seconds */
/* Addresses that rest in an organisation; beyond these the oldest are free again. */
#define WR_ADDRESS_RESTING 70000

/* Ranges of an organisation, addresses of a machine: family none where it has none. */
struct wr_range {
	struct wr_prefix v4, v6;
};
struct wr_addresses {
	struct wr_ip v4, v6;
};

#define WR_HOST_HUB 1
#define WR_HOST_NONE UINT64_MAX /* not in the range, or beyond 64 bits of it */
/* The number of an address in its range, and the address of a number (that is in the range). */
uint64_t wr_address_host(const struct wr_prefix *range, const struct wr_ip *ip);
struct wr_ip wr_address_at(const struct wr_prefix *range, uint64_t host);
/* The address is in the range, and for a machine: neither the network's, nor the hub's, nor (IPv4)
 * the broadcast address. */
bool wr_address_is_for_machine(const struct wr_prefix *range, const struct wr_ip *ip);

/* The last number that a machine may have; below 2^62, so that sums stay numbers of SQL. */
uint64_t wr_address_last(const struct wr_prefix *range);
/* True if some address is in both. */
bool wr_address_overlaps(const struct wr_prefix *a, const struct wr_prefix *b);

/* Fills what has family none in *addresses (what was asked for stays) for each family that the
 * range has, and ends the rest of what it takes. 0; -EADDRNOTAVAIL: asked for, and not for a
 * machine in this range; -EADDRINUSE: asked for, and another machine's; -EXFULL: none is left; or
 * another negative errno of the database. */
int wr_addresses_choose(struct wr_db *db, int64_t org, const struct wr_range *range, int64_t now,
			struct wr_addresses *addresses) WR_MUST_CHECK;
/* Lays the addresses of a machine that was removed to rest. */
int wr_addresses_release(struct wr_db *db, int64_t org, const struct wr_addresses *addresses,
			 int64_t now) WR_MUST_CHECK;

/* As a column of 4 or 16 bytes; NULL for family none. */
struct wr_value wr_address_value(const struct wr_ip *ip);
/* From such a column; family none for NULL. */
struct wr_ip wr_address_column(const struct wr_row *row, unsigned column);
