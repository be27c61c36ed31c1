/* Members that relay for us, while others cannot reach us by themselves: our homes. */
#include <stdlib.h>
#include <string.h>

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
/* At so many looks there was no way to somebody, until we help ourselves: more than it takes for
 * the dead to be dead. */
#define STRANDED_LOOKS 3
#define STRANDED_EACH WR_SPAN_S(5)

/* --- Which ones. --- */

/* Without an open one, whoever we reach ourselves. */
static bool may_be_home(const struct wr_zeroconf *zc, const struct wr_record *record)
{
	return zc_is_open_relay(record) || (zc_relays(record) && zc->stranded == STRANDED_LOOKS);
}

static uint64_t rank(const struct wr_zeroconf *zc, const struct contact *contact)
{
	return wr_siphash(&zc->secret, (struct wr_bytes){ contact->identity.bytes, WR_KEY_LEN });
}

/* One that is itself reached through another would go with that. */
static bool is_direct(const struct wr_zeroconf *zc, const struct contact *contact)
{
	struct wr_paths_sight sight;

	return contact && wr_paths_look(wr_node_paths(zc->node), contact->uid, &sight) &&
	       sight.path.state == WR_PATH_DIRECT;
}

/* It was tried, and nothing came, or nothing does any more. One that nobody uses has none, either.
 */
static bool has_no_way(const struct wr_zeroconf *zc, const struct contact *contact)
{
	struct wr_paths_sight sight;

	if (!wr_paths_look(wr_node_paths(zc->node), contact->uid, &sight) ||
	    sight.path.state != WR_PATH_NONE)
		return false;
	return sight.path.reason >= WR_PATH_REASON_SILENT ||
	       (sight.tx_bytes && !sight.latest_handshake.ns);
}

bool zc_is_home(const struct wr_zeroconf *zc, const struct wr_key *identity)
{
	for (size_t i = 0; i < WR_ITEM_RELAYS; i++)
		if (wr_key_equal(&zc->homes[i].identity, identity))
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

		if (!contact->is_alive || zc_is_home(zc, &contact->identity) ||
		    !is_better(zc, contact, best))
			continue;
		if (zc_record_of(zc, &contact->identity, &record) && may_be_home(zc, &record) &&
		    (zc_is_open_relay(&record) || is_direct(zc, contact)))
			best = contact;
	}
	return best;
}

/* Counts while somebody alive cannot be reached, and nobody is open; then it stays so until one is:
 * two machines of a LAN that lets them talk only to others. */
static void review_stranded(struct wr_zeroconf *zc, struct wr_instant now)
{
	struct contact *contact;
	bool has_none = false;
	size_t at = 0;

	if (!wr_is_past(zc->stranded_due, now))
		return;
	zc->stranded_due = wr_after(now, STRANDED_EACH);
	while ((contact = zc_next(zc, &at))) {
		struct wr_record record;

		if (!contact->is_alive || !zc_record_of(zc, &contact->identity, &record))
			continue;
		if (zc_is_open_relay(&record)) {
			zc->stranded = 0;
			return;
		}
		has_none |= has_no_way(zc, contact);
	}
	if (has_none && zc->stranded < STRANDED_LOOKS)
		zc->stranded++;
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

/* The last one that there is stays until it is dead: it may only be slow, and without it nobody
 * would reach us. */
static bool is_last(struct wr_zeroconf *zc, const struct home *home)
{
	for (size_t i = 0; i < WR_ITEM_RELAYS; i++)
		if (&zc->homes[i] != home && zc->homes[i].is_working)
			return false;
	return home->is_working && !choose(zc);
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
	is_good = !error && is_direct(zc, zc_find(zc, &home->identity));
	home->missed = is_good ? 0 : home->missed + 1;
	home->ask_at = wr_after(wr_clock_now(), is_good ? ASK_EACH : ASK_AGAIN);
	home->is_working |= is_good;
	if (home->missed >= (error ? MISSED_MAX : INDIRECT_MAX) && !is_last(zc, home))
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
	(is_direct(zc, contact) ? wr_paths_ping_quietly : wr_paths_ping)(
		wr_node_paths(zc->node), contact->uid, ANSWER_WITHIN, on_ponged, asked);
}

static void tend(struct wr_zeroconf *zc, size_t at, struct wr_instant now)
{
	struct home *home = &zc->homes[at];
	struct contact *contact = zc_find(zc, &home->identity);
	struct wr_record record;

	if (!wr_key_is_zero(&home->identity) &&
	    (!contact || !contact->is_alive || !zc_record_of(zc, &home->identity, &record) ||
	     !may_be_home(zc, &record))) {
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
	review_stranded(zc, now);
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
