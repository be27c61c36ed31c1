/* The pulse: what two members tell each other inside their tunnel, so that both find the best
 * path between them at the same time, and know how well it does.
 *
 *     version (1), flags, candidates, heard           1 byte each
 *     instance, echoed instance                       32 bits each, as all numbers big-endian
 *     sequence, round                                 32
 *     received, received before                       32
 *     held, in microseconds                           32
 *     time, echo, in microseconds                     64
 *     candidates: kind, endpoint                      8 at most
 *     heard: endpoint, age in milliseconds (32)       4 at most
 *
 * An endpoint is 4 or 6, the address in 4 or 16 bytes, and the port in 16 bits.
 *
 * Floor 2.  No state.  Source: docs/agents.md, "Paths". */
#pragma once

#include "base/base.h"
#include "base/ip.h"

#define WR_PULSE_MAX_LEN 400
#define WR_PULSE_CANDIDATES 8
#define WR_PULSE_HEARD 4
#define WR_PULSE_KINDS 4

enum {
	WR_PULSE_ASKS = 1,   /* answer at once */
	WR_PULSE_DIRECT = 2, /* the sender's traffic goes directly */
	WR_PULSE_FELL = 4,   /* it went directly, in vain: the sender is back on the relay */
	/* The sender's endpoint follows what it receives, and it sees where a pulse came from, but
	 * not an empty packet: it is to be probed by pulses. */
	WR_PULSE_FOLLOWS = 8,
};
#define WR_PULSE_FLAGS 15

struct wr_pulse_candidate {
	uint8_t kind; /* below WR_PULSE_KINDS */
	struct wr_endpoint endpoint;
};

/* Where the sender heard the receiver, but for the relay. */
struct wr_pulse_heard {
	struct wr_endpoint endpoint;
	uint32_t age_ms; /* when the pulse was sent */
};

struct wr_pulse {
	uint8_t flags;
	uint32_t instance;      /* random, of the sender's life */
	uint32_t echo_instance; /* the receiver's, as the sender knows it; 0: not yet */
	uint32_t sequence;      /* of the sender's pulses, from 1 */
	uint32_t round;         /* of probes, that the receiver is to join; 0: none */
	uint32_t received;      /* the receiver's newest sequence that came; 0: none */
	uint32_t received_bits; /* which of the 32 before that came: bit 0 is the one before */
	uint32_t held_us;       /* since that came */
	uint64_t time_us;       /* the sender's clock, of any beginning */
	uint64_t echo_us;       /* the time in the newest that came */
	uint8_t candidate_count, heard_count;
	struct wr_pulse_candidate candidates[WR_PULSE_CANDIDATES];
	struct wr_pulse_heard heard[WR_PULSE_HEARD];
};

/* False, and *ret is left alone, if it is none that we know. */
bool wr_pulse_read(struct wr_bytes datagram, struct wr_pulse *ret_pulse) WR_MUST_CHECK;
/* The length. */
size_t wr_pulse_write(const struct wr_pulse *pulse, uint8_t ret_data[WR_PULSE_MAX_LEN]);
