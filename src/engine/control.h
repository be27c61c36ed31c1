/* The control side of the engine: reads the workers' letters, runs the port's
 * state machine, and does what it asks.
 *
 * Floor 5, for this folder only.  The control thread's. */
#pragma once

#include "engine/staging.h"
#include "engine/worker.h"

/* Randomness drawn at a time: garbage that is refused before it is used up should
 * not cost a system call each. */
#define WR_ENTROPY_POOL 64

struct wr_engine {
	struct wr_shared shared;
	struct wr_staging staging;
	struct wr_tally tally;
	struct wr_aead_context *aead_context;
	struct wr_outbox outbox;
	struct wr_entropy entropy[WR_ENTROPY_POOL]; /* the first `entropy_left` are fresh */
	unsigned entropy_left;
	struct wr_instant loaded_until; /* handshakes must show a cookie until then */
	struct wr_instant reclaim_due;  /* WR_NEVER if nothing waits to be freed */
	struct wr_retire_list retired;  /* of the engine itself; the port has its own */
	uint64_t generation;            /* of the newest socket set */
	bool has_started;
	void (*wants_tun)(void *context, struct wr_device *device);
	void (*heard)(void *context, const struct wr_peer *peer, const struct wr_endpoint *from);
	void (*shook)(void *context, const struct wr_peer *peer);
	void (*wanted)(void *context, const struct wr_peer *peer);
	bool (*may_relay)(void *context, const struct wr_peer *from, const struct wr_peer *to);
	void (*knocked)(void *context, struct wr_bytes datagram, const struct wr_endpoint *from);
	void *context;
	struct wr_worker *workers; /* shared.worker_count of them */
};

/* --- control_send.c --- */
/* Nothing where there is no session. */
void wr_control_send_keepalive(struct wr_engine *engine, struct wr_peer *peer,
			       struct wr_instant now);
/* What waited for a session with the peer; false if nothing did. */
bool wr_control_send_staged(struct wr_engine *engine, struct wr_peer *peer, struct wr_instant now);
/* Of kind WR_OUTPUT_DATAGRAM. */
void wr_control_send_datagram(struct wr_engine *engine, struct wr_output *output);

/* --- control.c --- */
/* One turn; false if there is more to do at once. */
bool wr_control_turn(struct wr_engine *engine);
/* At the engine's end: of all devices. */
void wr_attachments_free(struct wr_engine *engine);
/* Frees what was retired, after a grace period. */
void wr_control_reclaim(struct wr_engine *engine);
