/* Membership without a server: who is in the mesh, alive or not, and the items (wire/item.h) that
 * all members share. SWIM with indirect probes and suspicion, Lifeguard's local health, updates
 * that ride along, and anti-entropy that sends only what differs.
 *
 * Sans-I/O: frames come in with the identity of the member whose tunnel they came through, and go
 * out to identities; how to reach those is the caller's. Deterministic: the same calls with the
 * same seed give the same outputs.
 *
 * Floor 3.  One thread.  Bounded: WR_GOSSIP_MEMBERS members, a frame of WR_FRAME_MAX_LEN, a budget
 * of bytes a second.  Source: SWIM (Das et al., 2002); Lifeguard (Dadgar et al., 2017); range-based
 * set reconciliation (Meyer, 2022); docs/mesh.md, "Gossip". */
#pragma once

#include "base/base.h"
#include "base/key.h"
#include "wire/frame.h"
#include "wire/item.h"

#define WR_GOSSIP_MEMBERS 20000

/* Bytes of an item, immutable and counted: a simulator shares them among its members
 * (gossip/blob.h). */
struct wr_gossip_blob;

struct wr_gossip_timing {
	struct wr_span probe;      /* a member a period: 750 ms */
	struct wr_span probe_wait; /* then others are asked, too: 450 ms; four times that in all */
	unsigned indirect;         /* how many others: 3 */
	unsigned suspicion_factor; /* of log10 of the members, in periods: 4 */
	struct wr_span spread;     /* while there is something to spread: 200 ms */
	unsigned fanout;           /* to so many at a time: 3 */
	struct wr_span sync;       /* anti-entropy with one: 30 s; at once where much differs */
	struct wr_span revisit;    /* one of the dead is tried: 10 s */
	struct wr_span forget;     /* the dead and those that left: 24 h */
	uint32_t bytes_per_second; /* on the wire, but for handshakes: 60 KiB */
};
/* The above. */
struct wr_gossip_timing wr_gossip_timing(void);

enum wr_gossip_status {
	WR_GOSSIP_ALIVE,
	WR_GOSSIP_SUSPECT,  /* somebody had no answer: it still counts as alive */
	WR_GOSSIP_DEAD,     /* nobody had, and it did not object */
	WR_GOSSIP_LEFT,     /* it said so itself */
	WR_GOSSIP_SHUT_OUT, /* its record is kept, but it is not admitted (any more) */
};

struct wr_gossip_config {
	struct wr_key self; /* identity */
	uint64_t seed;
	struct wr_gossip_timing timing;
	/* Is the item authentic, of our mesh, and signed by who may? Asked once for each that is
	 * new to us. */
	bool (*check)(void *context, struct wr_bytes item);
	/* Is the member admitted? What it sends is dropped if not, and nothing is told to it. Asked
	 * again after wr_gossip_review(). */
	bool (*admits)(void *context, const struct wr_key *identity);
	/* Keeps the bytes, with one user more, which is the core's; equal bytes may give one blob.
	 * NULL: wr_gossip_blob_new(). */
	struct wr_gossip_blob *(*intern)(void *context, struct wr_bytes item);
	void *context;
};

struct wr_gossip;

/* NULL where memory is short. */
struct wr_gossip *wr_gossip_new(const struct wr_gossip_config *config, struct wr_instant now);
/* NULL is fine; returns NULL. */
struct wr_gossip *wr_gossip_free(struct wr_gossip *gossip);

/* --- What happens. --- */

enum wr_gossip_taken {
	WR_GOSSIP_TAKEN,   /* new, or newer */
	WR_GOSSIP_KNOWN,   /* the same, or older than what is known */
	WR_GOSSIP_REFUSED, /* by check(), or malformed */
	WR_GOSSIP_FULL,
};
/* An item of ours, or from the disk: kept, and spread if `spreads`. Our own record makes us a
 * member; a newer one replaces it. */
enum wr_gossip_taken wr_gossip_put(struct wr_gossip *gossip, struct wr_bytes item, bool spreads,
				   struct wr_instant now);
/* A frame from the member with this identity. A bad one is counted and dropped. */
void wr_gossip_receive(struct wr_gossip *gossip, const struct wr_key *from, struct wr_bytes frame,
		       struct wr_instant now);
/* A tunnel to it came up, and it may not know us: it is told our record, and compared with at once.
 * It needs no record with us yet. */
void wr_gossip_greet(struct wr_gossip *gossip, const struct wr_key *identity,
		     struct wr_instant now);
/* Whom check() and admits() allow may have changed. */
void wr_gossip_review(struct wr_gossip *gossip, struct wr_instant now);
/* This host slept, or its network changed: nobody is suspected for what was missed. */
void wr_gossip_woke(struct wr_gossip *gossip, struct wr_instant now);

/* --- What to do. --- */

enum wr_gossip_action {
	WR_GOSSIP_SEND,   /* `bytes` to `identity` (which may be dead, or unknown to us but greeted)
			   */
	WR_GOSSIP_RENEW,  /* put our own record again, with a version of at least `version` */
	WR_GOSSIP_MEMBER, /* the member `identity` came, changed its record or its status */
	WR_GOSSIP_ITEM,   /* an item of another kind than record is new: `bytes` */
	WR_GOSSIP_FORGOT, /* the member `identity` is known no more */
};
struct wr_gossip_output {
	enum wr_gossip_action action;
	struct wr_key identity;
	uint64_t version;
	struct wr_bytes bytes; /* valid until the next call */
};
/* True if there is something to do now; call again until false. */
bool wr_gossip_poll(struct wr_gossip *gossip, struct wr_instant now,
		    struct wr_gossip_output *ret_output) WR_MUST_CHECK;
struct wr_instant wr_gossip_deadline(const struct wr_gossip *gossip);

/* --- What is. --- */

struct wr_gossip_sight {
	struct wr_key identity;
	enum wr_gossip_status status;
	struct wr_bytes record; /* the item; valid until the next call that takes `now` */
	uint64_t version;
	struct wr_instant since; /* of the status */
	uint32_t round_trip_us;  /* of the last probe that it answered to us; 0: none */
};
/* One after the other, in no order: *at is 0 at first. False at the end. */
bool wr_gossip_next(const struct wr_gossip *gossip, size_t *at, struct wr_gossip_sight *ret_sight)
	WR_MUST_CHECK;
bool wr_gossip_find(const struct wr_gossip *gossip, const struct wr_key *identity,
		    struct wr_gossip_sight *ret_sight) WR_MUST_CHECK;
/* Items of other kinds than record, one after the other. */
bool wr_gossip_next_item(const struct wr_gossip *gossip, size_t *at, struct wr_bytes *ret_item)
	WR_MUST_CHECK;

struct wr_gossip_figures {
	size_t members;                                      /* known */
	size_t alive;                                        /* suspects among them */
	uint32_t health;                                     /* Lifeguard's: 0 is well */
	uint64_t frames_in, frames_out, bytes_in, bytes_out; /* of frames */
	uint64_t malformed;                                  /* frames */
	uint64_t unadmitted;                                 /* frames of who is no member */
	uint64_t refused;                                    /* items by check() */
	uint64_t probes, lost;                               /* and those without an answer */
	uint64_t suspected, died, refuted, syncs;
	uint64_t memory; /* bytes of all that it keeps */
	uint64_t digest; /* of all that members should agree on: the same when they do */
};
void wr_gossip_look(const struct wr_gossip *gossip, struct wr_gossip_figures *ret_figures);
const char *wr_gossip_status_name(enum wr_gossip_status status);
