/* Counters that one thread writes and any may read: plain adds, no bus lock.
 *
 * Floor 5. */
#pragma once

#include <stdatomic.h>

#include "base/base.h"
#include "base/verdict.h"
#include "engine/engine.h"

struct wr_tally {
	_Atomic uint64_t verdicts[WR_VERDICTS];
	_Atomic uint64_t rx_packets, tx_packets, sent_cookies;
	_Atomic uint64_t relayed_packets, relayed_bytes, relay_refused, stun_answers, knocks;
};

/* Only the thread that owns the tally. */
static inline void wr_tally_add(_Atomic uint64_t *counter, uint64_t count)
{
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);

	atomic_store_explicit(counter, value + count, memory_order_relaxed);
}

static inline void wr_tally_drop(struct wr_tally *tally, enum wr_verdict verdict)
{
	wr_tally_add(&tally->verdicts[verdict], 1);
}

/* Adds what `tally` holds to *sum. */
void wr_tally_sum(const struct wr_tally *tally, struct wr_counters *sum);
