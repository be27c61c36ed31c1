/* A network of machines in virtual time.
 *
 * Each machine is a real wr_port with real sessions, and a data plane that seals and
 * opens real packets with what the port publishes.  Between them is a network that
 * loses, delays, reorders and repeats; chaos moves machines, restarts them, sets
 * their clocks.  An oracle, which knows only what was sent and what came in, checks
 * what WireGuard promises.
 *
 * All randomness comes from one seed: a run can be repeated. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "crypto/aead.h"
#include "wg/port.h"

#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)

#define MAX_NODES 100
#define MAX_DEVICES 3
#define MAX_LINKS 300
#define MAX_STAGED 64
/* A handshake, or a packet with PAYLOAD bytes. */
#define MAX_DATAGRAM 160
#define PAYLOAD 32

struct world;
struct node;
struct link;

/* One side of a link between two machines: the peer that stands for the other. */
struct side {
	struct node *node;
	struct link *link;
	struct side *other;
	size_t device;
	struct wr_peer *peer;
	uint16_t keepalive;

	/* What it sends: one packet at a time, `pace` apart on average; 0: nothing. */
	struct wr_heap_node flow;
	uint64_t pace;
	uint64_t staged[MAX_STAGED]; /* numbers of packets that wait for a session */
	size_t staged_count;

	/* What the oracle saw; world time, 0 for never. */
	uint64_t initiation;          /* last one sent */
	uint64_t keepalive_output;    /* last one ordered by the port */
	uint64_t unanswered_sent;     /* first data since anything came in */
	uint64_t unanswered_received; /* first data since anything went out */
	uint64_t traversal;           /* last authentic packet */
};

struct link {
	struct side sides[2];
	struct wr_key psk;
	bool is_cut;
};

struct node {
	struct world *world;
	size_t number;
	bool is_mobile;   /* its address changes, nobody knows it beforehand */
	uint32_t address; /* now */
	uint64_t boot;    /* world time at boot minus its uptime then */
	int64_t wall_offset;
	uint64_t wall_max;     /* latest wall clock that it had */
	uint64_t wall_restart; /* its wall clock when it was restarted */
	bool is_down, is_under_load;
	struct wr_key private_keys[MAX_DEVICES];
	struct wr_port *port;
	struct wr_device *devices[MAX_DEVICES];
	size_t device_count;
	bool is_woken; /* the data plane asked for the port */
	struct wr_heap_node alarm;
};

/* A datagram on its way. */
struct flight {
	struct wr_heap_node due;
	struct wr_endpoint from, to;
	size_t len;
	uint8_t data[MAX_DATAGRAM];
};

/* How the network is. */
struct weather {
	unsigned loss, repeat;  /* percent */
	uint64_t delay, spread; /* least, and what is added at random */
};

/* A data packet, by its number. */
struct packet {
	struct side *from;
	uint64_t sent;       /* world time */
	uint64_t sealed_age; /* of the session when it was sealed */
	uint64_t accepted;   /* world time; 0 if it was not */
};

struct nonce {
	uint64_t key, counter;
};

struct world {
	uint64_t seed, random, now;
	struct node nodes[MAX_NODES];
	size_t node_count;
	struct link links[MAX_LINKS];
	size_t link_count;
	struct node *by_address[1u << 16]; /* NULL: nobody is there any more */
	uint32_t address_count;
	struct weather weather;
	struct wr_heap flights, flows, alarms;
	bool is_quiet; /* no new data */
	bool is_traced;

	const struct wr_aead *aead;
	struct wr_aead_context *context;

	struct packet *packets;
	uint64_t packet_count, packet_room;
	struct nonce *nonces; /* open addressing; counter + 1, 0 is empty */
	uint64_t nonce_count, nonce_room;
	uint64_t delivered, handshakes;
};

/* --- sim.c --- */
void trace(const struct world *world, const char *format, ...) WR_PRINTF(2, 3);
_Noreturn void fail(const struct world *world, const char *format, ...) WR_PRINTF(2, 3);

/* --- memory.c --- */
long memory_blocks(void);

/* --- world.c: building, randomness, the event loop --- */
uint64_t draw(struct world *world);
uint64_t below(struct world *world, uint64_t limit);
bool chance(struct world *world, unsigned percent);
void world_build(struct world *world, size_t node_count);
void world_clear(struct world *world);
/* Plays `span` of time. */
void world_play(struct world *world, uint64_t span);
/* Draws what a side will send. */
void side_draw_pace(struct side *side);

/* --- net.c --- */
uint32_t net_new_address(struct world *world, struct node *node);
struct wr_endpoint net_endpoint(uint32_t address);
void net_send(struct node *from, const struct wr_endpoint *to, const uint8_t *data, size_t len);
void net_deliver(struct world *world, struct flight *flight);

/* --- node.c --- */
void node_start(struct node *node);
void node_stop(struct node *node);
void node_set_down(struct node *node, bool is_down);
void node_input(struct node *node, const struct flight *flight);
/* The port does what it was asked to, and what is due. */
void node_settle(struct node *node);
/* New data to send. */
void side_send(struct side *side);
struct wr_instant node_now(const struct node *node);

/* --- oracle.c --- */
void oracle_sealed(struct side *side, const struct wr_session *session, uint64_t counter,
		   uint64_t packet, bool has_data);
void oracle_opened(struct side *side, const struct wr_session *session, uint64_t packet,
		   bool has_data);
void oracle_handshake_sent(struct side *side, enum wr_message_type type);
void oracle_handshake_taken(struct side *side);
void oracle_keepalive_ordered(struct side *side);
void oracle_given_up(struct side *side);
void oracle_forget(struct side *side);
/* Nothing is overdue. */
void oracle_check_timers(struct world *world);
/* What both sides of busy links sent since `since` has come in, and at once. */
void oracle_check_delivery(struct world *world, uint64_t since);
/* Each index belongs to a session or handshake of a peer. */
void oracle_check_indices(struct world *world);
/* All is asleep: no sessions, no timers. */
void oracle_check_silence(struct world *world);

/* --- chaos.c --- */
/* Something bad happens somewhere. */
void chaos_strike(struct world *world);
/* Bad weather; and all is well again but for what the machines still believe. */
void chaos_begin(struct world *world);
void chaos_end(struct world *world);
