/* What the hub sees of machines: last handshake, where they are, traffic; and who came
 * or went. The loop looks every two seconds, or oftener where there are agents, and after
 * handshakes; `run` reads it on the ledger's
 * thread. What is seen goes to the machines' rows every 30 seconds and at the end; a handshake or a
 * new endpoint at once, for a hub that starts again begins with these.
 *
 * Floor 8.  Any thread where it says so: one mutex.  As many as the hub has machines. */
#pragma once

#include "base/base.h"
#include "base/ip.h"

struct wr_server;
struct wr_sights;

/* A machine without an agent is online for so long after its last authentic packet (with keepalives
 * of 25 seconds, and rekeying after 120: docs/hub.md); for others see server/agents.h. */
#define WR_ONLINE_SECONDS 180

/* Beyond what the machine's row says: newer, or more. */
struct wr_sight {
	int64_t latest_handshake, last_seen; /* seconds since 1970; 0: the row knows better */
	struct wr_endpoint endpoint;         /* family none: the row knows better */
	uint64_t rx_bytes, tx_bytes;         /* to be added to the row's */
	bool is_online;
	bool is_judged; /* by its agent's channel too: is_online is all there is to say */
};

/* NULL where memory is short. */
struct wr_sights *wr_sights_new(struct wr_server *server);
/* NULL is fine; returns NULL. */
struct wr_sights *wr_sights_free(struct wr_sights *sights);

/* Of the machine with this row; all zero where nothing was seen. Any thread; but to be
 * added to a row that was read on the ledger's thread in the same call of `run`. */
struct wr_sight wr_sights_of(struct wr_sights *sights, int64_t machine);
/* How many machines of the organisation (0: of all) are online. Any thread. */
size_t wr_sights_online(struct wr_sights *sights, int64_t org);

/* Asks the hub, tells of who came and went, and from time to time enters what was seen in
 * the ledger. The loop's thread, every two seconds. */
void wr_sights_tick(struct wr_sights *sights);
/* It came or went, as its agent's channel tells. The loop's thread. */
void wr_sights_set_online(struct wr_sights *sights, int64_t org, int64_t machine, bool is_online);
/* True if there were handshakes since it was asked last: machines are where they were not. */
bool wr_sights_are_due(struct wr_sights *sights);
/* Looks once more, and enters all that was seen in the ledger. */
void wr_sights_flush(struct wr_sights *sights);
