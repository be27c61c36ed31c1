/* The constants of time of the protocol, as values, so that a simulation or a
 * test can run with others.
 *
 * Floor 3.  Source: WireGuard paper, section 6.1; kernel messages.h. */
#pragma once

#include "base/base.h"

struct wr_timing {
	struct wr_span rekey_after;       /* initiator starts a new handshake when it sends */
	struct wr_span reject_after;      /* keys are not used any more */
	struct wr_span rekey_attempt;     /* retries of a handshake end */
	struct wr_span rekey_timeout;     /* between two initiations to one peer */
	struct wr_span keepalive_timeout; /* received data but sent nothing: keepalive */
	struct wr_span jitter;            /* at most this is added to a retry */
	struct wr_span cookie_lifetime;
};

/* 120, 180, 90, 5, 10 s, 333 ms, 120 s. */
extern const struct wr_timing wr_timing_paper;

/* The same, each divided by `factor` (1 or more). */
struct wr_timing wr_timing_scaled(uint32_t factor);

/* Counters: an initiator asks for new keys at 2^60 messages; a sender stops and a
 * receiver refuses at this one. The paper's limit is 2^64 - 2^13 - 1; ours is
 * smaller because the replay window keeps 48 bits of lap, and nobody
 * sends 2^61 messages in the 180 s that a session lives. */
#define WR_REKEY_AFTER_MESSAGES (UINT64_C(1) << 60)
#define WR_REJECT_AFTER_MESSAGES ((UINT64_C(1) << 61) - 1)
