/* Whom an initiation is for. */
#include <stdlib.h>
#include <string.h>

#include "wg/port.h"
#include "wg/relay_parts.h"

#define KEYS_PER_TOKEN 64

/* --- The keys of a network. --- */

static bool by_slot_reserve(struct wr_relay_network *network, size_t slot)
{
	size_t len = network->by_slot_len ? 2 * network->by_slot_len : 16;
	struct wr_peer **by_slot;

	if (slot < network->by_slot_len)
		return true;
	while (len <= slot)
		len *= 2;
	by_slot = reallocarray(network->by_slot, len, sizeof(struct wr_peer *));
	if (!by_slot)
		return false;
	memset(by_slot + network->by_slot_len, 0,
	       (len - network->by_slot_len) * sizeof(struct wr_peer *));
	network->by_slot = by_slot;
	network->by_slot_len = len;
	return true;
}

/* Who finds no room is no target; its next handshake with us is as good a time to try. */
static void add_key(struct wr_relay_network *network, struct wr_peer *peer)
{
	struct wr_relay_member *member = wr_relay_member_of(peer);
	size_t slot = member ? wr_mac1_set_add(network->keys, &peer->public_key) : WR_MAC1_NONE;

	if (slot == WR_MAC1_NONE)
		return;
	if (!by_slot_reserve(network, slot)) {
		wr_mac1_set_remove(network->keys, slot);
		return;
	}
	member->key_slot = slot;
	network->by_slot[slot] = peer;
}

void wr_relay_enter(struct wr_peer *peer)
{
	struct wr_relay_network *network = peer->device->relay;

	if (network && network->keys)
		add_key(network, peer);
}

void wr_relay_leave(struct wr_peer *peer)
{
	struct wr_relay_network *network = peer->device->relay;
	struct wr_relay_member *member = peer->relay;

	if (!member)
		return;
	wr_relay_forget(peer);
	if (member->key_slot != WR_MAC1_NONE) {
		wr_mac1_set_remove(network->keys, member->key_slot);
		network->by_slot[member->key_slot] = NULL;
	}
	free(member);
	peer->relay = NULL;
}

void wr_relay_leave_device(struct wr_device *device)
{
	struct wr_relay_network *network = device->relay;

	if (!network)
		return;
	assert(!network->pair_first);
	wr_mac1_set_free(network->keys);
	free(network->by_slot);
	free(network);
	device->relay = NULL;
}

/* NULL where memory is short. */
static struct wr_relay_network *with_keys(struct wr_device *device)
{
	struct wr_relay_network *network = wr_relay_network_of(device);

	if (!network || network->keys)
		return network;
	network->keys = wr_mac1_set_new();
	if (!network->keys)
		return NULL;
	for (struct wr_peer *peer = device->peer_first; peer; peer = peer->list_next)
		add_key(network, peer);
	return network;
}

/* --- Whom is it for? --- */

struct question {
	const uint8_t *input, *mac1;
	const struct wr_endpoint *source;
	struct wr_instant now;
};

static bool is_for_ourselves(const struct wr_device *device, const struct question *question)
{
	return device->mac1_slot != WR_MAC1_NONE &&
	       wr_mac1_set_check(device->port->keys, device->mac1_slot, question->input,
				 question->mac1);
}

static bool is_for(const struct wr_relay_network *network, size_t slot,
		   const struct question *question)
{
	return slot < network->by_slot_len && network->by_slot[slot] &&
	       wr_mac1_set_check(network->keys, slot, question->input, question->mac1);
}

static enum wr_verdict look_at_all(const struct wr_relay *relay,
				   const struct wr_relay_network *network,
				   const struct question *question, size_t *ret_slot)
{
	size_t keys = wr_mac1_set_count(network->keys);
	uint32_t tokens = (uint32_t)((keys + KEYS_PER_TOKEN - 1) / KEYS_PER_TOKEN);

	if (!wr_budget_take(relay->lookups, &question->source->ip, tokens, question->now))
		return WR_DROP_BUDGET;
	*ret_slot = wr_mac1_set_find(network->keys, question->input, question->mac1);
	return *ret_slot == WR_MAC1_NONE ? WR_DROP_MAC1 : WR_TAKEN;
}

static enum wr_verdict match_in(const struct wr_relay *relay, struct wr_relay_member *member,
				const struct question *question, struct wr_relay_match *ret_match)
{
	const struct wr_relay_network *network = with_keys(member->peer->device);
	size_t slot = member->last_slot;
	enum wr_verdict verdict = WR_TAKEN;

	if (!network)
		return WR_DROP_MAC1;
	if (!is_for(network, slot, question))
		verdict = look_at_all(relay, network, question, &slot);
	if (verdict != WR_TAKEN)
		return verdict;
	if (network->by_slot[slot] == member->peer)
		return WR_DROP_MAC1; /* to itself */
	member->last_slot = slot;
	*ret_match = (struct wr_relay_match){ member->peer, network->by_slot[slot] };
	return WR_TAKEN;
}

enum wr_verdict wr_relay_match(struct wr_relay *relay, struct wr_bytes initiation,
			       const struct wr_endpoint *source, struct wr_instant now,
			       struct wr_relay_match *ret_match)
{
	struct question question = { initiation.data, initiation.data + WR_MAC1_INPUT_LEN, source,
				     now };
	const struct wr_relay_place *place = wr_relay_first_at(relay, source);
	enum wr_verdict verdict = WR_DROP_MAC1;

	assert(initiation.len == WR_INITIATION_LEN);
	for (; place && verdict == WR_DROP_MAC1; place = wr_relay_next_at(place)) {
		struct wr_relay_member *member = place->member;

		if (!wr_relay_is_at(member->peer, source) || !wr_peer_session(member->peer, now))
			continue;
		if (is_for_ourselves(member->peer->device, &question))
			return WR_DROP_MAC1;
		verdict = match_in(relay, member, &question, ret_match);
	}
	return verdict;
}
