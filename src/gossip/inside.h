/* What the parts of the gossip core know of each other: one struct, and what each part does to it.
 *
 *     roll      entries (a slot each), their order by key, sums of ranges
 *     members   status of members, who is probed, who is gone, what is told to the caller
 *     rumours   what is new rides along and is pushed to some
 *     probes    is it there?       doubts   nobody objects: it is dead
 *     wants     what others have and we ask for       sync   what two members hold, compared
 *     post      what waits to be sent, and how fast   frames   what a job says
 *     intake    what came
 *
 * Floor 3.  Only for files of this folder. */
#pragma once

#include <sys/queue.h>

#include "base/map.h"
#include "gossip/blob.h"
#include "gossip/gossip.h"
#include "gossip/job.h"
#include "gossip/mix.h"
#include "gossip/roll.h"

/* Items of other kinds than record: certificates and revocations, the charter, the policy. */
#define WR_GOSSIP_OTHERS 20100
#define WR_GOSSIP_STRANGERS 64 /* greeted, without a record yet */
/* Entries, strangers: both are peers that frames go to. 0: nobody, or ourselves. */
#define WR_PEER_STRANGER 0x80000000u

/* --- Numbers of entries in an array. --- */

struct wr_ids {
	uint32_t *ids;
	uint32_t count, room;
};
bool wr_ids_push(struct wr_ids *ids, uint32_t id) WR_MUST_CHECK;
/* Takes out what stands at `at`; the last one stands there then. */
void wr_ids_drop(struct wr_ids *ids, uint32_t at);

/* --- Probes and doubts. --- */

enum wr_probe_purpose {
	WR_PROBE_ROUND,
	WR_PROBE_FAVOUR,  /* for another */
	WR_PROBE_REVISIT, /* of the dead */
};
struct wr_probe {
	uint32_t target, sequence;
	uint32_t asker, asker_sequence;
	struct wr_instant sent, deadline;
	enum wr_probe_purpose purpose;
	uint8_t tries;     /* of our own; others are asked with the second */
	uint8_t nacks_due; /* of those who were asked */
};
#define WR_PROBES 64

#define WR_DOUBT_CONFIRMERS 3
struct wr_doubt {
	uint32_t id;
	uint32_t origin; /* the peer that it came from first; 0: ourselves */
	uint32_t confirmers[WR_DOUBT_CONFIRMERS]; /* peers whose tunnels it came by */
	uint8_t confirmed;
	uint8_t asked; /* how often we asked ourselves */
	struct wr_instant began;
	struct wr_instant since, since_asked; /* without the time in which we did not run */
};

/* --- Wants. --- */

struct wr_want {
	TAILQ_ENTRY(wr_want) link;
	uint64_t key;
	uint32_t print;
	uint32_t source; /* who has it */
	uint32_t other;  /* who has it, too; 0: nobody that we know */
	struct wr_instant asked;
	uint8_t tries;
	bool is_asked;
};
TAILQ_HEAD(wr_want_list, wr_want);

/* --- All of it. --- */

struct wr_event {
	enum wr_gossip_action action;
	uint32_t id;
	struct wr_gossip_blob *blob; /* whose subject it is about */
};
struct wr_events {
	struct wr_event *events;
	uint32_t head, count, room;
};

struct wr_stranger {
	struct wr_key identity;
	struct wr_instant since;
	struct wr_gossip_blob *record; /* until it is admitted, or NULL */
	bool is_used, is_greeted;
	uint8_t greetings;
	struct wr_instant again; /* is greeted again, unless its record has come */
};

struct wr_gossip {
	struct wr_gossip_config config;
	uint64_t chance;
	int64_t tick_base;
	struct wr_instant now, due, began;
	uint64_t self_key;
	uint32_t self; /* our record's entry; 0: none yet */
	struct wr_roll roll;
	struct wr_ids living, gone, hot;
	uint32_t hot_turn;
	uint32_t turn; /* in living: who was before it had its probe this round */
	bool is_neighbours_turn;
	struct wr_events events;
	bool is_renewing;
	uint64_t renew_above; /* our record should be newer than this one */
	struct wr_instant renew_at;
	struct wr_instant fetching; /* until then: what comes is news to us alone */
	struct wr_stranger *strangers;
	struct wr_jobs lanes[WR_LANES];
	struct wr_bucket buckets[WR_LANES];
	struct wr_probe probes[WR_PROBES];
	unsigned probe_count;
	unsigned health;
	struct wr_doubt *doubts;
	uint32_t doubt_count, doubt_room;
	struct wr_instant doubts_at;
	struct wr_map wanted;
	struct wr_want_list wants, asked;
	uint32_t asked_count;
	uint64_t secret;      /* of the map's places */
	uint32_t sync_with;   /* with it next; 0: with anybody */
	unsigned news, quick; /* see sync.c */
	unsigned many;        /* wants since there was none */
	bool is_wanting;      /* a job to ask waits */
	bool has_charter;
	struct wr_instant greet_at;
	struct wr_instant meet_at; /* from then on one of the dead who is heard is compared with */
	struct wr_instant probe_at, spread_at, sync_at, revisit_at, sweep_at;
	uint32_t spreading; /* jobs */
	size_t answer_left; /* bytes that the frame that came may still cause */
	struct wr_gossip_blob *shown;
	struct wr_gossip_figures figures;
	struct wr_frame_writer frame;
};

/* gossip.c */
/* Time goes on; how late we are asked says whether we were slow. */
void wr_gossip_tick(struct wr_gossip *g, struct wr_instant now);
uint64_t wr_gossip_draw(struct wr_gossip *g);
/* Below `count`, which is not 0. */
uint32_t wr_gossip_pick(struct wr_gossip *g, uint32_t count);
/* Lifeguard's local health: 0 is well. */
void wr_health_add(struct wr_gossip *g, int points);
/* log2, in 1/256. */
uint32_t wr_gossip_log2(uint64_t count);

static inline struct wr_entry *wr_entry(const struct wr_gossip *g, uint32_t id)
{
	return wr_roll_entry(&g->roll, id);
}
static inline bool wr_is_record(const struct wr_entry *entry)
{
	return entry->blob->kind == WR_ITEM_RECORD;
}
static inline bool wr_is_gone(const struct wr_entry *entry)
{
	return entry->status == WR_GOSSIP_DEAD || entry->status == WR_GOSSIP_LEFT;
}

/* members.c */
uint32_t wr_members_tick(const struct wr_gossip *g, struct wr_instant at);
struct wr_instant wr_members_instant(const struct wr_gossip *g, uint32_t tick);
/* Alive and suspect ones, with us. */
uint32_t wr_members_alive(const struct wr_gossip *g);
/* Seconds since it was declared so. */
uint32_t wr_members_age(const struct wr_gossip *g, const struct wr_entry *entry);
/* Gives it a status since `age` seconds, and the place in the lists that goes with it; tells the
 * caller. */
void wr_members_set(struct wr_gossip *g, uint32_t id, enum wr_gossip_status status, uint32_t age);
/* Somebody alive other than these two, not suspect if that can be had; 0: nobody. */
uint32_t wr_members_any(struct wr_gossip *g, uint32_t but, uint32_t nor);
/* One of the dead; 0: there is none. */
uint32_t wr_members_any_dead(struct wr_gossip *g);
/* Who is next to be probed; 0: nobody. */
uint32_t wr_members_turn(struct wr_gossip *g);
/* The one that is alive and next to us in the order of keys, around the end; 0: nobody near. */
uint32_t wr_members_neighbour(const struct wr_gossip *g);
/* Those who were gone for long fall silent, and are forgotten. */
void wr_members_sweep(struct wr_gossip *g);
/* It is known no more; the caller is told. */
void wr_members_forget(struct wr_gossip *g, uint32_t id);
bool wr_members_admit(struct wr_gossip *g, uint32_t id);
bool wr_members_is_old(const struct wr_gossip *g, uint32_t age);

/* events.c: what is told to the caller */
void wr_events_add(struct wr_gossip *g, uint32_t id, enum wr_gossip_action action);
void wr_events_add_forgotten(struct wr_gossip *g, uint32_t id);
bool wr_events_next(struct wr_gossip *g, struct wr_gossip_output *ret_output);
void wr_events_done(struct wr_gossip *g);
/* Asks the caller for a record of ours above this version. */
void wr_events_object(struct wr_gossip *g, uint64_t version);

/* peers.c: whom frames go to */
uint32_t wr_peer_of(struct wr_gossip *g, const struct wr_key *identity, bool may_add);
const struct wr_key *wr_peer_identity(const struct wr_gossip *g, uint32_t peer);
void wr_peer_forget(struct wr_gossip *g, uint32_t peer);
/* Was sent a greeting. */
void wr_peer_greeted(struct wr_gossip *g, uint32_t peer);
/* Who was greeted, and whose record did not come, is greeted again. */
void wr_peers_poll(struct wr_gossip *g);
/* Strangers that are admitted now become members. */
void wr_peers_review(struct wr_gossip *g);
void wr_peers_done(struct wr_gossip *g);

/* items.c */
/* An item from a peer (0: the caller). `age` counts if it is gone. */
enum wr_gossip_taken wr_items_take(struct wr_gossip *g, uint32_t from, struct wr_bytes item,
				   bool is_gone, uint32_t age, bool spreads);

/* rumours.c */
void wr_rumours_add(struct wr_gossip *g, uint32_t id);
void wr_rumours_drop(struct wr_gossip *g, uint32_t id);
/* Another knows it already. */
void wr_rumours_heard(struct wr_gossip *g, uint32_t id);
/* Adds what is new to a frame for this peer; at most `room` bytes. True if any was added. */
bool wr_rumours_fill(struct wr_gossip *g, struct wr_frame_writer *frame, uint32_t peer,
		     size_t room);
void wr_rumours_poll(struct wr_gossip *g);

/* probes.c */
void wr_probes_poll(struct wr_gossip *g);
struct wr_instant wr_probes_deadline(const struct wr_gossip *g);
void wr_probes_acked(struct wr_gossip *g, uint32_t from, uint32_t sequence);
void wr_probes_nacked(struct wr_gossip *g, uint32_t from, uint32_t sequence);
void wr_probes_asked(struct wr_gossip *g, uint32_t from, uint32_t sequence, uint64_t key);
void wr_probes_delay(struct wr_gossip *g, struct wr_span late);
void wr_probes_cancel(struct wr_gossip *g);
void wr_probes_left(struct wr_gossip *g, uint32_t id);

/* doubts.c */
/* From 0: our own probe. */
void wr_doubts_add(struct wr_gossip *g, uint32_t id, uint32_t from);
void wr_doubts_drop(struct wr_gossip *g, uint32_t id);
void wr_doubts_poll(struct wr_gossip *g);
void wr_doubts_delay(struct wr_gossip *g, struct wr_span late);

/* wants.c */
void wr_wants_add(struct wr_gossip *g, struct wr_frame_mark mark, uint32_t source);
bool wr_wants_has(const struct wr_gossip *g, uint64_t key);
void wr_wants_got(struct wr_gossip *g, uint64_t key);
/* This one has the same as we: there is nothing to ask it for. */
void wr_wants_vain(struct wr_gossip *g, uint64_t key, uint32_t from);
void wr_wants_poll(struct wr_gossip *g);
struct wr_instant wr_wants_deadline(const struct wr_gossip *g);
/* It is no source any more. */
void wr_wants_left(struct wr_gossip *g, uint32_t peer);
bool wr_wants_fill(struct wr_gossip *g, struct wr_frame_writer *frame, uint32_t peer);
void wr_wants_done(struct wr_gossip *g);

/* sync.c */
void wr_sync_start(struct wr_gossip *g, uint32_t peer);
void wr_sync_greet(struct wr_gossip *g, uint32_t peer);
void wr_sync_ranges(struct wr_gossip *g, uint32_t from, const struct wr_frame_part *part);
void wr_sync_list(struct wr_gossip *g, uint32_t from, const struct wr_frame_part *part);
/* Somebody calls it dead, and it is not. */
void wr_sync_called(struct wr_gossip *g, uint32_t id);
void wr_sync_have(struct wr_gossip *g, uint32_t from, struct wr_frame_mark mark);
void wr_sync_want(struct wr_gossip *g, uint32_t from, struct wr_frame_mark mark);
/* An item came that was new. */
void wr_sync_stir(struct wr_gossip *g);
void wr_sync_poll(struct wr_gossip *g);

/* frames.c */
/* All jobs for this peer, from the first of the lane on, that fit in g->frame; it is empty where
 * there is nothing to say any more. */
void wr_frames_write(struct wr_gossip *g, struct wr_jobs *jobs, uint32_t peer);
/* About what a job will send, in bytes. */
size_t wr_frames_cost(const struct wr_gossip *g, const struct wr_job *job);

/* post.c */
void wr_post_add(struct wr_gossip *g, enum wr_job_kind kind, uint32_t peer, uint64_t key,
		 uint64_t last, uint32_t sequence);
bool wr_post_next(struct wr_gossip *g, struct wr_gossip_output *ret_output);
struct wr_instant wr_post_deadline(const struct wr_gossip *g);
void wr_post_done(struct wr_gossip *g);
/* So much waits to be sent that others should be asked. */
bool wr_post_is_busy(const struct wr_gossip *g);
/* So much waits that comparisons are not answered: the peer compares again. */
bool wr_post_is_laden(const struct wr_gossip *g, uint32_t peer);
/* What is added from here on answers a frame, and may be so much; or is of our own accord. */
void wr_post_answers(struct wr_gossip *g);
void wr_post_own(struct wr_gossip *g);
