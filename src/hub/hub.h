/* The hub: one UDP port that speaks for every organisation, and forwards between
 * the machines of each under its policy; made equal to what it is told it should
 * hold, and mended when it is not.
 *
 * Floor 7.  On the thread of its libuv loop. Knows no database and no HTTP. Keys
 * are copied in and wiped when they go.
 * Source: docs/architecture.md; docs/hub.md. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "base/ip.h"
#include "base/key.h"
#include "crypto/aead.h"
#include "engine/engine.h"
#include "policy/policy.h"

struct wr_hub;

struct wr_hub_config {
	uint16_t port;
	unsigned workers;
	const struct wr_aead *aead;
	bool has_gateways;      /* the capabilities are there */
	bool has_stun;          /* answers STUN on `port` */
	uint16_t stun_port;     /* and on this one besides; 0: none */
	const char *dns_suffix; /* "warren" */
	const char *tag;        /* of this server among those of the host, in the names of its
				 * namespaces: [a-z0-9-], short; NULL: the port */
};

/* What an organisation should be. Numbers are the caller's, never used twice. */
struct wr_hub_org {
	uint64_t number;
	const char *label;         /* DNS label of the organisation, and its gateway's name */
	struct wr_key private_key; /* the hub's for this organisation */
	struct wr_prefix range4,
		range6; /* family none where it has none; the hub has the first address */
	bool is_enabled;
};

/* What a machine should be. */
struct wr_hub_machine {
	uint64_t org, number;
	const char *label; /* DNS label; a policy's name for it */
	struct wr_key public_key;
	struct wr_key preshared_key; /* all zero: none */
	struct wr_ip v4, v6;
	const struct wr_prefix *routes; /* behind it */
	size_t route_count;
	const char *const *tags;
	size_t tag_count;
	struct wr_endpoint endpoint; /* where it was last; family none: unknown */
	bool is_recent;              /* handshake with it at once, do not wait for it */
	bool is_off;                 /* policies may name it, but it is shut out: no peer */
};

/* What is seen of a machine. */
struct wr_hub_sight {
	uint64_t org, number;
	struct wr_wall latest_handshake; /* 0: never, since the hub started */
	struct wr_wall last_seen;        /* last authentic packet from it */
	struct wr_endpoint endpoint;     /* family none: unknown */
	uint64_t rx_bytes, tx_bytes;     /* since the hub started; rx: from the machine */
};

/* Opens the port and starts the workers. 0 or a negative errno. */
int wr_hub_open(uv_loop_t *loop, const struct wr_hub_config *config, struct wr_hub **ret_hub)
	WR_MUST_CHECK;
/* Ends all, gateways too; then the loop has to run until `closed` was called. */
void wr_hub_close(struct wr_hub *hub, void (*closed)(void *context), void *context);

/* --- What should be. All are cheap, copy what they are given, and take effect before
 * wr_hub_settle() calls back; later calls win. --- */
void wr_hub_set_org(struct wr_hub *hub, const struct wr_hub_org *org);
void wr_hub_remove_org(struct wr_hub *hub, uint64_t number);
/* Of an organisation that is set. */
void wr_hub_set_machine(struct wr_hub *hub, const struct wr_hub_machine *machine);
void wr_hub_remove_machine(struct wr_hub *hub, uint64_t org, uint64_t number);
/* Takes the policy. A name in it that no machine has selects nobody; where memory is short
 * the one before stays in force, which shows in the numbers. */
void wr_hub_set_policy(struct wr_hub *hub, uint64_t org, struct wr_policy *policy,
		       uint64_t version);
/* Calls back, from the loop, when every worker works by all that was set before. */
void wr_hub_settle(struct wr_hub *hub, void (*settled)(void *context), void *context);

/* --- What is. --- */
/* Calls `see` for each machine of the organisation (0: of all). */
void wr_hub_look(struct wr_hub *hub, uint64_t org,
		 void (*see)(void *context, const struct wr_hub_sight *sight), void *context);

/* A machine is online if an authentic packet came from it within this. */
#define WR_HUB_ONLINE WR_SPAN_S(180)

struct wr_hub_numbers {
	struct wr_counters engine;
	size_t orgs, machines, gateways;
	uint64_t repairs; /* things found to be not as they should, and mended */
	uint64_t policy_faults;
	uint64_t stun_answers; /* on both ports */
	uint16_t port;
	uint16_t stun_port; /* 0: not open */
};
void wr_hub_count(struct wr_hub *hub, struct wr_hub_numbers *ret_numbers);
/* Sessions made since it opened: if it moved on, machines may be where they were not. */
uint64_t wr_hub_handshakes(struct wr_hub *hub);
/* Of one organisation. False if it is not there. */
struct wr_hub_org_numbers {
	size_t machines, online;
	size_t flows;
	uint64_t forwarded_packets, forwarded_bytes;
	uint64_t denied_packets; /* by policy */
	uint64_t lost_packets;   /* to nobody of this organisation */
	bool has_gateway;
};
bool wr_hub_count_org(struct wr_hub *hub, uint64_t number, struct wr_hub_org_numbers *ret_numbers);

/* Compares what is with what should be, and mends it; the hub does so by itself every
 * few seconds. */
void wr_hub_repair(struct wr_hub *hub);
