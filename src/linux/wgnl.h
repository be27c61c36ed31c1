/* The kernel's WireGuard: settings of one interface, and what it says of its peers, over generic
 * netlink.
 *
 * Floor 4.  One thread, in the network namespace in which it was opened. Messages as long as needed
 * are divided; what holds keys is wiped.  Source: linux/wireguard.h; kernel netlink.c. */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "base/key.h"

struct wr_wgnl;

/* 0, or a negative errno: -EOPNOTSUPP where the kernel has none. */
int wr_wgnl_open(struct wr_wgnl **ret_wireguard) WR_MUST_CHECK;
/* NULL is fine; returns NULL. */
struct wr_wgnl *wr_wgnl_free(struct wr_wgnl *wireguard);

/* What is to be of a peer; what is NULL (or -1) stays as it is. */
struct wr_wgnl_peer {
	struct wr_key public_key;
	bool is_removed;
	bool is_known; /* nothing is done if it is not there */
	bool replaces_allowed;
	const struct wr_key *preshared_key; /* all zero: none */
	const struct wr_endpoint *endpoint; /* its local side is the kernel's choice */
	int32_t keepalive;                  /* seconds; -1 */
	const struct wr_prefix *allowed;    /* taken from whichever peer has them */
	size_t allowed_count;
};

struct wr_wgnl_settings {
	const struct wr_key *private_key;
	int32_t port; /* -1 */
	const uint32_t *mark;
	const struct wr_wgnl_peer *peers; /* one after the other */
	size_t peer_count;
};

/* In one message where it fits, and then all at once; else what a message says is done before the
 * next. 0, or a negative errno: -ENODEV, -EPERM, -EADDRINUSE (the port, while it is up). */
int wr_wgnl_set(struct wr_wgnl *wireguard, uint32_t index, const struct wr_wgnl_settings *settings)
	WR_MUST_CHECK;

/* A number that lists of prefixes share if they are the same in any order, and hardly any others:
 * the sum of their hashes, so sums of parts add up. */
uint64_t wr_wgnl_sum(const struct wr_prefix *prefixes, size_t count);

/* The same of a preshared key, which it does not tell; of none (all zero): 0. */
uint64_t wr_wgnl_key_sum(const struct wr_key *key);

/* A peer, or more allowed-ips of the one before. */
struct wr_wgnl_sight {
	struct wr_key public_key;
	bool is_more;                    /* then only the last two members say something */
	struct wr_endpoint endpoint;     /* family none: not known */
	struct wr_wall latest_handshake; /* 0: never */
	uint64_t rx_bytes, tx_bytes;
	uint16_t keepalive;
	uint64_t preshared_sum; /* wr_wgnl_key_sum() of the preshared key */
	size_t allowed_count;
	uint64_t allowed_sum; /* wr_wgnl_sum() of them */
};

/* Calls `see` for each; the port, if it is not NULL, is the interface's. 0, or a negative errno:
 * -EINTR if something changed meanwhile, so that some may be missing: ask again. */
int wr_wgnl_look(struct wr_wgnl *wireguard, uint32_t index, uint16_t *ret_port,
		 void (*see)(void *context, const struct wr_wgnl_sight *sight), void *context)
	WR_MUST_CHECK;
