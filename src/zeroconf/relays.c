/* Who relays for whom, as the records say it; and where we are, as those that relay see us. */
#include <string.h>

#include "zeroconf/inside.h"

bool zc_relays(const struct wr_record *record)
{
	return (record->flags & WR_RECORD_RELAYS) && !(record->flags & WR_RECORD_LEFT);
}

bool zc_is_open_relay(const struct wr_record *record)
{
	return zc_relays(record) && (record->flags & WR_RECORD_OPEN);
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
		    !zc_is_open_relay(&record))
			continue;
		for (size_t i = 0; i < record.candidate_count && count < max; i++)
			if (record.candidates[i].kind == WR_CANDIDATE_GLOBAL)
				ret_endpoints[count++] = record.candidates[i].endpoint;
	}
	return count;
}

/* A NAT may show each another address: the word of one counts, as long as it is our home; else all
 * would be told anew with each pulse. */
static bool may_observe(const struct wr_zeroconf *zc, const struct contact *by)
{
	return zc->observed.ip.family == WR_FAMILY_NONE ||
	       wr_key_equal(&zc->observer, &by->identity) ||
	       (zc_is_home(zc, &by->identity) && !zc_is_home(zc, &zc->observer));
}

void zc_observed(void *context, const struct wr_key *by, const struct wr_endpoint *us)
{
	struct wr_zeroconf *zc = context;
	const struct contact *contact = zc_find_key(zc, by);
	struct wr_record record;
	struct wr_candidate candidate = { .kind = WR_CANDIDATE_OBSERVED, .endpoint = *us };

	/* Who is on our LAN sees what we see; who is open sees what the world sees. */
	if (!contact || !zc_record_of(zc, &contact->identity, &record) ||
	    !zc_is_open_relay(&record) || wr_endpoint_equal_remote(&zc->observed, us) ||
	    !may_observe(zc, contact))
		return;
	zc->observed = *us;
	zc->observer = contact->identity;
	wr_node_add_candidates(zc->node, &candidate, 1);
}
