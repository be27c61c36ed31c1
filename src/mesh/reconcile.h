/* Makes the host equal to the network map: the backend's peers, addresses and routes of the
 * interface, the filter, names. Compares desired with observed after every change and every few
 * seconds; what is so already is not touched; what differs is drift, and mended, whoever did it.
 *
 * Floor 7.  On the thread of its loop.  Nothing of the host is changed that is not put back by
 * wr_reconciler_free(): addresses and routes go with the interface, the nftables table is our own,
 * the block in /etc/hosts is marked. No default route, no forwarding, no resolver unasked.
 * Source: docs/agents.md. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "mesh/netmap.h"
#include "tunnel/backend.h"

enum wr_names_kind {
	WR_NAMES_OFF,
	WR_NAMES_AUTO,     /* systemd-resolved where it runs, else the hosts file */
	WR_NAMES_RESOLVED, /* resolvectl: the network's suffix only, to the hub's address */
	WR_NAMES_HOSTS
};

struct wr_reconciler_config {
	struct wr_backend *backend; /* borrowed */
	const char *interface;
	bool accepts_routes; /* subnet routes of other machines */
	enum wr_names_kind names;
	const char *hosts_file;      /* "/etc/hosts" */
	uint16_t keepalive;          /* towards the hub, seconds */
	struct wr_key preshared_key; /* of every peer; all zero: none */
	uint32_t mtu;                /* of the interface; 0: as it is */
	bool may_forward; /* where we are the router for something: forwarding is turned on */
	bool masquerade;  /* and what goes there comes from this host's own address */
	/* Called when drift was found and mended: one line each. May be NULL. */
	void (*drifted)(void *context, const char *what);
	void *context;
};

struct wr_reconciler;

/* 0 or a negative errno. */
int wr_reconciler_new(uv_loop_t *loop, const struct wr_reconciler_config *config,
		      struct wr_reconciler **ret_reconciler) WR_MUST_CHECK;
/* Puts back what it changed. Runs the loop until its handles are closed, so not from a callback.
 * NULL is fine; returns NULL. */
struct wr_reconciler *wr_reconciler_free(struct wr_reconciler *reconciler);

/* Another map (borrowed until the next); made so as soon as it can be. */
void wr_reconciler_set_map(struct wr_reconciler *reconciler, const struct wr_netmap *map);
/* Another backend after the first was gone; NULL: there is none now, so nothing is done. */
void wr_reconciler_set_backend(struct wr_reconciler *reconciler, struct wr_backend *backend);
/* Addresses beside the hub's that are to be reached outside of the network: the server's. No
 * subnet route over them is taken. Copied; of more than WR_RECONCILER_OUTSIDE the first. */
#define WR_RECONCILER_OUTSIDE 16
void wr_reconciler_set_outside(struct wr_reconciler *reconciler, const struct wr_ip *ips,
			       size_t count);
/* Peers of the map to which WireGuard sends keepalives, so that a NAT in front of us lets them in:
 * those that relay for us. Copied; of more than WR_RECONCILER_KEPT the first. */
#define WR_RECONCILER_KEPT 4
void wr_reconciler_set_kept(struct wr_reconciler *reconciler, const struct wr_key *keys,
			    size_t count);
/* Looks now. */
void wr_reconciler_run(struct wr_reconciler *reconciler);
/* True if the network carries what goes to the address: then it is no place for a tunnel's own
 * packets to go to. */
bool wr_reconciler_carries(const struct wr_reconciler *reconciler, const struct wr_ip *ip);

struct wr_reconciler_sight {
	uint64_t runs, mended; /* mended: things that were not as they should */
	uint64_t operations;   /* things that were changed, for whatever reason */
	struct wr_instant last_run;
	int error;         /* of the last run; 0: all is as it should be */
	char trouble[200]; /* what is not, and why; "" */
};
void wr_reconciler_look(const struct wr_reconciler *reconciler,
			struct wr_reconciler_sight *ret_sight);

/* What a WireGuard peer of the map is given: allowed-ips of a peer of its own, or of the hub
 * (all that goes through it). As many as there are; to be freed by the caller. */
int wr_netmap_allowed(const struct wr_netmap *map, const struct wr_netmap_peer *peer,
		      bool accepts_routes, struct wr_prefix **ret_allowed, size_t *ret_count)
	WR_MUST_CHECK;
