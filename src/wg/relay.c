/* Ways: how they are recorded, and how they end. */
#include "wg/relay.h"

#include <errno.h>
#include <stdlib.h>

#include "wg/port.h"
#include "wg/relay_parts.h"

/* All buckets are looked at in this many turns, a second apart. */
#define SWEEP_TURNS 32
#define SWEEP_EVERY WR_SPAN_S(1)
/* Different machines that chose the same index: by chance two at the most. */
#define MAX_NAMESAKES 8

/* Initiations whose target is looked for: a token is 64 keys or 2 us, so all machines get a
 * tenth of a core, and one address a tenth of that; its burst lets a machine of a network of
 * 10,000 (157 tokens) reach for a hundred others at once. */
static const struct wr_budget_rule lookup_budget = {
	.per_second = 5000,
	.burst = 20000,
	.all_per_second = 50000,
	.all_burst = 50000,
	.prefix4 = 32,
	.prefix6 = 64,
};

/* Initiations that are passed on: some 10 us each with what the policy is asked. A machine that
 * reaches for all others of a large network does so within seconds. */
static const struct wr_budget_rule pass_budget = {
	.per_second = 500,
	.burst = 2000,
	.all_per_second = 10000,
	.all_burst = 10000,
	.prefix4 = 32,
	.prefix6 = 64,
};

int wr_relay_open(struct wr_port *port, uint64_t secret)
{
	struct wr_relay *relay = calloc(1, sizeof(*relay));

	if (!relay)
		return -ENOMEM;
	relay->port = port;
	relay->hash_factor = secret | 1;
	relay->sweep_due = WR_NEVER;
	relay->lookups = wr_budget_new(&lookup_budget, &port->hash_key);
	relay->passes = wr_budget_new(&pass_budget, &port->hash_key);
	if (!relay->lookups || !relay->passes) {
		wr_relay_free(relay);
		return -ENOMEM;
	}
	port->relay = relay;
	port->indices.relay = relay;
	return 0;
}

struct wr_relay *wr_relay_free(struct wr_relay *relay)
{
	if (!relay)
		return NULL;
	assert(!relay->way_count && !relay->place_count);
	wr_budget_free(relay->lookups);
	wr_budget_free(relay->passes);
	free(relay->places);
	free(relay);
	return NULL;
}

/* --- Parts of peers and devices. --- */

struct wr_relay_member *wr_relay_member_of(struct wr_peer *peer)
{
	if (peer->relay)
		return peer->relay;
	peer->relay = calloc(1, sizeof(*peer->relay));
	if (peer->relay)
		*peer->relay = (struct wr_relay_member){
			.peer = peer,
			.key_slot = WR_MAC1_NONE,
			.last_slot = WR_MAC1_NONE,
		};
	return peer->relay;
}

struct wr_relay_network *wr_relay_network_of(struct wr_device *device)
{
	if (!device->relay)
		device->relay = calloc(1, sizeof(*device->relay));
	return device->relay;
}

/* --- Ways in their buckets. --- */

static struct wr_relay_way *look(const _Atomic(struct wr_relay_way *) *link)
{
	return atomic_load_explicit(link, memory_order_relaxed);
}

static void publish(struct wr_relay *relay, struct wr_relay_way *way)
{
	_Atomic(struct wr_relay_way *) *first = &relay->ways[wr_relay_bucket(relay, way->index)];

	atomic_store_explicit(&way->next, look(first), memory_order_relaxed);
	atomic_store_explicit(first, way, memory_order_release);
}

/* Who stands on it goes on from it: its own link stays. */
static void unpublish(struct wr_relay *relay, const struct wr_relay_way *way)
{
	_Atomic(struct wr_relay_way *) *link = &relay->ways[wr_relay_bucket(relay, way->index)];

	while (look(link) != way)
		link = &look(link)->next;
	atomic_store_explicit(link, look(&way->next), memory_order_release);
}

bool wr_relay_has_index(const struct wr_relay *relay, uint32_t index)
{
	const struct wr_relay_way *way = look(&relay->ways[wr_relay_bucket(relay, index)]);

	while (way && way->index != index)
		way = look(&way->next);
	return way;
}

/* The way of `from` and this index, and how many there are of the index. */
static struct wr_relay_way *find(const struct wr_relay *relay, const struct wr_peer *from,
				 uint32_t index, unsigned *ret_namesakes)
{
	struct wr_relay_way *way = look(&relay->ways[wr_relay_bucket(relay, index)]);
	struct wr_relay_way *found = NULL;

	for (*ret_namesakes = 0; way; way = look(&way->next)) {
		*ret_namesakes += way->index == index;
		if (way->index == index && way->from == from)
			found = way;
	}
	return found;
}

static void free_way(struct wr_retired *retired)
{
	free(WR_CONTAINER_OF(retired, struct wr_relay_way, retired));
}

/* Which side of its pair chose its index. */
static unsigned chooser_of(const struct wr_relay_way *way)
{
	return way->pair->sides[1]->peer == way->to;
}

void wr_relay_drop_way(struct wr_relay *relay, struct wr_relay_way *way)
{
	struct wr_relay_pair *pair = way->pair;
	struct wr_relay_way **link = &pair->ways;
	unsigned chooser = chooser_of(way);

	while (*link != way)
		link = &(*link)->pair_next;
	*link = way->pair_next;
	unpublish(relay, way);
	pair->counts[chooser]--;
	pair->sides[chooser]->way_count--;
	wr_relay_network_of_pair(pair)->way_count--;
	relay->way_count--;
	wr_retire(&relay->port->retire, &way->retired, free_way);
}

/* --- Recording. --- */

static uint64_t last_used(const struct wr_relay_way *way)
{
	return atomic_load_explicit(&way->last_used, memory_order_relaxed);
}

/* One of those whose index this side chose. */
static void drop_oldest_way(struct wr_relay *relay, const struct wr_relay_pair *pair, unsigned side)
{
	struct wr_relay_way *oldest = NULL;

	for (struct wr_relay_way *way = pair->ways; way; way = way->pair_next)
		if (chooser_of(way) == side && (!oldest || last_used(way) < last_used(oldest)))
			oldest = way;
	wr_relay_drop_way(relay, oldest);
}

/* The table is full: who has most makes room. */
static void make_room(struct wr_relay *relay)
{
	struct wr_relay_network *most = relay->networks;

	for (struct wr_relay_network *at = most; at; at = at->next)
		if (at->way_count > most->way_count)
			most = at;
	wr_relay_drop_pair(relay, most->pair_first);
}

static struct wr_relay_way *new_way(struct wr_relay_pair *pair, unsigned chooser, uint32_t index,
				    struct wr_instant now)
{
	struct wr_relay_way *way = calloc(1, sizeof(*way));

	if (!way)
		return NULL;
	way->from = pair->sides[!chooser]->peer;
	way->to = pair->sides[chooser]->peer;
	way->index = index;
	way->pair = pair;
	atomic_init(&way->last_used, now.ns);
	way->pair_next = pair->ways;
	pair->ways = way;
	pair->counts[chooser]++;
	pair->sides[chooser]->way_count++;
	wr_relay_network_of_pair(pair)->way_count++;
	return way;
}

static enum wr_verdict add_way(struct wr_relay *relay, struct wr_relay_pair *pair, unsigned chooser,
			       uint32_t index, struct wr_instant now)
{
	struct wr_relay_way *way;

	if (pair->counts[chooser] == WR_RELAY_WAYS_OF_PAIR)
		drop_oldest_way(relay, pair, chooser);
	way = new_way(pair, chooser, index, now);
	if (!way)
		return WR_DROP_RATE;
	if (!relay->way_count++)
		relay->sweep_due = wr_after(now, SWEEP_EVERY);
	publish(relay, way);
	wr_relay_renew_pair(relay, pair);
	return WR_TAKEN;
}

static bool is_live(const struct wr_peer *peer, struct wr_instant now)
{
	return !peer->is_removed && wr_peer_has_endpoint(peer) && wr_peer_session(peer, now);
}

enum wr_verdict wr_relay_record(struct wr_relay *relay, struct wr_peer *chooser,
				struct wr_peer *sender, uint32_t index, struct wr_instant now)
{
	unsigned namesakes;
	struct wr_relay_way *known = find(relay, sender, index, &namesakes);
	struct wr_relay_pair *pair;

	if (!is_live(chooser, now) || !is_live(sender, now))
		return WR_DROP_NO_ENDPOINT;
	if (known && known->to == chooser) {
		wr_relay_use(known, now);
		return WR_TAKEN;
	}
	if (known || namesakes >= MAX_NAMESAKES || wr_index_find(&relay->port->indices, index))
		return WR_DROP_INDEX;
	if (chooser->relay && chooser->relay->way_count >= WR_RELAY_WAYS_OF_ONE)
		return WR_DROP_RATE;
	if (relay->way_count >= WR_RELAY_MAX_WAYS)
		make_room(relay);
	pair = wr_relay_find_pair(relay, chooser, sender);
	if (!pair)
		pair = wr_relay_new_pair(relay, chooser, sender);
	if (!pair)
		return WR_DROP_RATE;
	return add_way(relay, pair, pair->sides[1]->peer == chooser, index, now);
}

/* --- Ageing. --- */

static bool is_over(const struct wr_relay_way *way, struct wr_instant now)
{
	struct wr_instant used = { last_used(way) };

	return wr_is_past(wr_after(used, WR_RELAY_IDLE), now) || !is_live(way->from, now) ||
	       !is_live(way->to, now);
}

static void sweep(struct wr_relay *relay, uint32_t bucket, struct wr_instant now)
{
	struct wr_relay_way *way = look(&relay->ways[bucket]);

	while (way) {
		struct wr_relay_way *next = look(&way->next);
		struct wr_relay_pair *pair = way->pair;

		if (is_over(way, now)) {
			wr_relay_drop_way(relay, way);
			if (!pair->ways)
				wr_relay_drop_pair(relay, pair);
		}
		way = next;
	}
}

void wr_relay_age(struct wr_relay *relay, struct wr_instant now)
{
	if (!wr_is_past(relay->sweep_due, now))
		return;
	for (uint32_t i = 0; i < WR_RELAY_BUCKETS / SWEEP_TURNS; i++) {
		sweep(relay, relay->sweep_at, now);
		relay->sweep_at = (relay->sweep_at + 1) & (WR_RELAY_BUCKETS - 1);
	}
	relay->sweep_due = relay->way_count ? wr_after(now, SWEEP_EVERY) : WR_NEVER;
}

struct wr_instant wr_relay_deadline(const struct wr_relay *relay)
{
	return relay->sweep_due;
}
