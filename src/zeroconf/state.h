/* What this machine is in a zero-config mesh, on disk; in the folder of the membership
 * (mesh/folder.h), each file private:
 *
 *     mesh.json     identity, mesh, how it is wanted
 *     items         signed items that were known last: a start needs no LAN
 *     founder.json  only where the founder's key is: key, invitations
 *
 * Each is replaced whole. A broken one is refused, never overwritten.
 *
 * Floor 9.  One thread; waits for the disk.  Holds secrets. */
#pragma once

#include <net/if.h>

#include "base/base.h"
#include "base/ip.h"
#include "base/key.h"
#include "mesh/folder.h"
#include "mesh/reconcile.h"
#include "tunnel/backend.h"
#include "wire/invitation.h"
#include "wire/item.h"
#include "wire/mesh_key.h"

#define WR_MESH_INVITATIONS 1000

struct wr_mesh_state {
	char *folder;
	char interface[IF_NAMESIZE];

	char mesh[WR_MESH_NAME_LEN + 1];
	bool has_secret;    /* else whoever knows the name is in, if no charter closes it */
	struct wr_key root; /* of the mesh (wire/mesh_key.h) */
	struct wr_key seed; /* our identity's */
	bool has_founder;   /* pinned */
	struct wr_key founder;
	uint64_t epoch; /* starts so far */
	uint64_t clock; /* no handshake of ours bore a later time: ns since 1970; 0: none did */

	/* Claims, as they were settled last. */
	char name[WR_ITEM_NAME_LEN + 1]; /* that we hold */
	uint64_t name_since;
	uint32_t v4_attempt;
	uint64_t v4_since;

	/* An invitation that is being used: contacts, and the proof for the door. */
	bool has_invitation;
	struct wr_invitation invitation;

	/* How this machine wants it. */
	char wanted_name[WR_ITEM_NAME_LEN + 1];
	struct wr_prefix range4; /* of the mesh: /8 to /24 */
	struct wr_ip listen;     /* family none: any */
	uint16_t port;           /* 0: last_port if it is free, else any */
	uint16_t last_port;
	enum wr_backend_kind backend;
	enum wr_names_kind names;
	bool is_lan_off, is_relay_off, has_l2, accepts_routes, masquerades;
	struct wr_prefix routes[WR_ITEM_ROUTES];
	size_t route_count;
	struct wr_endpoint metrics; /* family none: not asked for */
};

/* 0; -ENOENT, -EPERM where others may read it, -EBADMSG where it is none of ours. */
int wr_mesh_state_load(const char *folder, struct wr_mesh_state *ret_state) WR_MUST_CHECK;
/* 0 or a negative errno; then the old content is there. */
int wr_mesh_state_save(const struct wr_mesh_state *state) WR_MUST_CHECK;
/* Wipes it. */
void wr_mesh_state_done(struct wr_mesh_state *state);
/* Whether a word can be a mesh's name, or a member's: a DNS label in lower case. */
bool wr_mesh_is_name(const char *word);
/* A private range that a mesh can have: of RFC 1918 or RFC 6598, /8 to /24. */
bool wr_mesh_is_range(const struct wr_prefix *range);
/* Removes the files and the folder. */
int wr_mesh_state_forget(const char *folder);

/* Items, as bytes one after the other, each with its length (16, big-endian) before it; 32 MiB at
 * most. `each` gets them. 0, -ENOENT, -EBADMSG where the file is none of ours (`each` was not
 * called), -EPERM, or another negative errno. */
#define WR_MESH_ITEMS_MAX (32u << 20)
int wr_mesh_items_load(const char *folder, void (*each)(void *context, struct wr_bytes item),
		       void *context) WR_MUST_CHECK;
int wr_mesh_items_save(const char *folder, struct wr_bytes items) WR_MUST_CHECK;

/* The founder's. */
struct wr_mesh_invitation {
	uint8_t id[WR_INVITATION_ID_LEN];
	uint8_t secret[WR_INVITATION_SECRET_LEN];
	uint64_t expires;                /* 0: never */
	uint32_t uses_left;              /* UINT32_MAX: any number */
	char name[WR_ITEM_NAME_LEN + 1]; /* that the certificate gets; "": any */
	uint8_t tag_count;
	char tags[WR_ITEM_TAGS][WR_ITEM_NAME_LEN + 1];
	uint64_t certificate_seconds; /* how long it holds; 0: for ever */
};
struct wr_founder {
	struct wr_key seed;
	uint64_t serial; /* last one given out, of certificates, revocations and charters */
	struct wr_mesh_invitation *invitations;
	size_t invitation_count;
};
/* 0; -ENOENT: the founder's key is not here; else as wr_mesh_state_load(). */
int wr_founder_load(const char *folder, struct wr_founder *ret_founder) WR_MUST_CHECK;
int wr_founder_save(const char *folder, const struct wr_founder *founder) WR_MUST_CHECK;
void wr_founder_done(struct wr_founder *founder);
