/* The agent from inside: one struct, from which all state hangs.
 *
 * Floor 9, for this folder only. The loop's thread. */
#pragma once

#include <jansson.h>
#include <uv.h>

#include "agent/agent.h"
#include "agent/channel.h"
#include "agent/datagrams.h"
#include "agent/state.h"
#include "agent/uplink.h"
#include "base/base.h"
#include "http/server.h"
#include "mesh/netmap.h"
#include "node/node.h"

/* Random, of this process: tells two copies of one disk apart. */
#define WR_INSTANCE_LEN 32

/* Persistent keepalive towards the hub, in seconds: a member that is gone is shown so within 10 s,
 * at some 650 KB a day. */
#define WR_HUB_KEEPALIVE 8

struct wr_agent {
	uv_loop_t *loop;
	struct wr_agent_config config;
	struct wr_state state;
	char *map_path, *socket_path;
	int lock_fd; /* of the state folder */
	char instance[WR_INSTANCE_LEN + 1];

	struct wr_node *node; /* NULL while it is opened and closed */
	struct wr_channel *channel;
	struct wr_uplink *uplink;
	struct wr_datagrams *datagrams; /* over the channel */

	bool is_map_cached; /* from the disk; the server has not spoken yet */

	/* The server. */
	char server_version[32];
	char trouble[200];  /* why the channel is not open, or what it was refused for; "" */
	char refusal[32];   /* reason of a refusal; "" */
	bool is_held;       /* the server is behind what we know: its maps are not obeyed */
	bool accepts_older; /* until the next map: somebody said that it may */
	bool was_welcome;   /* once, at least */
	bool wants_whole;   /* the next hello asks for the whole map */

	uint64_t clock_offset;   /* of the time of day from that since boot */
	uv_timer_t tick;         /* what is looked at from time to time */
	uv_timer_t report_timer; /* a report is due */
	struct wr_instant reported;
	uv_timer_t keep_timer; /* the map is to be written */
	uv_work_t keep_work;
	char *keep_text; /* the pool's, while it writes */
	int keep_error;
	bool is_keeping, is_map_unkept;
	bool is_working; /* one call to the server at a time */
	unsigned open_things;
};

/* --- calls.c: what people ask, of an agent alone --- */
extern const struct wr_node_call wr_agent_calls[];
extern const size_t wr_agent_call_count;
/* The status: server and hub. */
void wr_agent_describe(void *context, json_t *status);

/* --- outlook.c: the way out --- */
int wr_agent_open_uplink(struct wr_agent *agent) WR_MUST_CHECK;
int wr_agent_open_channel(struct wr_agent *agent) WR_MUST_CHECK;
void wr_agent_start_tick(struct wr_agent *agent);
/* The hub's peer, and the relay of all others, are where the uplink says. */
void wr_agent_tell_hub_endpoint(struct wr_agent *agent);
void wr_agent_network_changed(void *context);

/* --- intake.c: what the server says --- */
json_t *wr_intake_hello(void *context);
void wr_intake_received(void *context, const char *type, const json_t *message);
/* Takes the map. */
void wr_agent_set_map(struct wr_agent *agent, struct wr_netmap *map);
/* The server's map is obeyed even if it is older than what we know. */
void wr_agent_accept_older(struct wr_agent *agent);

/* --- keep.c: the map on the disk --- */
/* The map is another one: within a few seconds. */
void wr_agent_keep_map_soon(struct wr_agent *agent);
/* What is not on the disk yet, now; runs the loop, so not from a callback. */
void wr_agent_keep_map_now(struct wr_agent *agent);

/* --- report.c: what the server is told --- */
/* Something is to be told: soon, with what else comes; or now. */
void wr_agent_report_soon(struct wr_agent *agent);
void wr_agent_report_now(struct wr_agent *agent);
void wr_agent_report_due(uv_timer_t *timer);

/* --- member.c: calls to the server on the thread pool --- */
/* Another WireGuard key; `done` gets 0 or a negative errno and one line. -EBUSY: one call is
 * under way. */
int wr_agent_rotate(struct wr_agent *agent, void (*done)(void *context, int error, const char *why),
		    void *context);
/* A key that was on its way when we ended is ours, if the server has it. */
void wr_agent_settle_key(struct wr_agent *agent, const struct wr_key *public_key);
/* Tells the server what we offer to be the router for. */
void wr_agent_offer_routes(struct wr_agent *agent);
/* Other ranges from now on: an array of texts. 0, or -EINVAL: one of them is no range. */
int wr_agent_change_routes(struct wr_agent *agent, const json_t *routes) WR_MUST_CHECK;
