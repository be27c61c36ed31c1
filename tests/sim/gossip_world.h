/* A mesh without a server, in virtual time: the gossip core as it is, with items that are really
 * signed, over a network that is modelled as far as gossip sees it: delay, loss, duplicates,
 * partitions, NATs with relays, and WireGuard's handshakes, which cost time and bytes. All
 * randomness comes from one seed, so a run can be played again exactly.
 *
 * The simulator of seeds (gossip_sim.c) and the bench of big meshes (bench/gossip.c) share it. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/admission.h"
#include "gossip/gossip.h"
#include "wire/frame.h"
#include "wire/item.h"

#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)

#define NOBODY UINT32_MAX
#define ISLANDS 8
/* What a socket keeps for a process that does not read. */
#define BACKLOG_MAX 256

/* On the wire, each with UDP over IPv4 (28): WireGuard's handshake and keepalive, and what a frame
 * has around it: outer IPv4 and UDP 28, WireGuard 32, inner IPv6 and UDP 48. */
enum {
	INITIATION_LEN = 148 + 28,
	RESPONSE_LEN = 92 + 28,
	KEEPALIVE_LEN = 32 + 28,
	FRAME_OVERHEAD = 28 + 32 + 48,
	KNOCK_LEN = 142 + 28,
};

struct packet {
	struct packet *next; /* of a backlog, or of those that are free */
	uint32_t from, to;
	uint32_t len, room;
	uint64_t born,
		left; /* when its sender started; when it goes, which may be after a handshake */
	uint8_t data[];
};

enum event_kind {
	EVENT_FRAME,
	EVENT_ALARM,
	EVENT_WAKE
};

struct event {
	uint64_t at, order; /* what is due at once comes in the order in which it was queued */
	enum event_kind kind;
	uint32_t member;
	struct packet *packet;
};

struct queue {
	struct event *events;
	size_t count, room;
	uint64_t order;
};

/* What two members' devices have in common; times in ms of the world without the last bit, which
 * says whether the one of the greater number did it. 0: never. */
struct pair {
	uint32_t ready; /* when the handshake ended, or will */
	uint32_t spoke; /* the last frame; without a session: the last initiation, in vain */
};

struct asker; /* gossip_node.c */
struct saved; /* what a member had on its disk (gossip_disk.c) */

struct member {
	uint32_t number;
	struct wr_key seed, identity;
	struct wr_item item;      /* its own record */
	struct wr_gossip *gossip; /* NULL: it is down */
	struct wr_admission *admission;
	struct asker *asker;           /* the core's context */
	struct saved *disk, *old_disk; /* as it was left; as it was before that */
	uint32_t epoch, renewals;      /* its record's version */
	uint64_t up_since;
	uint64_t alarm; /* the soonest that is queued; 0: none */

	/* Its clocks: instants begin elsewhere and run faster or slower; its wall is wrong. */
	uint64_t clock_origin;
	int64_t clock_ppm;
	int64_t wall_skew;

	uint64_t latency; /* from it to the middle of the net */
	uint32_t island;
	bool is_open;       /* strangers reach it */
	uint32_t relays[2]; /* if not; NOBODY: none */

	/* A process that gets no CPU: it runs for an instant, then not for `stuck`. */
	uint64_t slow_until, stuck, wakes_at; /* wakes_at 0: it runs */
	struct packet *backlog, **backlog_end;
	size_t backlog_count;

	bool is_revoked;         /* by the founder */
	uint64_t troubled_until; /* others may think it dead until then */
	uint64_t ended;          /* when its last life did */

	/* What it sent: frames, and all that it is on the wire. */
	uint64_t frames, frame_bytes, wire_bytes;
	uint64_t second, second_bytes, second_wire; /* in the present second */
	uint64_t worst_second, worst_wire;
	uint64_t window, window_bytes; /* for the budget */
	uint64_t polled_at;
	unsigned polls;
};

/* What one thinks of another; only in small worlds. */
struct view {
	uint64_t version, died; /* died: its version then, plus one */
	enum wr_gossip_status status;
	bool is_known;
};

/* A member that a figure is about. */
struct watch {
	uint32_t member; /* NOBODY: none */
	uint64_t since;
	uint64_t *alive_at, *dead_at; /* by observer; 0: not yet */
	size_t alive, dead;
};

struct items; /* gossip_items.c */

struct world {
	uint64_t seed, random, now;
	uint64_t hash;                                /* of all that happened */
	bool is_traced, are_frames_traced, is_hashed; /* hashed: frames' bytes, too */
	struct queue queue;
	struct packet *free_packets[3];

	struct member *members;
	uint32_t count, room;
	uint32_t *by_identity;
	struct pair *pairs;
	struct view *views; /* [observer * room + subject], or NULL */
	uint8_t mesh[WR_MESH_TAG_LEN];
	struct items *items;
	struct wr_gossip_timing timing;

	bool is_filled;   /* members know each other from the start: nothing spreads */
	bool is_lan;      /* knocks are heard by all: each device knows each */
	bool has_founder; /* known to all, as by an invitation; the mesh is closed */
	struct wr_key founder_seed, founder;
	uint64_t serial;

	uint8_t blocked[ISLANDS];  /* from island: bits of islands that it does not reach */
	unsigned loss, duplicates; /* per mille */
	uint64_t jitter;
	unsigned nats; /* percent of members that are behind one */
	bool is_divided, is_lossy;
	bool is_strict; /* nobody that is well may be thought dead */

	struct watch watch;
	uint64_t events, frames, frames_lost, handshakes, knocks, relayed;
	uint64_t false_deaths, slow_deaths, deaths, resurrections;
	bool has_hostile;
	/* Frames that these caught. */
	struct packet *caught[32];
	uint64_t caught_count, forged, invented;
};

/* --- gossip_sim.c, bench/gossip.c: each has its own. --- */
void trace(const struct world *world, const char *format, ...) WR_PRINTF(2, 3);
_Noreturn void fail(const struct world *world, const char *format, ...) WR_PRINTF(2, 3);

/* --- gossip_queue.c --- */
void queue_push(struct queue *queue, struct event event);
bool queue_pop(struct queue *queue, uint64_t until, struct event *ret_event);
void queue_done(struct queue *queue);
struct packet *packet_new(struct world *world, size_t len);
void packet_free(struct world *world, struct packet *packet);

/* --- gossip_world.c --- */
uint64_t draw(struct world *world);
uint64_t below(struct world *world, uint64_t limit);
bool chance(struct world *world, unsigned percent);
/* Room for so many members, ever. */
struct world *world_new(uint64_t seed, uint32_t room);
struct world *world_free(struct world *world);
void world_play(struct world *world, uint64_t span);
/* NOBODY if there is none. */
uint32_t world_find(const struct world *world, const struct wr_key *identity);
/* A machine that has not been started. */
struct member *world_add(struct world *world);
/* Behind a NAT, in so many of a hundred; then it has relays. */
void world_place(struct world *world, struct member *member);
/* One that is up and has no reason to be silent; NULL: there is none. */
struct member *world_any_up(struct world *world, const struct member *but);
uint64_t world_up(const struct world *world);
void world_mix(struct world *world, uint64_t number);

/* --- gossip_items.c --- */
struct items *items_new(void);
struct items *items_free(struct items *items);
/* Signed, and remembered as one that its signer made. Valid for as long as the world is. */
struct wr_bytes items_sign(struct world *world, const struct wr_item *item,
			   const struct wr_key *seed);
/* The same bytes as items_sign() returned them; {0} if it never did. */
struct wr_bytes items_genuine(const struct items *items, struct wr_bytes bytes);
/* What the signature says; asked of libsodium once for bytes that are genuine. */
bool items_check(struct items *items, struct wr_bytes bytes);
struct wr_gossip_blob *items_intern(struct items *items, struct wr_bytes bytes);
/* The same for bytes as items_sign() returned them, at once. */
struct wr_gossip_blob *items_share(struct wr_bytes genuine);

/* --- gossip_disk.c --- */
/* What it would find on its disk if it ended now. */
struct saved *disk_save(const struct world *world, const struct member *member);
struct saved *disk_free(struct saved *saved);
/* Puts what is there; nothing if NULL. */
void disk_load(struct world *world, struct member *member, const struct saved *saved);

/* --- gossip_net.c --- */
/* From `from` to `to` now; `ret_relay`: by way of whom, or NOBODY. */
bool net_reaches(const struct world *world, const struct member *from, const struct member *to,
		 uint32_t *ret_relay);
void net_send(struct world *world, struct member *from, struct member *to, struct wr_bytes frame);
void net_count(struct world *world, struct member *member, size_t frame, size_t wire);

/* A tunnel between them is up. */
void net_meet(struct world *world, struct member *a, struct member *b);
/* Gives it another one that is up in the place of a relay that is not. True: the record changed. */
bool net_choose_relay(struct world *world, struct member *member, size_t which);

/* --- gossip_clock.c --- */
struct wr_instant node_now(const struct world *world, const struct member *member);
struct wr_wall node_wall(const struct world *world, const struct member *member);
/* The first moment of the world, from now on, at which its clock has come so far. */
uint64_t node_global(const struct world *world, const struct member *member,
		     struct wr_instant instant);

/* --- gossip_node.c --- */
void node_start(struct world *world, struct member *member);
/* With a farewell, or without. */
void node_stop(struct world *world, struct member *member, bool is_polite);
void node_greet(struct world *world, struct member *member, struct member *other);
void node_put_record(struct world *world, struct member *member);
void node_put(struct world *world, struct member *member, struct wr_bytes item, bool spreads);
void node_settle(struct world *world, struct member *member);
void node_event(struct world *world, const struct event *event);
/* Gets no CPU but for an instant every `stuck`. */
void node_slow(struct world *world, struct member *member, uint64_t span, uint64_t stuck);

/* --- gossip_oracle.c --- */
void oracle_output(struct world *world, struct member *member,
		   const struct wr_gossip_output *output);
void oracle_started(struct world *world, struct member *member);
void oracle_polled(struct world *world, struct member *member);
void oracle_check_sizes(struct world *world);

/* --- gossip_agreement.c --- */
/* All that are up think the same, and the truth. NULL, or what differs. */
const char *oracle_disagreement(struct world *world);

/* --- gossip_founder.c --- */
void founder_close(struct world *world);
void founder_admit(struct world *world, struct member *member);
void founder_revoke(struct world *world, struct member *member);
void founder_set_policy(struct world *world);

/* --- gossip_hostile.c --- */
void hostile_catch(struct world *world, const struct packet *packet);
void hostile_act(struct world *world, struct member *member);

/* --- gossip_chaos.c --- */
/* It starts, perhaps with an old state, and meets one or two. */
void chaos_start(struct world *world, struct member *member);
void chaos_strike(struct world *world);
void chaos_end(struct world *world);
void chaos_tend(struct world *world);
