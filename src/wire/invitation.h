/* An invitation: one string with which a machine anywhere joins a zero-config mesh.
 *
 *     "wri_" base64url( version 1 (8) | flags (8) | name length (8), name | root key, 32 |
 *                       expiry (64) | founder, 32, if there is one |
 *                       id, 8, and secret, 16, if the mesh is closed |
 *                       contacts (8): identity, 32, endpoints (8): 4 or 6, address, port (16) |
 *                       checksum, 4 )
 *
 * The checksum (the first bytes of BLAKE2s of what stands before) tells a typo from a refusal.
 *
 * Floor 2.  Pure.  Holds secrets: wipe it.  Source: docs/mesh.md, "Ways in". */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "wire/mesh_key.h"

#define WR_INVITATION_TEXT_LEN 1024 /* with NUL */
#define WR_INVITATION_CONTACTS 4
#define WR_INVITATION_ENDPOINTS 4
#define WR_INVITATION_ID_LEN 8
#define WR_INVITATION_SECRET_LEN 16

struct wr_invitation_contact {
	struct wr_key identity;
	uint8_t endpoint_count;
	struct wr_endpoint endpoints[WR_INVITATION_ENDPOINTS]; /* of knocks */
};

struct wr_invitation {
	char mesh[WR_MESH_NAME_LEN + 1];
	struct wr_key root;
	uint64_t expires; /* seconds since 1970; 0: never */
	bool has_founder, has_admission;
	struct wr_key founder;
	uint8_t id[WR_INVITATION_ID_LEN];
	uint8_t secret[WR_INVITATION_SECRET_LEN];
	uint8_t contact_count;
	struct wr_invitation_contact contacts[WR_INVITATION_CONTACTS]; /* the maker first */
};

/* 0; or -EINVAL with one line in `ret_why` (200 bytes) that says what is wrong and never holds the
 * string. Blanks around it are fine. */
int wr_invitation_parse(const char *text, struct wr_invitation *ret_invitation, char ret_why[200])
	WR_MUST_CHECK;
/* False if a field is bad: it would not be parsed. */
bool wr_invitation_format(const struct wr_invitation *invitation,
			  char ret_text[WR_INVITATION_TEXT_LEN]) WR_MUST_CHECK;
