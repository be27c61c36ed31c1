/* Guests: peers that are no members yet. Who knocked; whom an invitation names; who was a member
 * when we ended last. A guest is a WireGuard peer for a while; if it shakes hands, it has the
 * mesh's key, and gossip makes it a member, or the door does. */
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "linux/clock.h"
#include "zeroconf/crowd.h"
#include "zeroconf/inside.h"

/* An invitation's contacts hear us after 0, 0.5, 1, 2, ... seconds. */
#define KNOCK_FIRST WR_SPAN_MS(500)
#define KNOCK_ROUNDS_MAX 6
#define KNOCK_AT_DEAD_EACH WR_SPAN_S(9)

/* Dead members that are visited are guests beside the places. */
static bool make_room(struct wr_zeroconf *zc, const struct wr_ip *from)
{
	struct wr_crowd_guest guests[WR_ZEROCONF_GUESTS];
	struct contact *contacts[WR_ZEROCONF_GUESTS], *contact;
	size_t count = 0, at = 0;
	int place;

	while (count < WR_ZEROCONF_GUESTS && (contact = zc_next(zc, &at))) {
		if (!contact->until.ns || contact->is_member)
			continue;
		contacts[count] = contact;
		guests[count++] = (struct wr_crowd_guest){ contact->seen.ip, contact->has_shaken,
							   contact->until };
	}
	if (count < WR_ZEROCONF_GUESTS)
		return true;
	place = wr_crowd_yield(guests, count, from);
	if (place >= 0)
		zc_end_visit(zc, contacts[place]);
	return place >= 0;
}

static struct contact *take_in(struct wr_zeroconf *zc, const struct wr_key *identity,
			       const struct wr_endpoint *seen)
{
	struct contact *contact = zc_find(zc, identity);
	const struct wr_ip nowhere = { 0 };

	if (!contact && zc->guest_count >= WR_ZEROCONF_GUESTS &&
	    !make_room(zc, seen ? &seen->ip : &nowhere))
		return NULL;
	return contact ? contact : zc_meet(zc, identity);
}

struct contact *zc_invite_guest(struct wr_zeroconf *zc, const struct wr_key *identity,
				const struct wr_endpoint *seen)
{
	struct contact *contact = take_in(zc, identity, seen);
	struct wr_instant now = wr_clock_now();

	if (!contact)
		return NULL;
	if (!contact->until.ns) {
		zc->guest_count++;
		contact->has_shaken = contact->is_pleading = contact->has_refused = false;
	}
	if (!contact->has_shaken)
		contact->until = wr_after(now, WR_GUEST_SHAKES_WITHIN);
	/* It is heard over both families: the first one stays. */
	if (seen && (contact->seen.ip.family == WR_FAMILY_NONE ||
		     contact->seen.ip.family == seen->ip.family))
		contact->seen = *seen;
	return contact;
}

void zc_end_visit(struct wr_zeroconf *zc, struct contact *contact)
{
	contact->until = (struct wr_instant){ 0 };
	zc->guest_count--;
	zc_part(zc, contact);
}

static void on_ponged(void *context, int error, uint32_t latency_us)
{
	(void)context;
	(void)error;
	(void)latency_us;
}

void zc_wake_soon(struct wr_zeroconf *zc, struct contact *contact)
{
	contact->is_to_wake = true;
	zc_touch_map(zc);
}

void zc_wake_guest(struct wr_zeroconf *zc, struct contact *contact)
{
	if (!contact->is_to_wake)
		return;
	contact->is_to_wake = false;
	wr_paths_ping(wr_node_paths(zc->node), contact->uid, WR_GUEST_SHAKES_WITHIN, on_ponged,
		      NULL);
}

/* The regular announcement of a member that we know: at most it is somewhere else now. */
static bool is_old_news(struct wr_zeroconf *zc, struct contact *contact,
			const struct wr_knock *knock, const struct wr_endpoint *seen)
{
	if (!contact || !contact->is_alive || contact->epoch != knock->epoch)
		return false;
	if (contact->seen.ip.family == seen->ip.family &&
	    !wr_endpoint_equal_remote(&contact->seen, seen)) {
		contact->seen = *seen;
		zc_touch_map(zc);
	}
	return true;
}

/* A knock that came from WireGuard's own port shows what a NAT made of that. */
static uint16_t wireguard_port(const struct wr_knock *knock, const struct wr_endpoint *from)
{
	bool is_from_there = knock->knock_port == knock->port && from->port != WR_DISCOVERY_PORT;

	return is_from_there ? from->port : knock->port;
}

void zc_knocked(void *context, const struct wr_knock *knock, const struct wr_endpoint *from)
{
	struct wr_zeroconf *zc = context;
	struct wr_endpoint seen = *from;
	struct contact *contact = zc_find(zc, &knock->identity);

	seen.port = wireguard_port(knock, from);
	if (is_old_news(zc, contact, knock, &seen))
		return;
	contact = zc_invite_guest(zc, &knock->identity, &seen);
	if (!contact)
		return;
	contact->epoch = knock->epoch;
	/* Who asks shakes hands. */
	if (knock->flags & WR_KNOCK_ASKS)
		zc_touch_map(zc);
	else if (!contact->has_shaken)
		zc_wake_soon(zc, contact);
}

void zc_shook(void *context, const struct wr_key *public_key)
{
	struct wr_zeroconf *zc = context;
	struct contact *contact = zc_find_key(zc, public_key);

	if (contact)
		contact->shook = wr_clock_now();
	if (!contact || !contact->until.ns)
		return;
	if (!contact->has_shaken)
		contact->until = wr_after(wr_clock_now(), WR_GUEST_ENTERS_WITHIN);
	contact->has_shaken = true;
	if (!zc_plead(zc, contact))
		wr_gossip_greet(zc->gossip, &contact->identity, wr_clock_now());
	zc_run_gossip(zc);
}

/* --- Who is tried. --- */

bool zc_is_alone(const struct wr_zeroconf *zc)
{
	struct wr_gossip_figures figures;

	wr_gossip_look(zc->gossip, &figures);
	return figures.alive <= 1;
}

void zc_knock_at_record(struct wr_zeroconf *zc, const struct wr_record *record)
{
	for (size_t i = 0; i < record->candidate_count; i++)
		(void)wr_discovery_knock(zc->discovery, &record->candidates[i].endpoint);
}

/* One of the dead may have started anew, and know us no more: it would not shake hands. */
void zc_knock_at(struct wr_zeroconf *zc, struct contact *contact)
{
	struct wr_instant now = wr_clock_now();
	struct wr_record record;

	if (!wr_is_past(contact->knock_at, now) || !zc_record_of(zc, &contact->identity, &record))
		return;
	contact->knock_at = wr_after(now, KNOCK_AT_DEAD_EACH);
	zc_knock_at_record(zc, &record);
}

static void knock_at_contacts(struct wr_zeroconf *zc, struct wr_instant now)
{
	const struct wr_invitation *invitation = &zc->state.invitation;
	unsigned shift = zc->knock_round < KNOCK_ROUNDS_MAX ? zc->knock_round : KNOCK_ROUNDS_MAX;

	if (!zc->state.has_invitation || !wr_is_past(zc->knock_due, now))
		return;
	for (size_t i = 0; i < invitation->contact_count; i++)
		for (size_t j = 0; j < invitation->contacts[i].endpoint_count; j++)
			(void)wr_discovery_knock(zc->discovery,
						 &invitation->contacts[i].endpoints[j]);
	zc->knock_round++;
	zc->knock_due = wr_after(now, (struct wr_span){ KNOCK_FIRST.ns << shift });
}

void zc_tend_guests(struct wr_zeroconf *zc)
{
	struct wr_instant now = wr_clock_now();
	struct contact *contact;
	size_t at = 0;

	while ((contact = zc_next(zc, &at))) {
		if (!contact->until.ns || !wr_is_past(contact->until, now))
			continue;
		zc_end_visit(zc, contact);
		at = 0; /* the table may have moved */
	}
	zc_visit_past(zc);
	if (zc_is_alone(zc))
		knock_at_contacts(zc, now);
}
