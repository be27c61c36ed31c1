/* The inside of a path.
 *
 * Floor 3.  Included by src/path/ only. */
#pragma once

#include "path/meter.h"
#include "path/path.h"

/* Candidates of the map and of pulses, and where the peer was heard besides. */
#define SPOTS 12
/* Most peers have two or three: room is made for so many at a time. */
#define SPOTS_STEP 2
#define SPOTS_LEARNED 3

enum {
	FROM_MAP = 1,
	FROM_PULSE = 2,
	FROM_PACKET = 4,
};

/* That a direct path was in vain is told for so long, in case pulses are lost. */
#define FELL_FOR WR_SPAN_S(4)

/* An address of the peer. */
struct spot {
	struct wr_endpoint endpoint;
	enum wr_candidate_kind kind;
	uint8_t sources;
	bool is_in_vain;         /* heard in this round, but it did not hear us */
	struct wr_instant heard; /* 0: never, as all below */
	struct wr_instant probed;
};

/* Of one round of probes. */
struct round {
	bool is_on;
	bool is_ours; /* we began it: the other side is asked to join */
	uint8_t bursts, probes;
	struct wr_instant begun;
	struct wr_instant first_heard; /* at a spot */
	struct spot *nominee;          /* heard, and the best so far */
	struct wr_instant nominated, next_check;
	struct wr_instant confirmed[2]; /* IPv4, IPv6: the peer heard us then, or later */
	bool is_joined;                 /* the peer went direct while it was on */
};

struct wr_path {
	struct wr_path_config config;
	enum wr_path_state state;
	enum wr_path_reason reason;
	struct wr_endpoint relay;
	struct wr_endpoint endpoint; /* where traffic goes */
	enum wr_candidate_kind kind;
	struct spot *spots; /* best first */
	uint8_t spot_count, spot_room;
	struct wr_meter meter;
	struct round round;
	uint64_t random;
	uint64_t probes, rounds;

	/* To be done by the caller. */
	bool has_switch, has_ask, has_answer;
	bool is_answer;    /* the pulse that is due only answers */
	uint16_t to_probe; /* a bit a spot */
	bool does_peer_follow;
	bool is_by_pulses; /* one of the two sides cannot be probed, or cannot probe, otherwise */
	bool is_visiting;  /* the endpoint is at a spot, for the time of a pulse */
	struct wr_instant visit_pulse, visit_end; /* 0: the pulse is sent */

	/* When. */
	struct wr_instant polled;
	struct wr_instant last_sent;  /* data; 0: never, as all below */
	struct wr_instant last_asked; /* the peer's pulse wanted an answer */
	struct wr_instant last_handshake;
	struct wr_instant last_heard; /* on the path in use */
	struct wr_instant last_pulse, last_told;
	struct wr_instant switched, fell; /* to a direct path, and back in vain */
	struct wr_instant round_after;    /* the next, while there is traffic */
	struct wr_instant gone_again;     /* to the direct path that is in use */
	uint8_t retries;
	uint8_t upgrades;
	struct wr_instant upgrade_after;

	/* Pulses that wait for an answer. */
	uint8_t unanswered;
	struct wr_instant waiting_since, waiting_last;
	struct wr_instant last_echo;   /* one of this path, answer or not, is known to have come */
	struct wr_instant alone_since; /* the peer's pulses say that it is not direct; 0: it is */
	bool is_doubted;               /* something says that the path is gone: less patience */

	/* The search for a way without a relay. */
	bool is_relay_doubted, is_searching;
	uint8_t search_at;
	struct wr_instant search_next, searched; /* the next turn, and when this one began */
	struct wr_instant last_alive;            /* something authentic came over the relay */

	/* Another address that the peer's packets come from, while traffic goes to this one. */
	struct wr_endpoint elsewhere;
	struct wr_instant elsewhere_first, elsewhere_last;
	uint8_t elsewhere_count;

	uint32_t number, joined; /* of our last round, and of the peer's last one */
	bool is_wished;          /* a round, as soon as it may begin */
	bool is_wish_ours;
	struct wr_instant join_full; /* when the peer may make us probe as often as at first */
};

/* --- spots.c --- */
/* Those that come from `source` are these from now on. True if one is new. */
bool spots_set(struct wr_path *path, uint8_t source, const struct wr_candidate *candidates,
	       size_t count);
struct spot *spots_find(const struct wr_path *path, const struct wr_endpoint *endpoint);
/* The spot of an address from which something authentic came. NULL if it cannot be one. */
struct spot *spots_hear(struct wr_path *path, const struct wr_endpoint *from,
			struct wr_instant now);
void spots_forget(struct wr_path *path, struct spot *spot);
/* How many may be probed: the best WR_PATH_CANDIDATES. */
size_t spots_usable(const struct wr_path *path);
/* True if a better kind than the path in use has is known, and it is for us to go there. */
bool spots_has_better(const struct wr_path *path);

/* --- round.c --- */
/* As soon as it may be. `is_ours`: the peer is to join. */
void round_wish(struct wr_path *path, bool is_ours, struct wr_instant now);
void round_end(struct wr_path *path, struct wr_instant now);
void round_advance(struct wr_path *path, struct wr_instant now);
struct wr_instant round_deadline(const struct wr_path *path);
void round_heard(struct wr_path *path, struct spot *spot, struct wr_instant now);
/* The peer asks, by a pulse; or something of it came directly, while we are not: then it is asked
 * too (`is_ours`). */
void round_join(struct wr_path *path, bool is_ours, struct wr_instant now);

/* --- watch.c: a direct path is watched by pulses --- */
void watch_advance(struct wr_path *path, struct wr_instant now);
struct wr_instant watch_deadline(const struct wr_path *path);
void watch_heard(struct wr_path *path, const struct wr_endpoint *from, struct wr_instant now);
/* A pulse of ours came there; it was sent then. */
void watch_echoed(struct wr_path *path, struct wr_instant sent);
void watch_asked(struct wr_path *path, struct wr_instant now);
/* `due`, or WR_NEVER if no data will have gone to the peer lately by then. */
struct wr_instant watch_if_busy(const struct wr_path *path, struct wr_instant due);

/* --- alone.c: without a relay --- */
/* True if to go where the peer was heard is better than to stay with the relay. */
bool alone_may_go(const struct wr_path *path, struct wr_instant now);
void alone_advance(struct wr_path *path, struct wr_instant now);
struct wr_instant alone_deadline(const struct wr_path *path);
/* A pulse of ours was answered; it was sent then. */
void alone_answered(struct wr_path *path, struct wr_instant sent, struct wr_instant now);

/* --- path.c --- */
void path_set_endpoint(struct wr_path *path, const struct wr_endpoint *endpoint);
void path_go_direct(struct wr_path *path, const struct spot *spot, struct wr_instant now);
void path_go_relayed(struct wr_path *path, enum wr_path_reason reason, struct wr_instant now);
/* WireGuard has one, as far as is known: what a probe or a pulse wants. */
bool path_has_session(const struct wr_path *path, struct wr_instant now);
void path_retry_later(struct wr_path *path, struct wr_instant now);
void path_retry_soon(struct wr_path *path, struct wr_instant now);
uint64_t path_random(struct wr_path *path);
static inline bool path_is_direct(const struct wr_path *path)
{
	return path->state == WR_PATH_DIRECT || path->state == WR_PATH_SUSPECT;
}
/* Traffic goes to a spot that is not known to be right: in its turn of the search; or where it went
 * before, for a path that fell without a relay has stayed there. */
static inline bool path_may_be_there(const struct wr_path *path)
{
	return path->is_searching || (path->config.is_mesh && path->state == WR_PATH_NONE);
}
/* Of the two sides, the one that chooses a pair of addresses for both: where one side's endpoint
 * follows the other, that cannot choose. */
static inline bool path_leads(const struct wr_path *path)
{
	bool do_we_follow = !path->config.can_probe;

	return do_we_follow == path->does_peer_follow ? path->config.is_first : !do_we_follow;
}
static inline bool has_address(const struct wr_endpoint *endpoint)
{
	return endpoint->ip.family != WR_FAMILY_NONE;
}
static inline bool is_set(struct wr_instant instant)
{
	return instant.ns != 0;
}
static inline struct wr_instant later(struct wr_instant a, struct wr_instant b)
{
	return a.ns > b.ns ? a : b;
}
static inline struct wr_span times(struct wr_span span, unsigned by)
{
	return (struct wr_span){ span.ns * by };
}
