/* Members that relay for us, while others cannot reach us by themselves; and who relays for whom.
 */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "linux/clock.h"
#include "zeroconf/inside.h"

/* Keeps the NAT's mapping, and shows within seconds that a home is gone. */
#define ASK_EACH WR_SPAN_S(5)
#define ASK_AGAIN WR_SPAN_S(1)
#define ANSWER_WITHIN WR_SPAN_S(2)
#define MISSED_MAX 2
/* With an answer, but not straight from it: a path is looked for meanwhile. */
#define INDIRECT_MAX 10
/* One that did not answer is left alone for so long. */
#define SHUN WR_SPAN_S(60)

/* --- Which ones. --- */

static bool relays(const struct wr_record *record)
{
	const uint32_t both = WR_RECORD_OPEN | WR_RECORD_RELAYS;

	return (record->flags & both) == both && !(record->flags & WR_RECORD_LEFT);
}

static uint64_t rank(const struct wr_zeroconf *zc, const struct contact *contact)
{
	return wr_siphash(&zc->secret, (struct wr_bytes){ contact->identity.bytes, WR_KEY_LEN });
}

static bool is_home(const struct wr_zeroconf *zc, const struct contact *contact)
{
	for (size_t i = 0; i < WR_ITEM_RELAYS; i++)
		if (wr_key_equal(&zc->homes[i].identity, &contact->identity))
			return true;
	return false;
}

static bool is_shunned(const struct wr_zeroconf *zc, const struct contact *contact)
{
	return wr_map_get(&zc->shunned, rank(zc, contact)) != NULL;
}

/* By a secret order, so that homes are spread over who can be one; who did not answer lately comes
 * last. */
static bool is_better(const struct wr_zeroconf *zc, const struct contact *contact,
		      const struct contact *best)
{
	if (best && is_shunned(zc, contact) != is_shunned(zc, best))
		return is_shunned(zc, best);
	return !best || rank(zc, contact) < rank(zc, best);
}

static struct contact *choose(struct wr_zeroconf *zc)
{
	struct contact *best = NULL, *contact;
	size_t at = 0;

	while ((contact = zc_next(zc, &at))) {
		struct wr_record record;

		if (!contact->is_alive || is_home(zc, contact) || !is_better(zc, contact, best))
			continue;
		if (zc_record_of(zc, &contact->identity, &record) && relays(&record))
			best = contact;
	}
	return best;
}

/* --- Whether they work. --- */

static void drop(struct wr_zeroconf *zc, struct home *home)
{
	struct contact *contact = zc_find(zc, &home->identity);

	if (contact)
		(void)!wr_map_put(&zc->shunned, rank(zc, contact), zc);
	if (!zc->shunned.count || !zc->unshun_at.ns)
		zc->unshun_at = wr_after(wr_clock_now(), SHUN);
	*home = (struct home){ .is_asked = home->is_asked, .generation = home->generation + 1 };
}

/* One that is itself reached through another would go with that. */
static bool is_direct(const struct wr_zeroconf *zc, const struct home *home)
{
	const struct contact *contact = zc_find(zc, &home->identity);
	struct wr_paths_sight sight;

	return contact && wr_paths_look(wr_node_paths(zc->node), contact->uid, &sight) &&
	       sight.path.state == WR_PATH_DIRECT;
}

struct asked {
	struct wr_zeroconf *zc;
	size_t at;
	unsigned generation;
};

static void on_ponged(void *context, int error, uint32_t latency_us)
{
	struct asked *asked = context;
	struct wr_zeroconf *zc = asked->zc;
	struct home *home = &zc->homes[asked->at];
	bool is_same = asked->generation == home->generation, is_good;

	(void)latency_us;
	free(asked);
	home->is_asked = false;
	if (!is_same || zc->is_ending)
		return;
	is_good = !error && is_direct(zc, home);
	home->missed = is_good ? 0 : home->missed + 1;
	home->ask_at = wr_after(wr_clock_now(), is_good ? ASK_EACH : ASK_AGAIN);
	home->is_working |= is_good;
	if (home->missed >= (error ? MISSED_MAX : INDIRECT_MAX))
		drop(zc, home);
	zc_review_record(zc);
}

static void ask(struct wr_zeroconf *zc, size_t at, const struct contact *contact)
{
	struct asked *asked = calloc(1, sizeof(*asked));

	if (!asked)
		return;
	*asked = (struct asked){ zc, at, zc->homes[at].generation };
	zc->homes[at].is_asked = true;
	/* What is quiet looks for no better path. */
	(is_direct(zc, &zc->homes[at]) ? wr_paths_ping_quietly : wr_paths_ping)(
		wr_node_paths(zc->node), contact->uid, ANSWER_WITHIN, on_ponged, asked);
}

static void tend(struct wr_zeroconf *zc, size_t at, struct wr_instant now)
{
	struct home *home = &zc->homes[at];
	struct contact *contact = zc_find(zc, &home->identity);
	struct wr_record record;

	if (!wr_key_is_zero(&home->identity) &&
	    (!contact || !contact->is_alive || !zc_record_of(zc, &home->identity, &record) ||
	     !relays(&record))) {
		drop(zc, home);
		zc_review_record(zc);
	}
	if (wr_key_is_zero(&home->identity)) {
		contact = choose(zc);
		if (!contact)
			return;
		home->identity = contact->identity;
		home->ask_at = now;
	}
	if (contact && !home->is_asked && wr_is_past(home->ask_at, now))
		ask(zc, at, contact);
}

/* So that what comes from there is known to be relayed. */
static void tell_paths(struct wr_zeroconf *zc)
{
	struct wr_key keys[WR_ITEM_RELAYS];
	size_t count = 0;

	for (size_t i = 0; i < WR_ITEM_RELAYS; i++) {
		const struct contact *contact = zc_find(zc, &zc->homes[i].identity);

		if (contact)
			keys[count++] = contact->key;
	}
	wr_paths_keep(wr_node_paths(zc->node), keys, count);
}

static void forget_homes(struct wr_zeroconf *zc)
{
	for (size_t i = 0; i < WR_ITEM_RELAYS; i++)
		if (!wr_key_is_zero(&zc->homes[i].identity))
			zc->homes[i] = (struct home){ .is_asked = zc->homes[i].is_asked,
						      .generation = zc->homes[i].generation + 1 };
}

void zc_tend_homes(struct wr_zeroconf *zc)
{
	struct wr_instant now = wr_clock_now();

	if (zc->shunned.count && wr_is_past(zc->unshun_at, now)) {
		wr_map_done(&zc->shunned);
		zc->shunned = (struct wr_map){ .room = 0 };
		zc->unshun_at = (struct wr_instant){ 0 };
	}
	if (zc_is_open(zc)) {
		forget_homes(zc);
		tell_paths(zc);
		return;
	}
	for (size_t i = 0; i < WR_ITEM_RELAYS; i++)
		tend(zc, i, now);
	tell_paths(zc);
}

void zc_tell_homes(const struct wr_zeroconf *zc, struct wr_record *record)
{
	for (size_t i = 0; i < WR_ITEM_RELAYS; i++)
		if (zc->homes[i].is_working)
			record->relays[record->relay_count++] = zc->homes[i].identity;
}

/* --- Who relays for whom. --- */

/* The same on both sides: of the one with the greater identity that names any. */
static const struct wr_record *whose_relays(const struct wr_zeroconf *zc,
					    const struct contact *contact,
					    const struct wr_record *theirs)
{
	bool is_greater = memcmp(contact->identity.bytes, zc->identity.bytes, WR_KEY_LEN) > 0;
	const struct wr_record *first = is_greater ? theirs : &zc->record;
	const struct wr_record *second = is_greater ? &zc->record : theirs;

	return first->relay_count ? first : second;
}

/* Whom the other can reach directly for certain needs no relay: an open one, by its public address.
 */
static bool needs_relay(const struct wr_zeroconf *zc, const struct wr_record *theirs)
{
	return !(theirs->flags & WR_RECORD_OPEN) && !(zc->record.flags & WR_RECORD_OPEN);
}

static size_t list(const struct wr_zeroconf *zc, const struct contact *contact,
		   const struct wr_record *theirs, struct wr_key ret_keys[WR_ITEM_RELAYS])
{
	const struct wr_record *whose = whose_relays(zc, contact, theirs);
	size_t count = 0;

	/* One that is not open is reached by its relays, also from who is. */
	if (!needs_relay(zc, theirs))
		whose = theirs->flags & WR_RECORD_OPEN ? NULL : theirs;
	for (size_t i = 0; whose && i < whose->relay_count; i++) {
		const struct contact *relay = zc_find(zc, &whose->relays[i]);

		if (relay && relay->is_alive && relay != contact)
			ret_keys[count++] = relay->key;
	}
	return count;
}

void zc_set_relays(struct wr_zeroconf *zc)
{
	struct wr_paths *paths = wr_node_paths(zc->node);
	struct contact *contact;
	size_t at = 0;

	while ((contact = zc_next(zc, &at))) {
		struct wr_key keys[WR_ITEM_RELAYS];
		struct wr_record record;
		size_t count = 0;

		if (zc_record_of(zc, &contact->identity, &record))
			count = list(zc, contact, &record, keys);
		wr_paths_set_relays(paths, contact->uid, keys, count);
	}
}

bool zc_may_relay(void *context, const struct wr_key *from, const struct wr_key *to)
{
	const struct wr_zeroconf *zc = context;
	const struct contact *sender = zc_find_key(zc, from);
	const struct contact *target = zc_find_key(zc, to);

	return sender && target && sender->is_member && target->is_member &&
	       !zc->state.is_relay_off;
}

/* --- Where we are, as others see it. --- */

size_t zc_observers(void *context, struct wr_endpoint *ret_endpoints, size_t max)
{
	const struct wr_zeroconf *zc = context;
	const struct contact *contact;
	size_t at = 0, count = 0;

	while (count < max && (contact = zc_next(zc, &at))) {
		struct wr_record record;

		if (!contact->is_alive || !zc_record_of(zc, &contact->identity, &record) ||
		    !relays(&record))
			continue;
		for (size_t i = 0; i < record.candidate_count && count < max; i++)
			if (record.candidates[i].kind == WR_CANDIDATE_GLOBAL)
				ret_endpoints[count++] = record.candidates[i].endpoint;
	}
	return count;
}

void zc_observed(void *context, const struct wr_key *by, const struct wr_endpoint *us)
{
	struct wr_zeroconf *zc = context;
	const struct contact *contact = zc_find_key(zc, by);
	struct wr_record record;
	struct wr_candidate candidate = { .kind = WR_CANDIDATE_OBSERVED, .endpoint = *us };

	/* Who is on our LAN sees what we see; who is open sees what the world sees. */
	if (!contact || !zc_record_of(zc, &contact->identity, &record) || !relays(&record) ||
	    wr_endpoint_equal_remote(&zc->observed, us))
		return;
	zc->observed = *us;
	wr_node_add_candidates(zc->node, &candidate, 1);
}
