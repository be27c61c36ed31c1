/* Engines for tests, on the loopback of a network namespace of their own, with
 * TUN devices that are socket pairs; and a peer that is played by hand.
 *
 * A test runs the control side of its engines itself, from one thread. */
#pragma once

#include "crypto/aead.h"
#include "engine/engine.h"
#include "unit.h"

/* Nothing that is waited for takes as long. */
#define PATIENCE_MS 20000
/* One read of a queue's end: the header of virtio, and a packet. */
#define END_READ_MAX (10 + 65535)

/* Group setup: a namespace with a loopback that is up; the crypto libraries. */
int engines_setup(void **state);

struct side {
	struct wr_engine *engine;
	struct wr_device *device;
	struct wr_key public_key;
	struct wr_instant due; /* what wr_engine_run() said; 0 after a change */
	struct wr_tun tun;
	int ends[WR_TUN_MAX_QUEUES]; /* what the kernel would hold of the TUN */
};

/* An engine that runs and listens, with one device that is up. Timers of the
 * protocol are divided by `factor`. */
void side_open(struct side *side, unsigned workers, bool has_offload, uint32_t factor);
/* The same for one that relays between peers as `may_relay` says (NULL: not), and answers STUN. */
void side_open_relay(struct side *side, unsigned workers,
		     bool (*may_relay)(void *context, const struct wr_peer *from,
				       const struct wr_peer *to),
		     void *context);
/* The same for one that tells of knocks. */
void side_open_knocked(struct side *side, unsigned workers,
		       void (*knocked)(void *context, struct wr_bytes datagram,
				       const struct wr_endpoint *from),
		       void *context);
void side_close(struct side *side);
/* Runs it once; after each change by the test. */
void side_turn(struct side *side);
uint64_t side_verdicts(const struct side *side, enum wr_verdict verdict);
/* 127.0.0.1 and the port that it listens on. */
struct wr_endpoint side_endpoint(const struct side *side);
struct wr_endpoint loopback_endpoint(uint16_t port);

/* A new peer of the side's device; `prefix` is what is routed to it ("10.0.0.0/8",
 * NULL: nothing). */
struct wr_peer *side_add_peer(struct side *side, const struct wr_key *public_key,
			      const struct wr_endpoint *endpoint, const char *prefix);

/* Runs the sides, each when it asks for it and not sooner, until `fd` (-1: none) is
 * readable, true; or until `ms` have passed, false. */
bool sides_run(struct side *const *sides, unsigned count, int fd, unsigned ms);
/* Runs it until so many were counted; the test fails if that takes too long. */
void side_await(struct side *side, enum wr_verdict verdict, uint64_t count);

/* --- The peer by hand: an own port, and a socket. --- */

struct puppet {
	struct side *side; /* whom it talks to */
	struct wr_port *port;
	struct wr_device *device;
	struct wr_peer *peer;    /* the side's device, as the puppet sees it */
	struct wr_peer *as_peer; /* the puppet, as the side's device sees it */
	const struct wr_aead *aead;
	struct wr_aead_context *context;
	int fd;
	struct wr_endpoint self;
};

/* What came to the puppet: a message, opened if it is one of a session. */
struct heard {
	uint8_t type; /* of the message */
	uint8_t tos;
	uint64_t counter;
	uint32_t len; /* of the plaintext, or of the datagram */
	uint8_t bytes[65536];
};

/* A puppet that is a peer of `side` with `prefix` routed to it; the side knows its
 * address if `is_known`. */
void puppet_open(struct puppet *puppet, struct side *side, const char *prefix, bool is_known);
void puppet_close(struct puppet *puppet);
/* Another socket, on another port; it speaks and hears there from now on. */
void puppet_move(struct puppet *puppet);
/* The next datagram; the test fails if none comes. Handshakes are not answered. */
void puppet_hear(struct puppet *puppet, struct heard *ret_heard);
/* Answers the initiation that was heard: a response goes out. */
void puppet_answer(struct puppet *puppet, const struct heard *heard);
/* The whole handshake, begun by the puppet. Ends when the side has confirmed. */
void puppet_shake_hands(struct puppet *puppet);
void puppet_send(const struct puppet *puppet, const void *datagram, size_t len, uint8_t tos);
/* A transport message with `counter` and this plaintext; returns its length. */
size_t puppet_seal(const struct puppet *puppet, uint64_t counter, const uint8_t *plain, size_t len,
		   uint8_t *ret_message);
