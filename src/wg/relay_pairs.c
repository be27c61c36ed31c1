/* Pairs of machines that have ways. */
#include <stdlib.h>

#include "wg/port.h"
#include "wg/relay_parts.h"

static struct wr_relay_pair **pair_bucket(struct wr_relay *relay, const struct wr_peer *a,
					  const struct wr_peer *b)
{
	uint64_t sum = (uint64_t)(uintptr_t)a + (uint64_t)(uintptr_t)b;

	return &relay->pairs[(sum * relay->hash_factor >> 48) & (WR_RELAY_PAIR_BUCKETS - 1)];
}

static bool is_of(const struct wr_relay_pair *pair, const struct wr_peer *a,
		  const struct wr_peer *b)
{
	return (pair->sides[0]->peer == a && pair->sides[1]->peer == b) ||
	       (pair->sides[0]->peer == b && pair->sides[1]->peer == a);
}

struct wr_relay_pair *wr_relay_find_pair(const struct wr_relay *relay, const struct wr_peer *a,
					 const struct wr_peer *b)
{
	/* The table is only read. */
	struct wr_relay_pair *pair = *pair_bucket((struct wr_relay *)(uintptr_t)relay, a, b);

	while (pair && !is_of(pair, a, b))
		pair = pair->hash_next;
	return pair;
}

bool wr_relay_has_pair(const struct wr_relay *relay, const struct wr_peer *a,
		       const struct wr_peer *b)
{
	return wr_relay_find_pair(relay, a, b);
}

static void append_to_network(struct wr_relay *relay, struct wr_relay_network *network,
			      struct wr_relay_pair *pair)
{
	if (!network->pair_first) {
		network->prev = NULL;
		network->next = relay->networks;
		if (relay->networks)
			relay->networks->prev = network;
		relay->networks = network;
	}
	pair->next = NULL;
	pair->prev = network->pair_last;
	if (network->pair_last)
		network->pair_last->next = pair;
	else
		network->pair_first = pair;
	network->pair_last = pair;
}

static void take_from_network(struct wr_relay *relay, struct wr_relay_network *network,
			      struct wr_relay_pair *pair)
{
	if (pair->prev)
		pair->prev->next = pair->next;
	else
		network->pair_first = pair->next;
	if (pair->next)
		pair->next->prev = pair->prev;
	else
		network->pair_last = pair->prev;
	if (network->pair_first)
		return;
	if (network->prev)
		network->prev->next = network->next;
	else
		relay->networks = network->next;
	if (network->next)
		network->next->prev = network->prev;
}

/* Which side of `pair` a member is. */
static unsigned side_of(const struct wr_relay_pair *pair, const struct wr_relay_member *member)
{
	return pair->sides[1] == member;
}

static void give_to_member(struct wr_relay_pair *pair, unsigned side)
{
	struct wr_relay_member *member = pair->sides[side];
	struct wr_relay_pair *first = member->pairs;

	pair->side_prev[side] = NULL;
	pair->side_next[side] = first;
	if (first)
		first->side_prev[side_of(first, member)] = pair;
	member->pairs = pair;
}

static void take_from_member(struct wr_relay_pair *pair, unsigned side)
{
	struct wr_relay_member *member = pair->sides[side];
	struct wr_relay_pair *next = pair->side_next[side], *prev = pair->side_prev[side];

	if (prev)
		prev->side_next[side_of(prev, member)] = next;
	else
		member->pairs = next;
	if (next)
		next->side_prev[side_of(next, member)] = prev;
}

struct wr_relay_pair *wr_relay_new_pair(struct wr_relay *relay, struct wr_peer *a,
					struct wr_peer *b)
{
	struct wr_relay_member *left = wr_relay_member_of(a), *right = wr_relay_member_of(b);
	struct wr_relay_network *network = wr_relay_network_of(a->device);
	struct wr_relay_pair *pair = calloc(1, sizeof(*pair));
	struct wr_relay_pair **bucket = pair_bucket(relay, a, b);

	if (!pair || !left || !right || !network) {
		free(pair);
		return NULL;
	}
	pair->sides[0] = left;
	pair->sides[1] = right;
	pair->hash_next = *bucket;
	*bucket = pair;
	give_to_member(pair, 0);
	give_to_member(pair, 1);
	append_to_network(relay, network, pair);
	relay->pair_count++;
	return pair;
}

void wr_relay_drop_pair(struct wr_relay *relay, struct wr_relay_pair *pair)
{
	struct wr_relay_pair **link = pair_bucket(relay, pair->sides[0]->peer,
						  pair->sides[1]->peer);

	while (pair->ways)
		wr_relay_drop_way(relay, pair->ways);
	while (*link != pair)
		link = &(*link)->hash_next;
	*link = pair->hash_next;
	take_from_member(pair, 0);
	take_from_member(pair, 1);
	take_from_network(relay, wr_relay_network_of_pair(pair), pair);
	relay->pair_count--;
	free(pair);
}

void wr_relay_renew_pair(struct wr_relay *relay, struct wr_relay_pair *pair)
{
	take_from_network(relay, wr_relay_network_of_pair(pair), pair);
	append_to_network(relay, wr_relay_network_of_pair(pair), pair);
}

struct wr_relay_pair *wr_relay_next_pair(const struct wr_device *device,
					 const struct wr_relay_pair *pair)
{
	if (pair)
		return pair->next;
	return device->relay ? device->relay->pair_first : NULL;
}

struct wr_relay_match wr_relay_pair_sides(const struct wr_relay_pair *pair)
{
	return (struct wr_relay_match){ pair->sides[0]->peer, pair->sides[1]->peer };
}

void wr_relay_forget(struct wr_peer *peer)
{
	struct wr_relay_member *member = peer->relay;

	if (!member)
		return;
	while (member->pairs)
		wr_relay_drop_pair(peer->port->relay, member->pairs);
	wr_relay_displace(peer->port->relay, member);
}
