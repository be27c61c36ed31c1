/* The door of a closed mesh: a guest asks to be let in; a member passes that to who can say so, and
 * brings back the answer. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "linux/clock.h"
#include "zeroconf/inside.h"

/* Of those that say that they have the founder's key: anybody can say so. */
#define KEEPERS_MAX 8
/* As long as we are not let in. */
#define PLEAD_EACH WR_SPAN_S(3)
#define PLEAD_WITH 3

static void say(struct wr_zeroconf *zc, const struct contact *to, const struct wr_door *door)
{
	uint8_t datagram[WR_DOOR_MAX_LEN];
	size_t len = wr_door_write(door, datagram);

	if (len)
		zc_send(zc, to, (struct wr_bytes){ datagram, len });
}

static void refuse(struct wr_zeroconf *zc, const struct contact *to, const struct wr_key *guest,
		   enum wr_door_reason reason)
{
	const struct wr_door door = { .type = WR_DOOR_REFUSAL, .guest = *guest, .reason = reason };

	say(zc, to, &door);
}

static bool find_item(const struct wr_zeroconf *zc, enum wr_item_kind kind,
		      const struct wr_key *subject, struct wr_bytes *ret_item)
{
	struct wr_item_head head;
	size_t at = 0;

	while (wr_gossip_next_item(zc->gossip, &at, ret_item))
		if (wr_item_peek(*ret_item, &head) && head.kind == kind &&
		    (!subject || wr_key_equal(head.subject, subject)))
			return true;
	return false;
}

static bool has_certificate(const struct wr_zeroconf *zc, const struct wr_key *identity)
{
	struct wr_certificate certificate;

	return wr_admission_certificate(zc->admission, identity, &certificate, NULL);
}

/* --- As a guest. --- */

static bool own_record(const struct wr_zeroconf *zc, struct wr_bytes *ret_record)
{
	struct wr_gossip_sight sight;

	if (!wr_gossip_find(zc->gossip, &zc->identity, &sight))
		return false;
	*ret_record = sight.record;
	return true;
}

bool zc_is_in(struct wr_zeroconf *zc)
{
	bool is_awaited = zc->state.has_invitation && zc->state.invitation.has_admission &&
			  !has_certificate(zc, &zc->identity);

	return !is_awaited && !zc->is_turned_away && zc_admits(zc, &zc->identity);
}

bool zc_plead(struct wr_zeroconf *zc, const struct contact *with)
{
	const struct wr_invitation *invitation = &zc->state.invitation;
	struct wr_door door = { .type = WR_DOOR_PLEA };

	if (zc_is_in(zc) || !own_record(zc, &door.record))
		return false;
	if (zc->state.has_invitation && invitation->has_admission) {
		memcpy(door.id, invitation->id, sizeof(door.id));
		wr_door_prove(invitation->secret, &zc->identity, door.proof);
	}
	say(zc, with, &door);
	return true;
}

/* Some that can hear us: whom we met, or members that we had. */
void zc_tend_door(struct wr_zeroconf *zc)
{
	struct wr_instant now = wr_clock_now();
	struct contact *contact;
	size_t at = 0;
	int asked = 0;

	if (!wr_is_past(zc->plead_due, now) || zc_is_in(zc))
		return;
	zc->plead_due = wr_after(now, PLEAD_EACH);
	while (asked < PLEAD_WITH && (contact = zc_next(zc, &at))) {
		if (!contact->has_shaken && !contact->is_member)
			continue;
		if (contact->until.ns)
			contact->until = wr_after(now, WR_GUEST_ENTERS_WITHIN);
		asked += zc_plead(zc, contact);
	}
}

static void enter(struct wr_zeroconf *zc, const struct contact *from, const struct wr_door *door)
{
	const struct wr_bytes items[] = { door->charter, door->certificate };
	bool was_in = has_certificate(zc, &zc->identity) && zc->is_admitted;

	for (size_t i = 0; i < WR_ARRAY_LEN(items); i++) {
		if (!zc_check(zc, items[i]))
			return;
		(void)wr_gossip_put(zc->gossip, items[i], false, wr_clock_now());
		zc_take_item(zc, items[i]);
	}
	zc_review_trust(zc);
	if (!zc->is_admitted)
		return;
	zc->is_turned_away = false;
	zc_review_record(zc);
	if (!was_in)
		wr_log_error("membership: the founder of %s admits this machine", zc->state.mesh);
	wr_gossip_greet(zc->gossip, &from->identity, wr_clock_now());
}

static void be_refused(struct wr_zeroconf *zc, const struct wr_door *door)
{
	const char *text = wr_door_reason_text(door->reason);
	bool is_in = has_certificate(zc, &zc->identity) && door->reason != WR_DOOR_REVOKED;

	if (is_in || strcmp(zc->refusal, text) == 0)
		return;
	zc->is_turned_away = true;
	snprintf(zc->refusal, sizeof(zc->refusal), "%s", text);
	wr_log_error("membership: %s", text);
}

/* --- As a member. --- */

static void grant(struct wr_zeroconf *zc, const struct contact *to, const struct wr_key *guest)
{
	struct wr_door door = { .type = WR_DOOR_GRANT };

	if (find_item(zc, WR_ITEM_CHARTER, NULL, &door.charter) &&
	    find_item(zc, WR_ITEM_CERTIFICATE, guest, &door.certificate))
		say(zc, to, &door);
}

static bool is_invited(const struct wr_door *door)
{
	static const uint8_t none[WR_INVITATION_ID_LEN];

	return memcmp(door->id, none, sizeof(none)) != 0;
}

/* To those that say that they have the founder's key. */
static bool pass_on(struct wr_zeroconf *zc, struct wr_bytes datagram)
{
	struct wr_gossip_sight sight;
	struct wr_item item;
	unsigned passed = 0;
	size_t at = 0;

	while (passed < KEEPERS_MAX && wr_gossip_next(zc->gossip, &at, &sight)) {
		const struct contact *contact = zc_find(zc, &sight.identity);

		if (contact && contact->is_alive && wr_item_read(sight.record, &item) &&
		    (item.record.flags & WR_RECORD_KEEPER)) {
			zc_send(zc, contact, datagram);
			passed++;
		}
	}
	return passed > 0;
}

/* What the plea's record says of the guest; false if it is not the guest's own. */
static bool read_guest(struct wr_zeroconf *zc, const struct wr_door *door, struct wr_item *ret_item)
{
	return wr_item_read(door->record, ret_item) && ret_item->kind == WR_ITEM_RECORD &&
	       zc_check(zc, door->record);
}

static void wait_here(struct contact *from, const struct wr_item *item)
{
	if (!from->is_pleading)
		wr_log_error("door: %s (%s) asks to be let in: warren admit %s", item->record.name,
			     from->uid, from->uid);
	from->is_pleading = true;
	snprintf(from->name, sizeof(from->name), "%s", item->record.name);
	from->until = wr_after(wr_clock_now(), WR_GUEST_ENTERS_WITHIN);
}

/* `from` is the guest, or a member that passes the plea on. */
static void hear_plea(struct wr_zeroconf *zc, struct contact *from, const struct wr_door *door,
		      struct wr_bytes datagram)
{
	struct wr_item item;
	bool is_guest;

	if (!zc_admits(zc, &zc->identity) || !read_guest(zc, door, &item))
		return;
	is_guest = wr_key_equal(&item.subject, &from->identity);
	if (!is_guest && !from->is_member)
		return;
	if (wr_admission_admits(zc->admission, &item.subject, wr_clock_wall()) ==
	    WR_ADMITTED_REVOKED) {
		refuse(zc, from, &item.subject, WR_DOOR_REVOKED);
	} else if (zc_admits(zc, &item.subject) && has_certificate(zc, &item.subject)) {
		grant(zc, from, &item.subject);
	} else if (is_invited(door) && zc->is_founder) {
		enum wr_door_reason reason = zc_redeem(zc, door, &item);

		/* Somebody may still admit it. */
		if (reason && is_guest)
			wait_here(from, &item);
		if (reason)
			refuse(zc, from, &item.subject, reason);
		else
			grant(zc, from, &item.subject);
	} else if (!is_guest) {
		refuse(zc, from, &item.subject, WR_DOOR_UNKNOWN);
	} else {
		wait_here(from, &item);
		if (!is_invited(door))
			refuse(zc, from, &item.subject, WR_DOOR_UNINVITED);
		else if (!pass_on(zc, datagram))
			refuse(zc, from, &item.subject, WR_DOOR_AWAY);
	}
}

/* An answer for a guest of ours goes on to it. */
static void hand_on(struct wr_zeroconf *zc, const struct contact *from, const struct wr_key *guest,
		    struct wr_bytes datagram)
{
	const struct contact *contact = zc_find(zc, guest);

	if (from->is_member && contact && contact->until.ns)
		zc_send(zc, contact, datagram);
}

static void take_grant(struct wr_zeroconf *zc, const struct contact *from,
		       const struct wr_door *door, struct wr_bytes datagram)
{
	struct wr_item_head head;

	if (!wr_item_peek(door->certificate, &head))
		return;
	if (wr_key_equal(head.subject, &zc->identity))
		enter(zc, from, door);
	else
		hand_on(zc, from, head.subject, datagram);
}

void zc_take_door(struct wr_zeroconf *zc, struct contact *from, struct wr_bytes datagram)
{
	struct wr_door door;

	if (!wr_door_read(datagram, &door))
		return;
	switch (door.type) {
	case WR_DOOR_PLEA: hear_plea(zc, from, &door, datagram); break;
	case WR_DOOR_GRANT: take_grant(zc, from, &door, datagram); break;
	case WR_DOOR_REFUSAL:
		if (wr_key_equal(&door.guest, &zc->identity))
			be_refused(zc, &door);
		else
			hand_on(zc, from, &door.guest, datagram);
		break;
	}
}

void zc_tell_admitted(struct wr_zeroconf *zc, const struct wr_key *identity)
{
	const struct contact *contact = zc_find(zc, identity);

	if (contact)
		grant(zc, contact, identity);
}

void zc_tell_revoked(struct wr_zeroconf *zc, const struct wr_key *identity)
{
	const struct contact *contact = zc_find(zc, identity);

	if (contact)
		refuse(zc, contact, identity, WR_DOOR_REVOKED);
}

void zc_turn_away(struct wr_zeroconf *zc, struct contact *guest)
{
	bool is_revoked = wr_admission_admits(zc->admission, &guest->identity, wr_clock_wall()) ==
			  WR_ADMITTED_REVOKED;

	if (guest->has_refused || guest->is_pleading || !zc_admits(zc, &zc->identity))
		return;
	guest->has_refused = true;
	refuse(zc, guest, &guest->identity, is_revoked ? WR_DOOR_REVOKED : WR_DOOR_UNINVITED);
}
