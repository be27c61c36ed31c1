/* The replay window: each counter is accepted at most once, by however many
 * threads ask at a time, without a lock.
 *
 * Counters are cut into blocks of 16, blocks into laps of WR_REPLAY_WORDS. The
 * window is a ring of words: a block's word is block % WR_REPLAY_WORDS and holds
 * 48 bits of lap (block / WR_REPLAY_WORDS) over 16 bits of bitmap. One
 * compare-and-swap sets a counter's bit or moves the word on to a newer lap; a
 * word that has moved past a block refuses the block's counters as too old. So
 * what is at least WR_REPLAY_WINDOW behind the newest of its word is refused,
 * and what was accepted is never accepted again.
 *
 * Floor 3.  Any thread.  Source: RFC 6479 (the idea of a blocked window). */
#pragma once

#include <stdatomic.h>

#include "base/base.h"

#define WR_REPLAY_WORDS 512
#define WR_REPLAY_BLOCK 16
#define WR_REPLAY_WINDOW (WR_REPLAY_WORDS * WR_REPLAY_BLOCK) /* 8192, as the kernel has */

struct wr_replay {
	_Atomic uint64_t words[WR_REPLAY_WORDS];
};

/* An empty window. */
void wr_replay_init(struct wr_replay *replay);

/* True exactly once for a counter below WR_REJECT_AFTER_MESSAGES that is not
 * too old; false for every other. Only for authentic packets. */
bool wr_replay_accept(struct wr_replay *replay, uint64_t counter) WR_MUST_CHECK;
