/* VXLAN interfaces over IPv6, and their forwarding tables: which Ethernet address is behind which
 * host.
 *
 * Floor 4.  Any thread, in the network namespace that it is in. The calls wait for the kernel's
 * rtnl lock.  Source: RFC 7348; rtnetlink(7); iproute2, ip/iplink_vxlan.c and bridge/fdb.c. */
#pragma once

#include "base/base.h"
#include "base/ip.h"

#define WR_MAC_ADDRESS_LEN 6

struct wr_vxlan_config {
	const char *name, *alias;
	uint32_t under; /* index of the interface that its packets go through */
	struct wr_ip local;
	uint32_t vni;
	uint16_t port;
	uint32_t mtu;
	uint32_t most; /* Ethernet addresses that it learns */
	uint8_t mac[WR_MAC_ADDRESS_LEN];
};

/* Makes one that learns, down; it goes with the interface below. 0, or a negative errno: -EEXIST
 * where the name is taken, or the number on this port; -EOPNOTSUPP where the kernel has none. */
int wr_vxlan_create(const struct wr_vxlan_config *config, uint32_t *ret_index) WR_MUST_CHECK;

/* An entry says: frames to `mac` go to host `to`. All zero is what has no entry, and broadcast:
 * these go to each host that has such an entry. */
struct wr_fdb_entry {
	uint8_t mac[WR_MAC_ADDRESS_LEN];
	struct wr_ip to;
	/* Where an entry has others than its interface: 0 else. Nothing is learnt so. */
	uint16_t port;
	uint32_t vni, interface;
	bool is_learnt; /* goes by itself after a time */
};

struct wr_fdb;

/* The table of an interface, over one socket. 0 or a negative errno. */
int wr_fdb_open(uint32_t index, struct wr_fdb **ret_fdb) WR_MUST_CHECK;
/* NULL is fine; returns NULL. */
struct wr_fdb *wr_fdb_close(struct wr_fdb *fdb);
/* Calls `see` with each entry; it must not change the table. 0, or a negative errno: -EINTR where
 * it was changed meanwhile, so that some may be missing. */
int wr_fdb_look(struct wr_fdb *fdb, void (*see)(void *context, const struct wr_fdb_entry *entry),
		void *context) WR_MUST_CHECK;
/* For good, beside others of the same Ethernet address. 0 or a negative errno. */
int wr_fdb_add(struct wr_fdb *fdb, const struct wr_fdb_entry *entry) WR_MUST_CHECK;
int wr_fdb_remove(struct wr_fdb *fdb, const struct wr_fdb_entry *entry) WR_MUST_CHECK;
