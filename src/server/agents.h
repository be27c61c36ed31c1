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
#include "path/path.h"

struct wr_server;
struct wr_agents;

/* Channels at one time; more are asked to come back. */
#define WR_AGENTS_MAX 50000

/* 0 or a negative errno. */
int wr_agents_open(struct wr_server *server, struct wr_agents **ret_agents) WR_MUST_CHECK;
/* Closes all channels with "the server ends"; then the loop has to run until `closed`. */
void wr_agents_close(struct wr_agents *agents, void (*closed)(void *context), void *context);

/* A request for the channel (GET /api/v1/agent): becomes one, or is answered with a problem. */
void wr_agents_take(struct wr_agents *agents, struct wr_http_request *request);

/* Something of the organisation changed (0: perhaps everything), on the disk: its agents hear of
 * it within a few milliseconds; several changes in one go. */
void wr_agents_org_changed(struct wr_agents *agents, int64_t org);
/* The machine is removed, disabled, or has another token: its channel ends with a word. */
void wr_agents_end(struct wr_agents *agents, int64_t machine, const char *reason, const char *text);

/* What the machine's agent tells of itself; NULL if it is not connected. Any thread: JSON
 * {version, backend, connected_since, nat, peers: [{machine, path, reason, endpoint, latency_us,
 * loss_permille, latest_handshake, rx_bytes, tx_bytes}]}. */
json_t *wr_agents_json(struct wr_agents *agents, int64_t machine);
/* True if the machine has a channel that lives. Any thread. */
bool wr_agents_is_connected(struct wr_agents *agents, int64_t machine);

struct wr_agents_numbers {
	size_t connected;
	uint64_t maps, deltas, bytes, refused;
};
void wr_agents_count(const struct wr_agents *agents, struct wr_agents_numbers *ret_numbers);
