#include "engine/counters.h"

static uint64_t read_counter(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void wr_tally_sum(const struct wr_tally *tally, struct wr_counters *sum)
{
	for (size_t i = 0; i < WR_VERDICTS; i++)
		sum->verdicts[i] += read_counter(&tally->verdicts[i]);
	sum->rx_packets += read_counter(&tally->rx_packets);
	sum->tx_packets += read_counter(&tally->tx_packets);
	sum->sent_cookies += read_counter(&tally->sent_cookies);
	sum->relayed_packets += read_counter(&tally->relayed_packets);
	sum->relayed_bytes += read_counter(&tally->relayed_bytes);
	sum->relay_refused += read_counter(&tally->relay_refused);
	sum->stun_answers += read_counter(&tally->stun_answers);
	sum->knocks += read_counter(&tally->knocks);
}
