/* How the hub is reached: over UDP; or, where that is blocked, over the channel, by way of a
 * loopback address that stands for the hub's port.
 *
 * UDP counts as blocked when no handshake with the hub comes about while the channel is open,
 * or when the hub says over the channel that it hears nothing. From then on a STUN request a
 * minute looks whether it works again.
 *
 * Floor 9.  On the thread of its loop.  Source: docs/agents.md, "Where UDP is blocked". */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "base/ip.h"

struct wr_uplink_config {
	/* The hub is reached there from now on. */
	void (*moved)(void *context, const struct wr_endpoint *endpoint, bool is_over_channel);
	void *context;
};

struct wr_uplink;

/* NULL where memory is short. */
struct wr_uplink *wr_uplink_new(uv_loop_t *loop, const struct wr_uplink_config *config);
/* Its handles are closed when the loop has run; NULL is fine. Returns NULL. */
struct wr_uplink *wr_uplink_free(struct wr_uplink *uplink);

/* The hub's addresses, as the map has them: IPv4, IPv6; family none where it has none. */
void wr_uplink_set_hub(struct wr_uplink *uplink, const struct wr_endpoint endpoints[2],
		       struct wr_instant now);
/* The address that stands for it; family none: there is none, and UDP it is. */
void wr_uplink_set_stand_in(struct wr_uplink *uplink, const struct wr_endpoint *stand_in);
void wr_uplink_set_channel(struct wr_uplink *uplink, bool is_open, struct wr_instant now);
/* The hub says over the channel that it hears nothing of us. */
void wr_uplink_is_silent(struct wr_uplink *uplink, struct wr_instant now);
/* This host's network changed: UDP is tried anew. */
void wr_uplink_network_changed(struct wr_uplink *uplink, struct wr_instant now);
/* What is seen of the hub's peer; each few seconds. */
void wr_uplink_look(struct wr_uplink *uplink, struct wr_wall latest_handshake,
		    struct wr_instant now);

/* Family none: nowhere. */
struct wr_endpoint wr_uplink_endpoint(const struct wr_uplink *uplink);
bool wr_uplink_is_over_channel(const struct wr_uplink *uplink);
/* A handshake with the hub was through lately, and the hub does not say that it hears nothing. */
bool wr_uplink_is_connected(const struct wr_uplink *uplink);
