/* The network map as a filter sees it: whose addresses are whose, who wears which marks, and the
 * rules. Both ways of enforcing are made of this.
 *
 * Floor 7.  One thread. */
#pragma once

#include "base/base.h"
#include "mesh/netmap.h"
#include "policy/guard.h"
#include "policy/policy.h"

/* Slots of a ruleset and a guard. */
#define WR_ENFORCE_SELF WR_GUARD_SELF
#define WR_ENFORCE_HUB 2
#define WR_ENFORCE_FIRST 3 /* of others */

/* What holds whatever the policy says, in front of it: pulses between members, and what members
 * ask the hub itself, which is no machine of the policy: ping and DNS (docs/hub.md). */
#define WR_ENFORCE_FRONT \
	"allow tag:member -> self udp 51819\n" \
	"allow self -> tag:member udp 51819\n" \
	"allow self -> tag:hub\n" \
	"allow tag:hub -> self icmp\n"

struct wr_enforce_host {
	uint32_t slot;
	const char *name; /* "self"; of others "": no rule speaks of it */
	const char *const *tags;
	size_t tag_count;
	struct wr_ip v4, v6;
	const struct wr_prefix *prefixes; /* its addresses and what is behind it */
	size_t prefix_count;
};

/* Keeps slots: a machine's flows go on when the map changes. */
struct wr_enforce_slots {
	struct wr_enforce_slot *items; /* by uid */
	size_t count;
};

struct wr_enforce_hosts {
	struct wr_policy *policy; /* with what is in front */
	struct wr_enforce_host *items;
	size_t count;
	uint32_t slot_count;
	/* What the hosts point to. */
	struct wr_prefix *prefixes;
	const char **tags;
	char (*tag_texts)[16];
};

/* 0; -EINVAL or -ENOMEM with one line. `slots` (all zero at first) is brought up to date. */
int wr_enforce_hosts_init(struct wr_enforce_hosts *hosts, struct wr_enforce_slots *slots,
			  const struct wr_netmap *map, char ret_why[200]) WR_MUST_CHECK;
void wr_enforce_hosts_done(struct wr_enforce_hosts *hosts);
void wr_enforce_slots_done(struct wr_enforce_slots *slots);

/* Puts them in force with a guard. 0 or -ENOMEM, then all is as before. */
int wr_enforce_guard(const struct wr_enforce_hosts *hosts, struct wr_guard *guard,
		     struct wr_retire_list *retire) WR_MUST_CHECK;

/* nftables (enforce_nft.c): the script for the kernel, a new string; `hosts` NULL: nothing passes.
 * NULL, and one line. */
char *wr_enforce_script(const struct wr_enforce_hosts *hosts, const char *interface,
			char ret_why[200]);
/* The name of the table; false for an interface whose name nft cannot be told. */
#define WR_ENFORCE_TABLE_LEN 32
bool wr_enforce_table(const char *interface, char ret_name[WR_ENFORCE_TABLE_LEN]);
