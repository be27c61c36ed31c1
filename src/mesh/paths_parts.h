/* The inside of paths.
 *
 * Floor 7, for this folder only. */
#pragma once

#include "base/heap.h"
#include "base/map.h"
#include "crypto/noise.h"
#include "mesh/paths.h"
#include "mesh/paths_socket.h"

/* A peer that has a tunnel of its own. */
struct member {
	struct wr_paths *paths;
	char uid[WR_NETMAP_UID_LEN + 1];
	struct wr_key key;
	struct wr_ip v4, v6;
	bool is_seen; /* while a map is taken: it is in it */
	struct wr_path *path;
	struct wr_heap_node due;

	/* What the backend showed last. */
	struct wr_endpoint endpoint; /* as it was set; for a backend that follows the peer */
	uint64_t tx_bytes, rx_bytes;
	uint64_t own_bytes; /* of pulses and probes, not seen in tx_bytes yet */
	struct wr_wall latest_handshake;
	struct wr_instant last_received, shook;
	struct wr_instant elsewhere; /* heard somewhere else than at the relay; 0: never */
	uint64_t rounds;             /* of probes, as seen last */

	/* Of a mesh: paths_relays.c. */
	struct wr_key relays[WR_PATHS_RELAYS];
	uint8_t relay_count, relay_used;
	bool is_relay;                /* of ours, or of somebody else's in the map */
	bool is_hasty;                /* a handshake that waits is to go again */
	struct wr_instant relay_left; /* the last one; 0: never */
	struct wr_endpoint shook_by;  /* the relay that passed the last handshake on; or none */
	struct wr_endpoint place;     /* of one that relays; family none: none */
	uint64_t spread;              /* what the backend was told, as a number; 0: nothing */

	/* As it was told last. */
	enum wr_path_state told_state;
	enum wr_path_reason told_reason;
	struct wr_endpoint told_endpoint;
};

struct ping {
	struct ping *next;
	struct member *member; /* NULL: it is answered with `error` */
	int error;
	uint32_t latency_us;
	bool is_sent;
	uint32_t sequence; /* of its first pulse */
	struct wr_instant again, end;
	void (*ponged)(void *context, int error, uint32_t latency_us);
	void *context;
};

struct wr_paths {
	uv_loop_t *loop;
	struct wr_paths_config config;
	struct wr_paths_socket socket;
	uv_timer_t timer;
	struct wr_instant armed; /* when the timer is due */
	unsigned open_handles;
	const struct wr_netmap *map; /* borrowed; NULL: none yet */
	struct wr_prefix *inside;    /* what the tunnel carries by the map: ranges and routes */
	size_t inside_count;
	struct wr_endpoint relay;
	struct wr_instant hub_shook; /* 0: never */
	bool is_hub_doubted;         /* as seen at the last look */
	struct wr_path_own own;
	struct wr_siphash_key secret; /* of the tables below */
	struct wr_map by_uid, by_key, by_ip;
	struct wr_map by_place;              /* those that relay, by where they are reached */
	bool is_mesh;                        /* the map has no hub */
	struct wr_key kept[WR_PATHS_RELAYS]; /* that relay for us */
	uint8_t kept_count;
	struct wr_heap due;
	struct wr_instant look_at; /* at the figures; WR_NEVER: nothing is to be seen */
	struct wr_instant looked;
	struct ping *pings;
	unsigned ping_count;
};

/* --- paths_members.c --- */
struct member *paths_find_uid(struct wr_paths *paths, const char *uid);
struct member *paths_find_key(const struct wr_paths *paths, const struct wr_key *key);
struct member *paths_find_ip(struct wr_paths *paths, const struct wr_ip *ip);
struct member *paths_next(struct wr_paths *paths, size_t *at);
/* Members are those of the map. */
void paths_take_map(struct wr_paths *paths);
/* All path machines anew. */
void paths_restart(struct wr_paths *paths);
void paths_forget(struct wr_paths *paths);
/* True if the member's tunnel may go there: not to the hub or to who relays, and not into itself.
 */
bool paths_is_outside(const struct member *member, const struct wr_endpoint *endpoint);
bool paths_is_relay(const struct wr_paths *paths, const struct wr_endpoint *endpoint);

/* --- paths_run.c --- */
/* The member's path is polled soon, from the timer. */
void paths_wake(struct member *member);
void paths_arm(struct wr_paths *paths);
void paths_run(struct wr_paths *paths);
/* `is_wanted`: also where there must be a handshake first. */
void paths_send_pulse(struct member *member, struct wr_instant now, bool is_wanted,
		      uint32_t *ret_sequence);
/* The backend has lost what it knew of the member's addresses, if it ever did. */
void paths_spread_anew(struct member *member);
/* Something authentic of it came from there. */
void paths_heard(struct member *member, const struct wr_endpoint *from);
void paths_received(void *context, const struct wr_ip *from, struct wr_bytes datagram);

/* --- paths_figures.c --- */
/* Looks at all peers now. */
void paths_look_now(struct wr_paths *paths, struct wr_instant now);
/* There may be traffic: look each second. */
void paths_look_soon(struct wr_paths *paths);
/* A session with the member may be alive. */
bool paths_has_session(const struct member *member, struct wr_instant now);

/* --- paths_relays_set.c --- */
/* Where one that relays is, what others send may come from, too. */
void paths_place(struct member *member, const struct wr_path_sight *sight);
/* The member that relays and is reached there; NULL: none is. */
const struct member *paths_relay_there(const struct wr_paths *paths,
				       const struct wr_endpoint *endpoint);
/* The member that passed on what came to us from there; NULL: nobody, it came from itself. */
const struct member *paths_relay_between(const struct member *member,
					 const struct wr_endpoint *from);
/* Before it is forgotten. */
void paths_displace(struct member *member);
/* After another map. */
void paths_review_relays(struct wr_paths *paths, struct wr_instant now);
void paths_wake_kept(struct wr_paths *paths, struct wr_instant now);

/* --- paths_relays.c --- */
void paths_choose_relay(struct member *member, struct wr_instant now);
/* Its traffic goes there from now on. */
void paths_switched(struct member *member, const struct wr_endpoint *to, struct wr_instant now);
/* Data went to it since the last look. */
void paths_watch_relay(struct member *member, struct wr_instant now);
/* Another path, or a session, with one that perhaps relays. */
void paths_relay_changed(struct member *relay, const struct wr_path_sight *sight);
void paths_relay_shook(struct member *relay);
/* It was heard through the relay, from that address of it. `is_answer`: its traffic goes there now.
 */
void paths_heard_by_relay(struct member *member, const struct member *relay,
			  const struct wr_endpoint *from, bool is_answer);

/* --- paths_ping.c --- */
/* After the path was told. */
void pings_answered(struct member *member, const struct wr_pulse *pulse);
void pings_run(struct wr_paths *paths, struct wr_instant now);
struct wr_instant pings_deadline(const struct wr_paths *paths);
void pings_forget(struct wr_paths *paths, struct member *member, int error);
