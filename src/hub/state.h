/* What the hub holds: organisations with their machines, as they should be, and what
 * the engine has been given for them.
 *
 * Floor 7, for this folder only: structs are open here. The loop's thread. */
#pragma once

#include "base/map.h"
#include "crypto/noise.h"
#include "hub/gateway.h"
#include "hub/hub.h"
#include "hub/stun_port.h"
#include "policy/filter.h"
#include "tunnel/driver.h"
#include "wg/port.h"

#define WR_HUB_LABEL_LEN (WR_DNS_LABEL_MAX + 1) /* with its NUL */

struct wr_hub_org_state;

struct wr_hub_machine_state {
	struct wr_hub_org_state *org;
	uint64_t number;
	uint32_t slot; /* in the ruleset, and of its peer; from 1: 0 is a stranger's */
	char label[WR_HUB_LABEL_LEN];
	struct wr_key public_key, preshared_key;
	struct wr_ip v4, v6;
	struct wr_prefix *routes;
	size_t route_count;
	char **tags;
	size_t tag_count;
	bool is_off; /* it has no peer */

	/* What was seen. */
	uint64_t rx_before, tx_before; /* of peers that it had before */
	uint64_t rx_seen;              /* of the peer, when it was looked at last */
	struct wr_wall last_seen;
	struct wr_endpoint endpoint;             /* where it was; family none: nowhere yet */
	struct wr_hub_machine_state *label_next; /* same hash of the label */
};

struct wr_hub_org_state {
	struct wr_hub *hub;
	uint64_t number;
	char label[WR_HUB_LABEL_LEN];
	struct wr_key private_key;
	struct wr_prefix range4, range6;
	struct wr_ip own4, own6; /* the first addresses of the ranges */
	bool is_enabled;
	struct wr_device *device;
	struct wr_filter *filter;
	struct wr_policy *policy; /* as it was set; NULL: nothing passes */
	uint64_t policy_version;
	uint64_t ruleset_version;
	bool has_policy_fault;
	struct wr_map machines; /* by number */
	struct wr_map labels;   /* by hash */

	/* Slots; by_slot[0] stays empty. Those that were let go rest until a grace period. */
	struct wr_hub_machine_state **by_slot;
	uint32_t slot_room, slot_next;
	uint32_t *free_slots, *resting_slots;
	uint32_t free_count, resting_count;

	bool is_stale; /* its ruleset is to be compiled */
	struct wr_hub_org_state *stale_next;

	struct wr_gateway *gateway;
	bool is_opening;                 /* a gateway is on its way */
	struct wr_instant gateway_after; /* no new attempt before this */
};

struct wr_hub_waiter {
	void (*settled)(void *context);
	void *context;
	struct wr_hub_waiter *next;
};

struct wr_hub {
	uv_loop_t *loop;
	struct wr_hub_config config;
	char dns_suffix[WR_HUB_LABEL_LEN];
	char tag[WR_GATEWAY_TAG_LEN];
	struct wr_engine *engine;
	struct wr_driver driver;
	struct wr_siphash_key hash_key;
	struct wr_map orgs; /* by number */
	uint16_t port;
	struct wr_stun_port *stun; /* NULL: not open */
	struct wr_hub_org_state *stale;
	struct wr_hub_waiter *waiters, **waiters_end;
	size_t gateways;
	uint64_t repairs;
	uint64_t policy_faults;

	uv_idle_t settle; /* active while something is to be settled */
	uv_timer_t repair_timer;
	uv_timer_t wake_timer; /* while machines are to be woken */
	uint64_t *wakes;       /* org and machine numbers, in pairs, that wait */
	size_t wake_count, wake_room, wake_at;
	unsigned open_things; /* that have yet to call back that they are gone */
	bool is_closing;
	void (*closed)(void *context);
	void *closed_context;
};

/* --- orgs.c --- */
struct wr_hub_org_state *wr_hub_org(const struct wr_hub *hub, uint64_t number);
void wr_hub_org_free(struct wr_hub_org_state *org);
/* Its device as it should be; true if something had to be done. */
bool wr_hub_mend_device(struct wr_hub_org_state *org);

/* --- machines.c --- */
struct wr_hub_machine_state *wr_hub_machine(const struct wr_hub_org_state *org, uint64_t number);
struct wr_hub_machine_state *wr_hub_machine_labelled(const struct wr_hub_org_state *org,
						     const char *label);
/* The peer that stands for it; NULL if it is not there. */
struct wr_peer *wr_hub_peer_of(const struct wr_hub_machine_state *machine);
/* Its peer as it should be; true if something had to be done. */
bool wr_hub_mend_peer(struct wr_hub_machine_state *machine);
void wr_hub_machine_free(struct wr_hub_machine_state *machine);
/* Room for the flows of as many machines as there are; and frees what held them before. */
void wr_hub_make_room(struct wr_hub_org_state *org);
/* Begins a handshake with it, in its turn. */
void wr_hub_wake(struct wr_hub_machine_state *machine);
void wr_hub_wake_some(uv_timer_t *timer);

/* --- force.c: policies into force --- */
/* Something changed that the ruleset depends on. */
void wr_hub_stale(struct wr_hub_org_state *org);
void wr_hub_unstale(struct wr_hub_org_state *org);
/* The machine into its slot of the ruleset that is in force, or a new one soon. */
void wr_hub_place(struct wr_hub_machine_state *machine);
/* An empty ruleset, which lets nothing pass. */
struct wr_ruleset *wr_hub_nothing(void);
void wr_hub_settle_now(uv_idle_t *idle);
/* There is something to settle. */
void wr_hub_unsettle(struct wr_hub *hub);

/* --- relay.c --- */
/* May machines of one organisation talk through the port, unopened: wr_engine_config. */
bool wr_hub_may_relay(void *context, const struct wr_peer *from, const struct wr_peer *to);
/* Who may is another question now: those that may not stop. */
void wr_hub_review_relay(struct wr_hub_org_state *org);

/* --- doors.c: gateways --- */
void wr_hub_wants_gateway(void *context, struct wr_device *device);
void wr_hub_close_gateway(struct wr_hub_org_state *org);
/* True if it was not whole and is opened again. */
bool wr_hub_mend_gateway(struct wr_hub_org_state *org);

/* --- hub.c --- */
/* One of the open things is. */
void wr_hub_gone(struct wr_hub *hub);
_Noreturn void wr_hub_no_memory(void);
