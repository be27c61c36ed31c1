/* What only the machine with the founder's key does: it signs. What it gives out is on its disk
 * before anybody has it, so that a serial is never used twice. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "crypto/crypto.h"
#include "linux/clock.h"
#include "zeroconf/inside.h"

/* Of closing: certificates have so long to be everywhere before the charter shuts the door. */
#define CERTIFICATES_SPREAD_WITHIN WR_SPAN_S(5)

static int is_not_here(char ret_why[200])
{
	snprintf(ret_why, 200,
		 "the founder's key is not on this machine: do it where the mesh was founded");
	return -EPERM;
}

static int keep(struct wr_zeroconf *zc, char ret_why[200])
{
	int status = wr_founder_save(zc->state.folder, &zc->founder);

	if (status < 0)
		snprintf(ret_why, 200, "cannot write %s/founder.json: %s", zc->state.folder,
			 strerror(-status));
	return status;
}

/* Signs with the next serial, or the item's own version if it has one; in force here, and told. */
static int issue(struct wr_zeroconf *zc, struct wr_item *item, char ret_why[200])
{
	uint8_t bytes[WR_ITEM_MAX_LEN];
	size_t len;
	int status = 0;

	item->signer = wr_sign_public(&zc->founder.seed);
	memcpy(item->mesh, zc->keys.tag, sizeof(item->mesh));
	if (!item->version) {
		item->version = ++zc->founder.serial;
		status = keep(zc, ret_why);
	}
	if (status < 0)
		return status;
	len = wr_item_write(item, &zc->founder.seed, bytes);
	if (!len || !zc_check(zc, (struct wr_bytes){ bytes, len })) {
		snprintf(ret_why, 200, "it cannot be signed: a name, tag or number is not allowed");
		return -EINVAL;
	}
	if (wr_gossip_put(zc->gossip, (struct wr_bytes){ bytes, len }, true, wr_clock_now()) ==
	    WR_GOSSIP_FULL) {
		snprintf(ret_why, 200, "the mesh holds no more of these");
		return -ENOSPC;
	}
	zc_take_item(zc, (struct wr_bytes){ bytes, len });
	zc->is_signed = true;
	return 0;
}

/* --- The charter. --- */

static int issue_charter(struct wr_zeroconf *zc, bool is_closed, char ret_why[200])
{
	struct wr_item item = { .kind = WR_ITEM_CHARTER, .charter = { .is_closed = is_closed } };

	item.subject = wr_sign_public(&zc->founder.seed);
	return issue(zc, &item, ret_why);
}

static int make_founder(struct wr_zeroconf *zc, char ret_why[200])
{
	int status;

	wr_random(&zc->founder.seed, sizeof(zc->founder.seed));
	status = keep(zc, ret_why);
	zc->is_founder = status == 0;
	return status;
}

void zc_take_free_name(const struct wr_zeroconf *zc, const struct wr_key *identity,
		       const char *name, struct wr_certificate *certificate)
{
	const struct contact *contact;
	size_t at = 0;

	while ((contact = zc_next(zc, &at)))
		if (!wr_key_equal(&contact->identity, identity) && strcmp(contact->uid, name) == 0)
			return;
	if (wr_admission_is_name_taken(zc->admission, name, identity, wr_clock_wall()))
		return;
	if (wr_key_equal(&zc->identity, identity) || strcmp(zc->state.name, name) != 0)
		snprintf(certificate->name, sizeof(certificate->name), "%s", name);
}

int zc_found(struct wr_zeroconf *zc, bool is_closed, char ret_why[200])
{
	struct wr_certificate own = { .tag_count = 0 };
	int status = issue_charter(zc, false, ret_why);

	zc_take_free_name(zc, &zc->identity, zc->state.name, &own);

	if (status == 0)
		status = zc_certify(zc, &zc->identity, &own, ret_why);
	if (status == 0 && is_closed)
		status = issue_charter(zc, true, ret_why);
	return status;
}

int zc_close_mesh(struct wr_zeroconf *zc, size_t *ret_count, char ret_why[200])
{
	const struct wr_netmap *map = wr_node_map(zc->node);
	const struct wr_netmap_peer *peer;
	struct contact *contact;
	size_t at = 0, count = 1;
	int status = 0;

	if (wr_admission_is_closed(zc->admission)) {
		snprintf(ret_why, 200, "%s is closed already", zc->state.mesh);
		return -EALREADY;
	}
	if (!zc->is_founder && wr_admission_founder(zc->admission))
		return is_not_here(ret_why);
	if (!zc->is_founder)
		status = make_founder(zc, ret_why);
	if (status == 0)
		status = zc_found(zc, false, ret_why);
	while (status == 0 && (contact = zc_next(zc, &at))) {
		struct wr_certificate certificate = { .tag_count = 0 };

		if (!contact->is_member)
			continue;
		peer = map ? wr_netmap_find(map, contact->uid) : NULL;
		if (peer && strcmp(peer->name, contact->uid) != 0)
			zc_take_free_name(zc, &contact->identity, peer->name, &certificate);
		status = zc_certify(zc, &contact->identity, &certificate, ret_why);
		count++;
	}
	if (status < 0)
		return status;
	*ret_count = count;
	zc->closes_at = wr_after(wr_clock_now(), CERTIFICATES_SPREAD_WITHIN);
	zc_review_record(zc);
	return 0;
}

void zc_tend_founder(struct wr_zeroconf *zc)
{
	char why[200];

	if (!zc->closes_at.ns || !wr_is_past(zc->closes_at, wr_clock_now()))
		return;
	zc->closes_at = (struct wr_instant){ 0 };
	if (issue_charter(zc, true, why) < 0)
		wr_log_error("charter: the mesh is not closed: %s", why);
	zc_run_gossip(zc);
}

/* --- Members. --- */

int zc_certify(struct wr_zeroconf *zc, const struct wr_key *identity,
	       const struct wr_certificate *certificate, char ret_why[200])
{
	struct wr_item item = {
		.kind = WR_ITEM_CERTIFICATE,
		.subject = *identity,
		.certificate = *certificate,
	};

	return zc->is_founder ? issue(zc, &item, ret_why) : is_not_here(ret_why);
}

int zc_revoke(struct wr_zeroconf *zc, const struct wr_key *identity, char ret_why[200])
{
	struct wr_item item = { .kind = WR_ITEM_REVOCATION, .subject = *identity };

	if (!zc->is_founder)
		return is_not_here(ret_why);
	if (wr_key_equal(identity, &zc->identity)) {
		snprintf(ret_why, 200, "this is the founder's own machine");
		return -EINVAL;
	}
	zc_tell_revoked(zc, identity);
	/* It holds for ever: which certificates were given out is not known for certain. */
	return issue(zc, &item, ret_why);
}

/* --- Invitations. --- */

struct wr_mesh_invitation *zc_find_invitation(struct wr_zeroconf *zc,
					      const uint8_t id[WR_INVITATION_ID_LEN])
{
	for (size_t i = 0; i < zc->founder.invitation_count; i++)
		if (memcmp(zc->founder.invitations[i].id, id, WR_INVITATION_ID_LEN) == 0)
			return &zc->founder.invitations[i];
	return NULL;
}

void zc_drop_invitation(struct wr_zeroconf *zc, struct wr_mesh_invitation *invitation)
{
	size_t at = (size_t)(invitation - zc->founder.invitations);
	size_t after = zc->founder.invitation_count - at - 1;

	memmove(invitation, invitation + 1, after * sizeof(*invitation));
	zc->founder.invitation_count--;
}

static bool is_proven(const struct wr_mesh_invitation *invitation, const struct wr_door *plea,
		      const struct wr_key *guest)
{
	uint8_t proof[WR_DOOR_PROOF_LEN];

	wr_door_prove(invitation->secret, guest, proof);
	return wr_mac_equal(proof, plea->proof);
}

enum wr_door_reason zc_redeem(struct wr_zeroconf *zc, const struct wr_door *plea,
			      const struct wr_item *guest)
{
	struct wr_mesh_invitation *invitation = zc_find_invitation(zc, plea->id);
	struct wr_certificate certificate = { .name = "" };
	char why[200];

	if (!invitation || !is_proven(invitation, plea, &guest->subject))
		return WR_DOOR_UNKNOWN;
	if (invitation->expires && invitation->expires < zc_seconds())
		return WR_DOOR_EXPIRED;
	if (!invitation->uses_left)
		return WR_DOOR_USED;
	memcpy(certificate.name, invitation->name, sizeof(certificate.name));
	if (!*certificate.name)
		zc_take_free_name(zc, &guest->subject, guest->record.name, &certificate);
	certificate.tag_count = invitation->tag_count;
	memcpy(certificate.tags, invitation->tags, sizeof(certificate.tags));
	if (invitation->certificate_seconds)
		certificate.not_after = zc_seconds() + invitation->certificate_seconds;
	if (invitation->uses_left != UINT32_MAX)
		invitation->uses_left--;
	/* Its use is on the disk with the certificate's serial. */
	if (zc_certify(zc, &guest->subject, &certificate, why) < 0) {
		wr_log_error("door: %s", why);
		return WR_DOOR_AWAY;
	}
	return 0;
}

/* --- The policy. --- */

static uint8_t pieces_of(size_t len)
{
	return len ? (uint8_t)((len + WR_ITEM_POLICY_PIECE - 1) / WR_ITEM_POLICY_PIECE) : 1;
}

static int issue_piece(struct wr_zeroconf *zc, const char *text, uint8_t number, uint64_t version,
		       char ret_why[200])
{
	size_t len = strlen(text), from = (size_t)number * WR_ITEM_POLICY_PIECE;
	size_t part = len - from < WR_ITEM_POLICY_PIECE ? len - from : WR_ITEM_POLICY_PIECE;
	struct wr_hash digest = wr_hash2((struct wr_bytes){ (const uint8_t *)text, len },
					 (struct wr_bytes){ NULL, 0 });
	struct wr_item item = {
		.kind = WR_ITEM_POLICY,
		.version = version,
		.policy = { .number = number,
			    .count = pieces_of(len),
			    .text = { (const uint8_t *)text + from, part } },
	};

	memcpy(item.policy.digest, digest.bytes, sizeof(item.policy.digest));
	item.subject.bytes[WR_KEY_LEN - 1] = number;
	return issue(zc, &item, ret_why);
}

int zc_publish_policy(struct wr_zeroconf *zc, const char *text, uint64_t *ret_version,
		      char ret_why[200])
{
	size_t len = strlen(text);
	uint64_t version;
	int status;

	if (!zc->is_founder)
		return is_not_here(ret_why);
	if (len > (size_t)WR_ITEM_POLICY_PIECE * WR_ITEM_POLICY_PIECES) {
		snprintf(ret_why, 200, "a mesh's policy is at most %d bytes",
			 WR_ITEM_POLICY_PIECE * WR_ITEM_POLICY_PIECES);
		return -EFBIG;
	}
	version = ++zc->founder.serial;
	status = keep(zc, ret_why);
	for (uint8_t i = 0; status == 0 && i < pieces_of(len); i++)
		status = issue_piece(zc, text, i, version, ret_why);
	*ret_version = version;
	return status;
}
