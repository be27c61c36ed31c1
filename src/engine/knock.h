/* Knocks on the port: datagrams that are neither WireGuard's nor STUN's, for who owns the engine.
 * No more of them reach the control thread than a budget allows, so that who knocks does not
 * crowd out handshakes.
 *
 * Floor 5, for this folder only.  Source: docs/mesh.md, "Knocks". */
#pragma once

#include "base/base.h"
#include "base/verdict.h"
#include "engine/engine.h"
#include "linux/udp.h"

struct wr_worker;

/* True if it looks like one; what is in it, who gets it judges. */
static inline bool wr_knock_is(struct wr_bytes datagram)
{
	return datagram.len > 0 && datagram.len <= WR_ENGINE_KNOCK_MAX_LEN &&
	       datagram.data[0] == WR_ENGINE_KNOCK_FIRST;
}

/* `workers` share what all strangers together may send. NULL where memory is short. */
struct wr_budget *wr_knock_budget_new(unsigned workers);
/* A worker: one for the control thread. WR_TAKEN, WR_DROP_BUDGET or WR_DROP_QUEUE. */
enum wr_verdict wr_knock_take(struct wr_worker *worker, const struct wr_udp_burst *burst,
			      struct wr_bytes datagram);
