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
#include "mesh/paths.h"
#include "mesh/reconcile.h"
#include "tunnel/backend.h"

struct wr_address_watch;
struct wr_netcheck_call;
struct wr_portmap;

/* Random, of this process: tells two copies of one disk apart. */
#define WR_INSTANCE_LEN 32

/* Persistent keepalive towards the hub, in seconds: a member that is gone is shown so within 10 s,
 * at some 650 KB a day. */
#define WR_HUB_KEEPALIVE 8

/* Of a tunnel within 1,500 bytes: less what WireGuard, UDP and IPv6 take. */
#define WR_TUNNEL_MTU 1420

struct wr_agent {
	uv_loop_t *loop;
	struct wr_agent_config config;
	struct wr_state state;
	char *map_path, *socket_path;
	int lock_fd; /* of the state folder */
	char instance[WR_INSTANCE_LEN + 1];

	struct wr_backend *backend; /* NULL while the interface is gone */
	struct wr_reconciler *reconciler;
	struct wr_paths *paths;
	struct wr_channel *channel;
	struct wr_uplink *uplink;
	struct wr_datagrams *datagrams; /* over the channel */
	struct wr_http_server *control;
	struct wr_address_watch *addresses;
	struct wr_portmap *portmap;
	struct wr_netcheck_call *netcheck; /* one at a time; NULL: none */

	struct wr_netmap *map; /* NULL: none yet */
	bool is_map_cached;    /* from the disk; the server has not spoken yet */

	struct wr_path_own own; /* candidates */

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
	uv_async_t reopen; /* the backend is to be opened again */
	bool reopens;      /* the same: in wr_agent_turn() */
	uv_work_t work;    /* one call to the server at a time */
	bool is_working;
	bool is_ending; /* told `ended` */
	unsigned open_things;
};

/* --- agent.c --- */
/* Ends, once; `error` as of wr_agent_config.ended. */
void wr_agent_quit(struct wr_agent *agent, int error);

/* --- interface.c --- */
int wr_agent_open_backend(struct wr_agent *agent, char ret_why[200]) WR_MUST_CHECK;
/* Asks for wr_agent_turn(). */
void wr_agent_reopen(uv_async_t *async);

/* --- outlook.c: the way out --- */
int wr_agent_open_uplink(struct wr_agent *agent) WR_MUST_CHECK;
int wr_agent_open_channel(struct wr_agent *agent) WR_MUST_CHECK;
void wr_agent_start_tick(struct wr_agent *agent);
/* The hub's peer, and the relay of all others, are where the uplink says. */
void wr_agent_tell_hub_endpoint(struct wr_agent *agent);

/* --- intake.c: what the server says --- */
json_t *wr_intake_hello(void *context);
void wr_intake_received(void *context, const char *type, const json_t *message);
/* Takes the map. */
void wr_agent_set_map(struct wr_agent *agent, struct wr_netmap *map);
/* Tells the map that there is to those who make the host equal to it. */
void wr_agent_use_map(struct wr_agent *agent);
/* The server's map is obeyed even if it is older than what we know. */
void wr_agent_accept_older(struct wr_agent *agent);

/* --- report.c: what the server is told --- */
/* Something is to be told: soon, with what else comes; or now. */
void wr_agent_report_soon(struct wr_agent *agent);
void wr_agent_report_now(struct wr_agent *agent);
void wr_agent_report_due(uv_timer_t *timer);

/* --- candidates.c: where we may be reached --- */
int wr_agent_watch_addresses(struct wr_agent *agent) WR_MUST_CHECK;
void wr_agent_unwatch_addresses(struct wr_agent *agent);
void wr_agent_gather(struct wr_agent *agent);
/* The interface and its port are there, perhaps others than before. */
void wr_agent_backend_opened(struct wr_agent *agent);

/* --- control.c, status.c: what people ask --- */
int wr_agent_open_control(struct wr_agent *agent, char ret_why[200]) WR_MUST_CHECK;
/* Answers; takes the object. Or refuses, with one line. */
void wr_control_answer(struct wr_http_request *request, unsigned status, json_t *object);
void wr_control_refuse(struct wr_http_request *request, unsigned status, const char *detail);
json_t *wr_agent_status(struct wr_agent *agent);
/* One peer as the status has it, and as reports have it; NULL where memory is short. */
json_t *wr_agent_peer_status(struct wr_agent *agent, const struct wr_netmap_peer *peer);
json_t *wr_agent_peer_report(const struct wr_netmap_peer *peer, const struct wr_paths_sight *sight);
/* By name, machine, address; NULL if there is none. */
const struct wr_netmap_peer *wr_agent_find_peer(const struct wr_agent *agent, const char *word);

/* --- netcheck_call.c --- */
void wr_agent_get_netcheck(struct wr_agent *agent, struct wr_http_request *request);
void wr_agent_cancel_netcheck(struct wr_agent *agent);

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
