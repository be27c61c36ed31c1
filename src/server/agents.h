/* The agents' channels: who is connected, what each is told of its network, and what they report.
 *
 * An organisation that has agents has a *world*: its machines as maps need them, with the view
 * of its policy (policy/view.h). It is read on the ledger's thread when something of it changed,
 * and compared with the one before on the loop's: each connected agent is sent what is new for it.
 *
 * Floor 8.  On the loop's thread, but for what says "any thread".
 * Source: docs/agents.md, "The channel". */
#pragma once

#include <jansson.h>

#include "base/base.h"
#include "http/server.h"
#include "hub/hub.h"

struct wr_call;
struct wr_server;
struct wr_agents;

/* Channels at one time; more are asked to come back. */
#define WR_AGENTS_MAX 50000

/* 0 or a negative errno. */
int wr_agents_open(struct wr_server *server, struct wr_agents **ret_agents) WR_MUST_CHECK;
/* Closes all channels with "the server ends"; then the loop has to run until `closed`. Who asks
 * afterwards is told that nobody is connected. */
void wr_agents_close(struct wr_agents *agents, void (*closed)(void *context), void *context);
/* After `closed`. NULL is fine; returns NULL. */
struct wr_agents *wr_agents_free(struct wr_agents *agents);

/* `serve` of the operation GET /api/v1/agent, by whom it may: becomes a channel, or fails. */
void wr_agents_serve(struct wr_call *call);

/* Something of the organisation changed (0: perhaps everything), on the disk: its agents hear of
 * it within a few milliseconds; several changes in one go. */
void wr_agents_org_changed(struct wr_agents *agents, int64_t org);
/* The same, where only this machine's row is another (its key, the routes that are in force): the
 * others are not read again. */
void wr_agents_machine_changed(struct wr_agents *agents, int64_t org, int64_t machine);
/* The machine is removed, disabled, or has another token: its channel ends with a word. */
void wr_agents_end(struct wr_agents *agents, int64_t machine, const char *reason, const char *text);

/* What the machine's agent tells of itself; NULL if it is not connected. Any thread: JSON
 * {version, backend, connected_since, nat, peers: [{machine, path, reason, endpoint, latency_us,
 * loss_permille, latest_handshake, rx_bytes, tx_bytes}]}. */
json_t *wr_agents_json(struct wr_agents *agents, int64_t machine);
/* True if the machine has a channel that lives: one that does not answer does not. Any thread. */
bool wr_agents_is_connected(struct wr_agents *agents, int64_t machine);

/* --- For server/sights.h, and the server's clock. --- */
/* Five times a second: pings, ends, and what is to be written. */
void wr_agents_tick(struct wr_agents *agents);
/* What the hub sees of a machine. Where it has an agent, whether it is online is said here. */
void wr_agents_see(struct wr_agents *agents, const struct wr_hub_sight *sight, bool *ret_is_online);
/* True if `is_online` of its sight is all there is to say of it, whatever its row says. The
 * loop's. */
bool wr_agents_has_agent(const struct wr_agents *agents, int64_t machine);
/* It came or went; its endpoint is another: those who may learn of it do. */
void wr_agents_set_online(struct wr_agents *agents, int64_t org, int64_t machine, bool is_online);
void wr_agents_set_observed(struct wr_agents *agents, int64_t org, int64_t machine,
			    const struct wr_endpoint *endpoint);

struct wr_agents_numbers {
	size_t connected, orgs;
	uint64_t maps, deltas, bytes, refused;
	size_t paths[4]; /* pairs by the path that they reported: none, relayed, direct, hub */
};
void wr_agents_count(const struct wr_agents *agents, struct wr_agents_numbers *ret_numbers);
