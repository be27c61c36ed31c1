/* Who is where, and whom an initiation is for. */
#include <stdlib.h>
#include <string.h>

#include "wg/port.h"
#include "wg/relay_parts.h"

#define FIRST_PLACES 64
/* Machines that speak from one address and port: several networks of one host. One more
 * finds no place there; so nobody can make others' search long by claiming to be where they
 * are. */
#define MAX_AT_ONE_PLACE 16
#define KEYS_PER_TOKEN 64

/* --- Places. --- */

static uint64_t hash_of(const struct wr_relay *relay, const struct wr_ip *ip, uint16_t port)
{
	uint8_t input[sizeof(ip->bytes) + sizeof(port)];

	memcpy(input, ip->bytes, sizeof(ip->bytes));
	memcpy(input + sizeof(ip->bytes), &port, sizeof(port));
	return wr_siphash(&relay->port->hash_key, (struct wr_bytes){ input, sizeof(input) });
}

static void append(struct wr_relay *relay, struct wr_relay_member *member)
{
	struct wr_relay_member **link = &relay->places[member->place_hash & relay->place_mask];

	while (*link)
		link = &(*link)->place_next;
	member->place_next = NULL;
	*link = member;
}

/* The order within a place stays. */
static bool grow(struct wr_relay *relay)
{
	struct wr_relay_member **old = relay->places;
	uint32_t old_room = old ? relay->place_mask + 1 : 0;
	uint32_t room = old_room ? 2 * old_room : FIRST_PLACES;

	relay->places = calloc(room, sizeof(*relay->places));
	if (!relay->places) {
		relay->places = old;
		return false;
	}
	relay->place_mask = room - 1;
	for (uint32_t i = 0; i < old_room; i++) {
		struct wr_relay_member *next;

		for (struct wr_relay_member *member = old[i]; member; member = next) {
			next = member->place_next;
			append(relay, member);
		}
	}
	free(old);
	return true;
}

static bool is_placed_at(const struct wr_relay_member *member, uint64_t hash,
			 const struct wr_ip *ip, uint16_t port)
{
	return member->place_hash == hash && member->place_port == port &&
	       wr_ip_equal(&member->place_ip, ip);
}

static bool is_full(const struct wr_relay *relay, uint64_t hash, const struct wr_endpoint *at)
{
	const struct wr_relay_member *member = relay->places[hash & relay->place_mask];
	unsigned count = 0;

	for (; member; member = member->place_next)
		count += is_placed_at(member, hash, &at->ip, at->port);
	return count >= MAX_AT_ONE_PLACE;
}

void wr_relay_displace(struct wr_relay *relay, struct wr_relay_member *member)
{
	struct wr_relay_member **link;

	if (member->place_ip.family == WR_FAMILY_NONE)
		return;
	link = &relay->places[member->place_hash & relay->place_mask];
	while (*link != member)
		link = &(*link)->place_next;
	*link = member->place_next;
	member->place_ip.family = WR_FAMILY_NONE;
	relay->place_count--;
}

static void place(struct wr_relay *relay, struct wr_relay_member *member,
		  const struct wr_endpoint *at)
{
	uint64_t hash = hash_of(relay, &at->ip, at->port);

	if (relay->place_count >= (relay->places ? relay->place_mask + 1 : 0) && !grow(relay))
		return;
	if (is_full(relay, hash, at))
		return;
	member->place_ip = at->ip;
	member->place_port = at->port;
	member->place_hash = hash;
	append(relay, member);
	relay->place_count++;
}

void wr_relay_heard(struct wr_peer *peer)
{
	struct wr_relay *relay = peer->port->relay;
	struct wr_relay_member *member;
	struct wr_endpoint at;

	if (!relay || peer->is_removed || !wr_peer_endpoint(peer, &at))
		return;
	member = wr_relay_member_of(peer);
	if (!member || (member->place_ip.family != WR_FAMILY_NONE &&
			member->place_port == at.port && wr_ip_equal(&member->place_ip, &at.ip)))
		return;
	wr_relay_displace(relay, member);
	place(relay, member, &at);
}

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
	uint64_t hash = hash_of(relay, &source->ip, source->port);
	struct wr_relay_member *member = relay->places ? relay->places[hash & relay->place_mask]
						       : NULL;
	enum wr_verdict verdict = WR_DROP_MAC1;

	assert(initiation.len == WR_INITIATION_LEN);
	for (; member && verdict == WR_DROP_MAC1; member = member->place_next) {
		if (!is_placed_at(member, hash, &source->ip, source->port) ||
		    !wr_relay_is_at(member->peer, source) || !wr_peer_session(member->peer, now))
			continue;
		if (is_for_ourselves(member->peer->device, &question))
			return WR_DROP_MAC1;
		verdict = match_in(relay, member, &question, ret_match);
	}
	return verdict;
}
