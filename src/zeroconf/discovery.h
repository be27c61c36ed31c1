/* Finding members on the LANs of this host: knocks (wire/knock.h) by multicast, IPv4 and IPv6, on
 * every interface that can, again and again with growing pauses, and anew when the network changes.
 *
 * It judges what comes (discovery_judge.h), and tells only of knocks that are good. Knocks that
 * came to WireGuard's own port are handed to it.
 *
 * Floor 9.  On the thread of its loop.  Source: docs/mesh.md, "Knocks". */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "wire/knock.h"
#include "wire/mesh_key.h"

#define WR_DISCOVERY_PORT 51818
#define WR_DISCOVERY_GROUP4 "239.255.87.78"
#define WR_DISCOVERY_GROUP6 "ff02::5752:4e"
/* Identities whose newest knock is remembered; of more, the longest unheard gives way. */
#define WR_DISCOVERY_KNOWN 4096

struct wr_discovery_config {
	const struct wr_mesh_keys *keys; /* borrowed */
	struct wr_key seed;              /* of our identity; copied */
	uint64_t epoch;
	bool has_lan;     /* false: no multicast, only what is handed to it and sent by it */
	const char *skip; /* our own interface, may be NULL */
	/* Sends a knock from WireGuard's own port, where answers are heard, too. NULL where that
	 * cannot be done: then both are done by a port of our own, told as knock port. */
	int (*send)(void *context, struct wr_bytes datagram, const struct wr_endpoint *to);
	uint16_t own_port; /* the one that is wanted, if it is free; 0: any */
	/* A good one came from there: WireGuard is at the same address and knock->port. Of one
	 * announcement, once for each interface and family that connects us. */
	void (*knocked)(void *context, const struct wr_knock *knock,
			const struct wr_endpoint *from);
	/* Before that: false if who asks there knows us, and needs no answer. NULL: nobody does. */
	bool (*is_news)(void *context, const struct wr_knock *knock,
			const struct wr_endpoint *from);
	void *context;
};

struct wr_discovery;

/* 0; or a negative errno with one line in `ret_why` (200 bytes). No interface that can is fine: it
 * waits for one, and wr_discovery_look() says so. */
int wr_discovery_open(uv_loop_t *loop, const struct wr_discovery_config *config,
		      struct wr_discovery **ret_discovery, char ret_why[200]) WR_MUST_CHECK;
/* Handles close in the loop's next turns. NULL is fine; returns NULL. */
struct wr_discovery *wr_discovery_close(struct wr_discovery *discovery);

/* WireGuard's port, as announced: it begins to announce. */
void wr_discovery_set_port(struct wr_discovery *discovery, uint16_t port);
/* Announces from the beginning: quickly at first. */
void wr_discovery_hurry(struct wr_discovery *discovery);
/* How many members there are: of many, only some answer one that asks. */
void wr_discovery_set_size(struct wr_discovery *discovery, size_t members);
/* A datagram that came to WireGuard's port. */
void wr_discovery_take(struct wr_discovery *discovery, struct wr_bytes datagram,
		       const struct wr_endpoint *from);
/* Where knocks are heard, if not on WireGuard's port; else 0. */
uint16_t wr_discovery_own_port(const struct wr_discovery *discovery);
/* Knocks there, and asks for an answer. */
int wr_discovery_knock(struct wr_discovery *discovery, const struct wr_endpoint *to);

struct wr_discovery_figures {
	unsigned interfaces;     /* that it announces on */
	uint64_t sent, received; /* knocks */
	uint64_t good, foreign;  /* foreign: of other meshes */
	/* Refused. Our own, which come back to us, are in no figure. */
	uint64_t malformed, forged, replayed, limited;
};
void wr_discovery_look(const struct wr_discovery *discovery,
		       struct wr_discovery_figures *ret_figures);
