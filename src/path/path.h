/* The path to one peer: which of its candidate addresses traffic goes to, and when it goes
 * through the relay.
 *
 *     relayed (at once) -> probing -> direct -> suspect -> relayed
 *
 * Traffic flows over the relay from the first packet. Both sides probe at the same time: when
 * a handshake is through (both know it within a round trip), and when one of them asks the other
 * by a pulse (wire/pulse.h). A path is direct when something authentic came over it, and the
 * other side said the same of the way there.
 *
 * Sans-I/O.  Floor 3.  One thread.  Source: docs/architecture.md, "Paths"; RFC 8445. */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "wire/pulse.h"

#define WR_PATH_CANDIDATES 8
/* Of one round of probing: punching must not fill NAT tables. */
#define WR_PATH_PROBES 32

enum wr_candidate_kind {
	WR_CANDIDATE_LOCAL,    /* an address of an interface: the same LAN */
	WR_CANDIDATE_GLOBAL,   /* a global IPv6 (or public IPv4) address of an interface */
	WR_CANDIDATE_OBSERVED, /* as the hub, or another peer, sees it */
	WR_CANDIDATE_MAPPED,   /* NAT-PMP, PCP or UPnP */
	WR_CANDIDATE_KINDS
};

struct wr_candidate {
	enum wr_candidate_kind kind;
	struct wr_endpoint endpoint;
};

enum wr_path_state {
	WR_PATH_NONE,    /* no way at all: no relay, no candidate */
	WR_PATH_RELAYED, /* over the relay */
	WR_PATH_PROBING, /* the same, and a round of probes is under way */
	WR_PATH_DIRECT,
	WR_PATH_SUSPECT, /* direct, but nothing came back for what was sent */
};

/* Why it is not direct; for people ("warren ping" says it). */
enum wr_path_reason {
	WR_PATH_REASON_NONE,
	WR_PATH_REASON_NOT_TRIED, /* no round has ended yet */
	WR_PATH_REASON_POLICY,    /* the map allows the relay only */
	WR_PATH_REASON_NO_CANDIDATES,
	WR_PATH_REASON_SILENT,  /* nothing came over any candidate */
	WR_PATH_REASON_ONE_WAY, /* it heard us, or we heard it, but not both */
	WR_PATH_REASON_LOST,    /* was direct, and went silent */
	WR_PATH_REASONS
};

struct wr_path_config {
	bool may_be_direct;   /* by the policy's topology */
	bool can_probe;       /* the backend can send to a second address (the engine); the kernel's
			       * WireGuard cannot: then candidates are tried one after the other by
			       * moving the endpoint there and back, in step with the other side */
	bool is_first;        /* of the two sides, by public key: breaks ties */
	uint64_t jitter_seed; /* random: of the retries, and the number of this life in pulses */
	/* A network without a hub: there may be no relay, and hardly any traffic, which is to cost
	 * little. While there is no session, handshakes go to all candidates at once where the
	 * backend can (wr_path_spots()), and the answer decides (wr_path_answered()); else to one
	 * after the other, quickly. A handshake alone is no reason for pulses. */
	bool is_mesh;
	const struct wr_path_own *own; /* borrowed; may change at any time; NULL: none */
};

/* This host's candidates, to be told to the peer. */
struct wr_path_own {
	size_t count;
	struct wr_candidate candidates[WR_PATH_CANDIDATES];
};

struct wr_path;

struct wr_path *wr_path_new(const struct wr_path_config *config, struct wr_instant now);
struct wr_path *wr_path_free(struct wr_path *path);

/* --- What happens. --- */
/* The relay's address; family none: there is none. */
void wr_path_set_relay(struct wr_path *path, const struct wr_endpoint *relay,
		       struct wr_instant now);
/* Where traffic goes directly is the address of somebody else, who relays: that was not known. */
void wr_path_disown(struct wr_path *path, struct wr_instant now);
/* The peer's candidates, as many as WR_PATH_CANDIDATES are kept, best first; new ones begin a
 * round. */
void wr_path_set_candidates(struct wr_path *path, const struct wr_candidate *candidates,
			    size_t count, struct wr_instant now);
void wr_path_set_may_be_direct(struct wr_path *path, bool may, struct wr_instant now);
/* A handshake with the peer is through. */
void wr_path_handshake(struct wr_path *path, struct wr_instant now);
/* Something authentic came from there. */
void wr_path_heard(struct wr_path *path, const struct wr_endpoint *from, struct wr_instant now);
/* Something authentic came through whoever relays. */
void wr_path_heard_relayed(struct wr_path *path, struct wr_instant now);
/* In a mesh: a handshake with the peer goes that way and back, and its traffic is there already. */
void wr_path_answered(struct wr_path *path, const struct wr_endpoint *from, struct wr_instant now);
/* Data went to the peer, so something must come back (keepalives and pulses see to that). */
void wr_path_sent(struct wr_path *path, struct wr_instant now);
/* Something authentic came, from where traffic goes (the backend tells of the rest by heard). */
void wr_path_alive(struct wr_path *path, struct wr_instant now);
/* The relay's host is not heard of either (or it is again): without a session and without an
 * answer, addresses of the peer are tried as if there were no relay. */
void wr_path_doubt_relay(struct wr_path *path, bool is_doubted);
/* The peer asks to probe now. */
void wr_path_asked(struct wr_path *path, struct wr_instant now);
/* The peer says that something of ours came to it directly, from this address of ours, at `since`
 * (our clock) or later. wr_path_told() calls it for what a pulse says. */
void wr_path_confirmed(struct wr_path *path, const struct wr_endpoint *ours,
		       struct wr_instant since, struct wr_instant now);
/* A pulse of the peer came. */
void wr_path_told(struct wr_path *path, const struct wr_pulse *pulse, struct wr_instant now);
/* This host's network changed (addresses, a resume): begin again, quickly. */
void wr_path_moved(struct wr_path *path, struct wr_instant now);

/* --- What to do. --- */
enum wr_path_action {
	WR_PATH_SWITCH, /* traffic goes to `endpoint` from now on */
	WR_PATH_PROBE,  /* send something authentic to `endpoint` */
	WR_PATH_ASK,    /* send the peer the pulse that wr_path_tell() makes, over the tunnel */
};
struct wr_path_step {
	enum wr_path_action action;
	struct wr_endpoint endpoint;
};
/* True if there is something to do now; call again until false. */
bool wr_path_poll(struct wr_path *path, struct wr_instant now, struct wr_path_step *ret_step)
	WR_MUST_CHECK;
struct wr_instant wr_path_deadline(const struct wr_path *path);
/* Where the peer may be reached directly, best first; how many. */
size_t wr_path_spots(const struct wr_path *path, struct wr_endpoint ret[WR_PATH_CANDIDATES]);
/* The pulse of WR_PATH_ASK, or one that is sent for another reason (which asks for an answer). */
void wr_path_tell(struct wr_path *path, struct wr_instant now, struct wr_pulse *ret_pulse);

/* --- What is. --- */
struct wr_path_sight {
	enum wr_path_state state;
	enum wr_path_reason reason;   /* while not direct */
	struct wr_endpoint endpoint;  /* where traffic goes; family none: nowhere */
	enum wr_candidate_kind kind;  /* of a direct one */
	bool is_searching;            /* the endpoint is one that is tried, for a session */
	struct wr_instant last_heard; /* on the path in use; 0: never */
	uint64_t probes, rounds;
	uint32_t unanswered; /* pulses, in a row; the first was sent then: */
	struct wr_instant waiting_since;
	struct wr_instant last_pulse; /* of the peer; 0: never */
	uint32_t latency_us;          /* round trip, smoothed; 0: not known */
	uint32_t trip_us;             /* the last one */
	uint32_t loss_permille;       /* both ways together, of the last 32 pulses */
};
void wr_path_look(const struct wr_path *path, struct wr_path_sight *ret_sight);
/* How the peer is known to be at an address. */
enum wr_path_claim {
	WR_PATH_UNKNOWN,
	WR_PATH_CAME_FROM, /* packets of it did */
	WR_PATH_NAMED,     /* it says so, in the map or by a pulse */
};
enum wr_path_claim wr_path_claim(const struct wr_path *path, const struct wr_endpoint *endpoint);
/* "relayed", "direct"; "no candidates of the other side". */
const char *wr_path_state_name(enum wr_path_state state);
const char *wr_path_reason_text(enum wr_path_reason reason);
const char *wr_candidate_kind_name(enum wr_candidate_kind kind);
/* False if it is none of the names. */
bool wr_candidate_kind_parse(const char *name, enum wr_candidate_kind *ret_kind) WR_MUST_CHECK;
