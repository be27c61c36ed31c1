#include "wg/match.h"

/* Up to so many keys, comparing mac1 with all costs about what it costs to receive
 * the datagram (64 keys: 1.6 us): nobody is asked to pay. */
#define FREE_KEYS 64

/* A token is the look-up of so many keys. */
#define KEYS_PER_TOKEN 64

/* A key costs about 30 ns, a token 2 us: 25,000 tokens are 0.05 s of a core, so
 * strangers get a twentieth of one core in all (160 scans of 10,000 keys a second),
 * and a source prefix a tenth of that. A prefix is what one owner is commonly
 * given: IPv4 /24, IPv6 /48. They may come all at once: they are one second's. */
const struct wr_budget_rule wr_match_budget = {
	.per_second = 2500,
	.burst = 2500,
	.all_per_second = 25000,
	.all_burst = 25000,
	.prefix4 = 24,
	.prefix6 = 48,
};

struct question {
	const uint8_t *input, *mac1;
	const struct wr_endpoint *from;
};

static bool is_for(const struct wr_port *port, size_t slot, const struct question *question)
{
	return slot < port->by_slot_len && port->by_slot[slot] &&
	       wr_mac1_set_check(port->keys, slot, question->input, question->mac1);
}

/* The slot that the source used last, if it is the right one again. */
static size_t look_at_last(const struct wr_port *port, const struct question *question)
{
	size_t slot = WR_MAC1_NONE;

	if (port->sources)
		slot = wr_source_cache_get(port->sources, question->from);
	return is_for(port, slot, question) ? slot : WR_MAC1_NONE;
}

static void remember(struct wr_port *port, const struct wr_endpoint *from, size_t slot)
{
	if (!port->sources)
		port->sources = wr_source_cache_new(&port->hash_key);
	if (port->sources)
		wr_source_cache_put(port->sources, from, slot);
}

static enum wr_verdict look_at_all(struct wr_port *port, const struct question *question,
				   struct wr_instant now, size_t *ret_slot)
{
	size_t keys = wr_mac1_set_count(port->keys);
	uint32_t tokens = (uint32_t)((keys + KEYS_PER_TOKEN - 1) / KEYS_PER_TOKEN);
	size_t slot;

	if (!wr_budget_take(port->lookups, &question->from->ip, tokens, now))
		return WR_DROP_BUDGET;
	slot = wr_mac1_set_find(port->keys, question->input, question->mac1);
	if (slot == WR_MAC1_NONE)
		return WR_DROP_MAC1;
	wr_budget_return(port->lookups, &question->from->ip, tokens, now);
	remember(port, question->from, slot);
	*ret_slot = slot;
	return WR_TAKEN;
}

static enum wr_verdict find_slot(struct wr_port *port, const struct question *question,
				 struct wr_instant now, size_t *ret_slot)
{
	if (wr_mac1_set_count(port->keys) <= FREE_KEYS)
		*ret_slot = wr_mac1_set_find(port->keys, question->input, question->mac1);
	else
		*ret_slot = look_at_last(port, question);
	if (*ret_slot != WR_MAC1_NONE)
		return WR_TAKEN;
	if (wr_mac1_set_count(port->keys) <= FREE_KEYS)
		return WR_DROP_MAC1;
	return look_at_all(port, question, now, ret_slot);
}

enum wr_verdict wr_match_initiation(struct wr_port *port, struct wr_bytes datagram,
				    const struct wr_endpoint *from, struct wr_instant now,
				    struct wr_device **ret_device)
{
	struct question question = { datagram.data, datagram.data + WR_MAC1_INPUT_LEN, from };
	enum wr_verdict verdict;
	size_t slot;

	assert(datagram.len == WR_INITIATION_LEN);
	verdict = find_slot(port, &question, now, &slot);
	if (verdict != WR_TAKEN)
		return verdict;
	/* A device that is down is not there. */
	if (!port->by_slot[slot]->is_up)
		return WR_DROP_MAC1;
	*ret_device = port->by_slot[slot];
	return WR_TAKEN;
}
