/* Making an invitation: which members are named in it, and where they are found. */
#include <errno.h>
#include <string.h>

#include "zeroconf/inside.h"

static void add_endpoint(struct wr_invitation_contact *contact, const struct wr_endpoint *endpoint,
			 uint16_t knock_port)
{
	struct wr_endpoint plain = { .ip = endpoint->ip,
				     .port = knock_port ? knock_port : endpoint->port };
	bool is_link_local = plain.ip.family == WR_IPV6 && plain.ip.bytes[0] == 0xfe &&
			     (plain.ip.bytes[1] & 0xc0) == 0x80;

	if (!is_link_local && contact->endpoint_count < WR_INVITATION_ENDPOINTS)
		contact->endpoints[contact->endpoint_count++] = plain;
}

/* A port of its own for knocks has no mapping in a NAT: nobody keeps one there. */
static bool may_knock(const struct wr_record_candidate *candidate, uint16_t knock_port)
{
	return !knock_port || candidate->kind == WR_CANDIDATE_LOCAL ||
	       candidate->kind == WR_CANDIDATE_GLOBAL;
}

/* What can be reached from everywhere first. `knock_port`: another one than WireGuard's; or 0. */
static void add_contact(struct wr_invitation *invitation, const struct wr_key *identity,
			const struct wr_record *record, uint16_t knock_port)
{
	struct wr_invitation_contact *contact;

	if (invitation->contact_count == WR_INVITATION_CONTACTS)
		return;
	contact = &invitation->contacts[invitation->contact_count];
	*contact = (struct wr_invitation_contact){ .identity = *identity };
	for (int is_local = 0; is_local <= 1; is_local++) {
		for (size_t i = 0; i < record->candidate_count; i++) {
			const struct wr_record_candidate *candidate = &record->candidates[i];

			if ((candidate->kind == WR_CANDIDATE_LOCAL) == is_local &&
			    may_knock(candidate, knock_port))
				add_endpoint(contact, &candidate->endpoint, knock_port);
		}
	}
	if (contact->endpoint_count)
		invitation->contact_count++;
}

static bool takes_knocks(const struct wr_record *record)
{
	const uint32_t both = WR_RECORD_OPEN | WR_RECORD_RELAYS;

	return (record->flags & both) == both;
}

/* Ourselves; then who can be reached from everywhere, and takes knocks on WireGuard's own port. */
static void add_contacts(struct wr_zeroconf *zc, struct wr_invitation *invitation)
{
	struct wr_gossip_sight sight;
	struct wr_item item;
	size_t at = 0;

	add_contact(invitation, &zc->identity, &zc->record, wr_discovery_own_port(zc->discovery));
	while (wr_gossip_next(zc->gossip, &at, &sight))
		if (sight.status == WR_GOSSIP_ALIVE &&
		    !wr_key_equal(&sight.identity, &zc->identity) &&
		    wr_item_read(sight.record, &item) && takes_knocks(&item.record))
			add_contact(invitation, &sight.identity, &item.record, 0);
}

/* Where we took them from when we joined: perhaps nobody that is open is known now. */
static void add_own_contacts(const struct wr_zeroconf *zc, struct wr_invitation *invitation)
{
	const struct wr_invitation *own = &zc->state.invitation;

	for (size_t i = 0; zc->state.has_invitation && i < own->contact_count &&
			   invitation->contact_count < WR_INVITATION_CONTACTS;
	     i++)
		invitation->contacts[invitation->contact_count++] = own->contacts[i];
}

int zc_make_invitation(struct wr_zeroconf *zc, const struct wr_mesh_invitation *admission,
		       uint64_t expires, char ret_text[WR_INVITATION_TEXT_LEN])
{
	const struct wr_key *founder = wr_admission_founder(zc->admission);
	struct wr_invitation invitation = {
		.root = zc->state.root,
		.expires = expires,
		.has_founder = founder != NULL,
		.has_admission = admission != NULL,
	};
	int status = 0;

	memcpy(invitation.mesh, zc->state.mesh, sizeof(invitation.mesh));
	if (founder)
		invitation.founder = *founder;
	if (admission) {
		memcpy(invitation.id, admission->id, sizeof(invitation.id));
		memcpy(invitation.secret, admission->secret, sizeof(invitation.secret));
	}
	add_contacts(zc, &invitation);
	add_own_contacts(zc, &invitation);
	if (!invitation.contact_count)
		status = -EADDRNOTAVAIL;
	else if (!wr_invitation_format(&invitation, ret_text))
		status = -EMSGSIZE;
	wr_wipe(&invitation, sizeof(invitation));
	return status;
}
