/* Who is where: the addresses that peers send from, as authentic packets showed them. */
#include <stdlib.h>
#include <string.h>

#include "wg/port.h"
#include "wg/relay_parts.h"

#define FIRST_PLACES 64
/* Machines that speak from one address and port: several networks of one host. One more
 * finds no place there; so nobody can make others' search long by claiming to be where they
 * are. */
#define MAX_AT_ONE_PLACE 16

/* --- The table. --- */

static uint64_t hash_of(const struct wr_relay *relay, const struct wr_endpoint *at)
{
	uint8_t input[sizeof(at->ip.bytes) + sizeof(at->port)];

	memcpy(input, at->ip.bytes, sizeof(at->ip.bytes));
	memcpy(input + sizeof(at->ip.bytes), &at->port, sizeof(at->port));
	return wr_siphash(&relay->port->hash_key, (struct wr_bytes){ input, sizeof(input) });
}

static void append(struct wr_relay *relay, struct wr_relay_place *place)
{
	struct wr_relay_place **link = &relay->places[place->hash & relay->place_mask];

	while (*link)
		link = &(*link)->next;
	place->next = NULL;
	*link = place;
}

/* The order within a place stays. */
static bool grow(struct wr_relay *relay)
{
	struct wr_relay_place **old = relay->places;
	uint32_t old_room = old ? relay->place_mask + 1 : 0;
	uint32_t room = old_room ? 2 * old_room : FIRST_PLACES;

	relay->places = calloc(room, sizeof(*relay->places));
	if (!relay->places) {
		relay->places = old;
		return false;
	}
	relay->place_mask = room - 1;
	for (uint32_t i = 0; i < old_room; i++) {
		struct wr_relay_place *next;

		for (struct wr_relay_place *place = old[i]; place; place = next) {
			next = place->next;
			append(relay, place);
		}
	}
	free(old);
	return true;
}

static bool is_there(const struct wr_relay_place *place, uint64_t hash,
		     const struct wr_endpoint *at)
{
	return place->hash == hash && wr_endpoint_equal_remote(&place->at, at);
}

static const struct wr_relay_place *find(const struct wr_relay_place *place, uint64_t hash,
					 const struct wr_endpoint *at)
{
	while (place && !is_there(place, hash, at))
		place = place->next;
	return place;
}

const struct wr_relay_place *wr_relay_first_at(const struct wr_relay *relay,
					       const struct wr_endpoint *at)
{
	uint64_t hash = hash_of(relay, at);

	return relay->places ? find(relay->places[hash & relay->place_mask], hash, at) : NULL;
}

const struct wr_relay_place *wr_relay_next_at(const struct wr_relay_place *place)
{
	return find(place->next, place->hash, &place->at);
}

static bool is_full(const struct wr_relay *relay, const struct wr_endpoint *at)
{
	const struct wr_relay_place *place = wr_relay_first_at(relay, at);
	unsigned count = 0;

	for (; place; place = wr_relay_next_at(place))
		count++;
	return count >= MAX_AT_ONE_PLACE;
}

static bool is_placed(const struct wr_relay_place *place)
{
	return place->at.ip.family != WR_FAMILY_NONE;
}

static void leave(struct wr_relay *relay, struct wr_relay_place *place)
{
	struct wr_relay_place **link;

	if (!is_placed(place))
		return;
	link = &relay->places[place->hash & relay->place_mask];
	while (*link != place)
		link = &(*link)->next;
	*link = place->next;
	place->at.ip.family = WR_FAMILY_NONE;
	relay->place_count--;
}

static void take(struct wr_relay *relay, struct wr_relay_member *member,
		 struct wr_relay_place *place, const struct wr_endpoint *at)
{
	if (relay->place_count >= (relay->places ? relay->place_mask + 1 : 0) && !grow(relay))
		return;
	if (is_full(relay, at))
		return;
	*place = (struct wr_relay_place){ member, *at, hash_of(relay, at), NULL };
	append(relay, place);
	relay->place_count++;
}

/* --- Elsewhere. --- */

static struct wr_relay_elsewhere *elsewhere_of(const struct wr_peer *peer)
{
	if (!peer->managed)
		return NULL;
	return atomic_load_explicit(&peer->managed->elsewhere, memory_order_acquire);
}

bool wr_relay_is_elsewhere(const struct wr_peer *peer, const struct wr_endpoint *source)
{
	const struct wr_relay_elsewhere *elsewhere = elsewhere_of(peer);
	struct wr_endpoint at;

	for (unsigned i = 0; elsewhere && i < WR_RELAY_ELSEWHERE; i++)
		if (wr_latch_read(&elsewhere->at[i], &at) && wr_endpoint_equal_remote(&at, source))
			return true;
	return false;
}

static void leave_elsewhere(struct wr_relay *relay, struct wr_relay_elsewhere *elsewhere,
			    unsigned i)
{
	if (!is_placed(&elsewhere->places[i]))
		return;
	wr_latch_write(&elsewhere->at[i], &(struct wr_endpoint){ 0 });
	leave(relay, &elsewhere->places[i]);
	elsewhere->heard[i] = 0;
}

/* Its place is there now. */
static void merge(struct wr_relay *relay, const struct wr_peer *peer, const struct wr_endpoint *at)
{
	struct wr_relay_elsewhere *elsewhere = elsewhere_of(peer);

	for (unsigned i = 0; elsewhere && i < WR_RELAY_ELSEWHERE; i++)
		if (wr_endpoint_equal_remote(&elsewhere->places[i].at, at))
			leave_elsewhere(relay, elsewhere, i);
}

/* The one that is there; else one that is free, or was heard the longest ago. */
static unsigned choose(const struct wr_relay_elsewhere *elsewhere, const struct wr_endpoint *from)
{
	unsigned oldest = 0;

	for (unsigned i = 0; i < WR_RELAY_ELSEWHERE; i++) {
		if (wr_endpoint_equal_remote(&elsewhere->places[i].at, from))
			return i;
		if (elsewhere->heard[i] < elsewhere->heard[oldest])
			oldest = i;
	}
	return oldest;
}

static struct wr_relay_elsewhere *make_elsewhere(const struct wr_peer *peer)
{
	struct wr_relay_elsewhere *elsewhere = elsewhere_of(peer);

	if (!elsewhere) {
		elsewhere = calloc(1, sizeof(*elsewhere));
		atomic_store_explicit(&peer->managed->elsewhere, elsewhere, memory_order_release);
	}
	return elsewhere;
}

void wr_relay_heard_at(struct wr_peer *peer, const struct wr_endpoint *from)
{
	struct wr_relay *relay = peer->port->relay;
	struct wr_relay_elsewhere *elsewhere;
	struct wr_relay_member *member;
	struct wr_endpoint known;
	unsigned i;

	if (!relay || peer->is_removed || !peer->managed ||
	    (wr_peer_endpoint(peer, &known) && wr_endpoint_equal_remote(&known, from)))
		return;
	member = wr_relay_member_of(peer);
	elsewhere = member ? make_elsewhere(peer) : NULL;
	if (!elsewhere)
		return;
	i = choose(elsewhere, from);
	if (!wr_endpoint_equal_remote(&elsewhere->places[i].at, from)) {
		leave_elsewhere(relay, elsewhere, i);
		take(relay, member, &elsewhere->places[i], from);
		if (!is_placed(&elsewhere->places[i]))
			return;
		wr_latch_write(&elsewhere->at[i], from);
	}
	elsewhere->heard[i] = ++elsewhere->turns;
}

/* --- What happens. --- */

void wr_relay_heard(struct wr_peer *peer)
{
	struct wr_relay *relay = peer->port->relay;
	struct wr_relay_member *member;
	struct wr_endpoint at;

	if (!relay || peer->is_removed || !wr_peer_endpoint(peer, &at))
		return;
	member = wr_relay_member_of(peer);
	if (!member ||
	    (is_placed(&member->place) && wr_endpoint_equal_remote(&member->place.at, &at)))
		return;
	leave(relay, &member->place);
	merge(relay, peer, &at);
	take(relay, member, &member->place, &at);
}

void wr_relay_displace(struct wr_relay *relay, struct wr_relay_member *member)
{
	struct wr_relay_elsewhere *elsewhere = elsewhere_of(member->peer);

	leave(relay, &member->place);
	for (unsigned i = 0; elsewhere && i < WR_RELAY_ELSEWHERE; i++)
		leave_elsewhere(relay, elsewhere, i);
}
