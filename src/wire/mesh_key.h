/* What follows from a mesh's name and secret: everything that tells its members from others.
 *
 * Floor 2.  Pure.  Holds secrets: wipe it.  Source: docs/mesh.md, "Keys". */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "base/key.h"
#include "wire/item.h"

#define WR_MESH_NAME_LEN 63   /* a DNS label */
#define WR_MESH_RANGE4_MAX 30 /* the longest length of an IPv4 range: two members */

struct wr_mesh_keys {
	struct wr_key root;           /* of name and secret: an invitation holds it */
	struct wr_key psk;            /* WireGuard's preshared key between all members */
	struct wr_key mac;            /* of knocks */
	uint8_t tag[WR_MESH_TAG_LEN]; /* public */
	struct wr_prefix range6;      /* fdXX:XXXX:XXXX::/48 */
	struct wr_prefix range4;      /* 10.H.0.0/16, H from 128 to 243 */
};

/* `secret` of no bytes: the mesh is open. Argon2id of the secret is slow on purpose (some 0.1 s);
 * salt is the name. 0; -ENOMEM. */
int wr_mesh_root(const char *name, struct wr_bytes secret, struct wr_key *ret_root) WR_MUST_CHECK;
/* All that follows; cheap. */
void wr_mesh_keys(const struct wr_key *root, struct wr_mesh_keys *ret_keys);

/* A member's own IPv6 address in the mesh: 80 bits of the hash of its identity. No claim needed. */
struct wr_ip wr_mesh_v6(const struct wr_prefix *range6, const struct wr_key *identity);
/* Its `attempt`-th IPv4 address of the range (of a length up to WR_MESH_RANGE4_MAX), never the
 * range's first or last. */
struct wr_ip wr_mesh_v4(const struct wr_prefix *range4, const struct wr_key *identity,
			uint32_t attempt);
/* 20 hexadecimal digits and NUL: the member's identifier in maps and listings. They are the last 80
 * bits of its IPv6 address. */
void wr_mesh_uid(const struct wr_key *identity, char ret_uid[21]);
