/* Two members behind random NATs, and the hub, in virtual time.
 *
 * Both have real path machines and real pulses; WireGuard is modelled as far as paths see it: a
 * handshake over whatever endpoint, then authentic packets both ways. NATs are those of RFC 4787.
 * All randomness comes from one seed. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/heap.h"
#include "path/path.h"
#include "wire/pulse.h"

#define MS UINT64_C(1000000)
#define S UINT64_C(1000000000)

#define HOSTS 2
#define HUB HOSTS /* as a number of a host */
#define NETS 6
#define NATS 4
#define ENTRIES 64
#define INTERNET 0

struct address {
	uint32_t ip;
	uint16_t port;
	bool is_v6;
};

enum mapping {
	MAPS_ALIKE,      /* endpoint-independent */
	MAPS_BY_ADDRESS, /* address- and port-dependent: "symmetric" */
};
enum filtering {
	LETS_ALL,
	LETS_ADDRESS,
	LETS_ADDRESS_AND_PORT,
};

struct entry {
	struct address inside, to; /* `to`: only of MAPS_BY_ADDRESS */
	uint16_t port;             /* outside; 0: free */
	bool is_static;
	uint64_t used;
	struct {
		struct address to;
		uint64_t used;
	} flows[8];
};

struct nat {
	int inner, outer; /* nets */
	uint32_t ip;      /* outside */
	enum mapping mapping;
	enum filtering filtering;
	bool has_hairpin;
	uint64_t lifetime;
	uint16_t next_port;
	struct entry entries[ENTRIES];
};

enum what {
	INITIATION,
	RESPONSE,
	KEEPALIVE,
	DATA,
	PULSE,
	TO_HUB, /* the keepalive that the hub sees the host by */
};

struct packet {
	struct wr_heap_node due;
	enum what what;
	int sender, receiver; /* whose session it is of */
	int at_net;           /* where `to` is looked for */
	int to_nat;           /* a hairpin's, or -1 */
	bool is_relayed;      /* from the hub */
	struct address from, to;
	uint64_t number, sent;
	size_t len;
	uint8_t data[WR_PULSE_MAX_LEN];
};

struct host {
	int number, net;
	struct address address, v6; /* port 0: has none */
	bool has_firewall;          /* of IPv6, stateful */
	struct {
		struct address to;
		uint64_t used;
	} flows[16];
	bool is_blocked;  /* no UDP: the hub is reached by the channel */
	bool is_kernel;   /* the endpoint follows the peer, no probes */
	bool has_mapping; /* by UPnP and the like */
	bool is_asleep;
	struct address observed; /* by the hub */

	struct wr_path *path;
	struct wr_path_own own;
	struct wr_endpoint endpoint, set; /* where traffic goes, and was told to */
	bool has_session, is_half_open, is_unheard;
	uint64_t unheard, shaken;
	bool is_alive; /* something came from where traffic goes, since the last look */
	uint64_t session_used, initiated;
	uint64_t newest; /* initiation that came: older ones are replays */
	struct wr_heap_node alarm, look, pace,
		hello;     /* path; figures; data; keepalive to the hub */
	uint64_t every;    /* of data; 0: none */
	uint64_t sent_now; /* data since the last look */
	struct {
		struct wr_endpoint from;
		uint64_t told;
	} told[4];

	/* What the oracle knows. */
	uint64_t numbers, delivered, last_delivered; /* last: sent when */
	uint64_t lost;                               /* sent since the last that arrived */
	uint64_t sent_total, packets, switches, probes_at_round, rounds, relayed_data;
	struct wr_endpoint way;
	uint64_t direct_at; /* 0: it is not */
	uint64_t polls_now, polls_at;
};

struct world {
	uint64_t seed, random, now;
	bool is_traced;
	bool is_mesh; /* the hub only tells each its address, and relays nothing */
	int net_count, nat_count;
	int gateway[NETS]; /* the NAT of a net, or -1 */
	struct nat nats[NATS];
	struct host hosts[HOSTS];
	struct address hub;
	struct wr_heap due; /* packets */
	struct wr_heap alarms;
	uint64_t delay[HOSTS + 1][HOSTS + 1], jitter;
	unsigned loss;      /* percent */
	bool is_cut[HOSTS]; /* direct packets from there */
	bool is_hub_down;
	uint64_t relay_since; /* the relay has worked since then */
	bool is_steady;       /* nothing bad happens: nothing may be lost */
	uint64_t flying;
};

/* --- path_sim.c --- */
void trace(const struct world *world, const char *format, ...) WR_PRINTF(2, 3);
_Noreturn void fail(const struct world *world, const char *format, ...) WR_PRINTF(2, 3);

/* --- path_build.c --- */
uint64_t draw(struct world *world);
uint64_t below(struct world *world, uint64_t limit);
bool chance(struct world *world, unsigned percent);
void world_build(struct world *world);
/* Whether a direct path can be, by the kinds of NAT. */
bool world_can_be_direct(const struct world *world);
/* ... without a packet that must come first from the side that is harder to reach. */
bool world_is_simple(const struct world *world);
struct wr_endpoint endpoint_of(struct address address);
struct address address_of(const struct wr_endpoint *endpoint);

/* --- path_net.c --- */
bool same(struct address a, struct address b);
void net_send(struct world *world, struct packet *packet);
/* The host that it comes to, or -1. Translates `to` on the way. */
int net_arrive(struct world *world, struct packet *packet);
void nat_forget(struct nat *nat);
struct address nat_map_port(struct world *world, struct host *host);

/* --- path_node.c --- */
void node_start(struct world *world, struct host *host);
void node_stop(struct host *host);
void node_restart(struct world *world, struct host *host);
void node_set_pace(struct world *world, struct host *host, uint64_t every);
void node_fire(struct world *world, struct host *host, struct wr_heap_node *node);
void node_receive(struct world *world, struct host *host, const struct packet *packet);
void node_set_own(struct world *world, struct host *host);
void node_settle(struct world *world, struct host *host);
void node_know_each_other(struct world *world);
void world_play(struct world *world, uint64_t span);

/* --- path_oracle.c --- */
void oracle_sent(struct world *world, struct host *host);
void oracle_delivered(struct world *world, const struct packet *packet);
void oracle_settled(struct world *world, struct host *host);
void oracle_forgive(struct world *world);
void oracle_check_flow(struct world *world);

/* --- path_chaos.c --- */
void chaos_strike(struct world *world);
void chaos_end(struct world *world);
