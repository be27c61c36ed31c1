#include "wg/replay.h"

#include "wg/timing.h"

#define BITMAP_BITS 16
#define LAP_LIMIT (UINT64_C(1) << 48)

static_assert(WR_REPLAY_BLOCK == BITMAP_BITS, "a block's counters are the bits of its word");
static_assert(WR_REJECT_AFTER_MESSAGES / WR_REPLAY_WINDOW < LAP_LIMIT, "a lap fits its 48 bits");

void wr_replay_init(struct wr_replay *replay)
{
	/* All zero: lap 0 everywhere, nothing seen in it. */
	for (size_t i = 0; i < WR_REPLAY_WORDS; i++)
		atomic_init(&replay->words[i], 0);
}

/* What a word becomes when a counter of `lap` with this bit is accepted; the
 * word itself if the counter is to be refused. */
static uint64_t word_with(uint64_t word, uint64_t lap, uint64_t bit)
{
	uint64_t held = word >> BITMAP_BITS;

	if (held > lap)
		return word;
	if (held < lap)
		return lap << BITMAP_BITS | bit;
	return word | bit;
}

bool wr_replay_accept(struct wr_replay *replay, uint64_t counter)
{
	if (counter >= WR_REJECT_AFTER_MESSAGES)
		return false;

	uint64_t block = counter / WR_REPLAY_BLOCK;
	uint64_t bit = UINT64_C(1) << counter % WR_REPLAY_BLOCK;
	_Atomic uint64_t *word = &replay->words[block % WR_REPLAY_WORDS];
	uint64_t old = atomic_load_explicit(word, memory_order_relaxed);
	uint64_t new;

	do {
		new = word_with(old, block / WR_REPLAY_WORDS, bit);
		if (new == old)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(word, &old, new, memory_order_relaxed,
							memory_order_relaxed));
	return true;
}
