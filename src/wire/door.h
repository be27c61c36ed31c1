/* The door of a closed mesh: what a guest and a member say to each other, in the tunnel between
 * them, before the guest has a certificate.
 *
 *     "D" | type (8) | ...
 *
 *     plea (1), of a guest:   invitation's id, 8 | proof, 16 | the guest's record, an item
 *     grant (2), the answer:  length (16), charter, an item | certificate, an item
 *     refusal (3), another:   guest's identity, 32 | reason (8)
 *
 * A guest says its plea to a member, which passes it on to the invitation's maker, and the answer
 * back. The items are checked by who takes them, not here.
 *
 * The proof is a MAC of the guest's identity with the invitation's secret: who passes it on cannot
 * use it for himself.
 *
 * Floor 2.  No state.  Source: docs/mesh.md, "The door". */
#pragma once

#include "base/base.h"
#include "wire/invitation.h"
#include "wire/item.h"

#define WR_DOOR_FIRST 'D'
#define WR_DOOR_MAX_LEN 1200
#define WR_DOOR_PROOF_LEN 16

enum wr_door_type {
	WR_DOOR_PLEA = 1,
	WR_DOOR_GRANT,
	WR_DOOR_REFUSAL
};

enum wr_door_reason {
	WR_DOOR_UNKNOWN = 1, /* no such invitation, or it was revoked */
	WR_DOOR_USED,        /* as often as it may be */
	WR_DOOR_EXPIRED,
	WR_DOOR_REVOKED,   /* this identity is shut out */
	WR_DOOR_AWAY,      /* who made the invitation cannot be reached now: try again */
	WR_DOOR_UNINVITED, /* the mesh is closed, no invitation was shown: somebody may admit it */
	WR_DOOR_REASONS
};

struct wr_door {
	enum wr_door_type type;
	uint8_t id[WR_INVITATION_ID_LEN]; /* plea; all zero: none */
	uint8_t proof[WR_DOOR_PROOF_LEN];
	struct wr_bytes record;               /* plea: borrowed from the bytes */
	struct wr_bytes charter, certificate; /* grant: the same */
	struct wr_key guest;                  /* refusal */
	enum wr_door_reason reason;
};

bool wr_door_read(struct wr_bytes datagram, struct wr_door *ret_door) WR_MUST_CHECK;
/* The length; 0 if a field is bad, or does not fit. */
size_t wr_door_write(const struct wr_door *door, uint8_t ret_datagram[WR_DOOR_MAX_LEN])
	WR_MUST_CHECK;
void wr_door_prove(const uint8_t secret[WR_INVITATION_SECRET_LEN], const struct wr_key *guest,
		   uint8_t ret_proof[WR_DOOR_PROOF_LEN]);
/* "the invitation was used already": what to tell the guest's user. */
const char *wr_door_reason_text(enum wr_door_reason reason);
