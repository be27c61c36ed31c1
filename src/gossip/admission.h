/* Who may be a member, by what the mesh's founder signed: the charter, certificates, revocations;
 * and the policy, put together from its pieces.
 *
 * The founder is the first whose charter was good (or whom an invitation named), and stays: items
 * of another are refused and counted. While there is no charter that closes the mesh, whoever has
 * the mesh's key is admitted.
 *
 * Sans-I/O.  Floor 3.  One thread.  Bounded: WR_ADMISSION_MAX certificates and as many revocations;
 * more are refused and counted. A revocation is forgotten only by wr_admission_forget().
 * Source: docs/mesh.md, "Ways in", "Items". */
#pragma once

#include "base/base.h"
#include "base/key.h"
#include "wire/item.h"

/* As many as members (WR_GOSSIP_MEMBERS). */
#define WR_ADMISSION_MAX 20000
/* Given to who is late by our clock. */
#define WR_ADMISSION_SLACK WR_SPAN_S(600)

struct wr_admission;

/* NULL where memory is short. `founder` NULL: none is known yet. */
struct wr_admission *wr_admission_new(const uint8_t mesh[WR_MESH_TAG_LEN],
				      const struct wr_key *founder);
/* NULL is fine; returns NULL. */
struct wr_admission *wr_admission_free(struct wr_admission *admission);

/* NULL: none. */
const struct wr_key *wr_admission_founder(const struct wr_admission *admission);
bool wr_admission_is_closed(const struct wr_admission *admission);

/* For wr_gossip_config.check: of this mesh, authentic, by who may, and there is room for it. While
 * no founder is known, a good charter makes its signer the founder, at once; what else only a
 * founder signs is refused until then. */
bool wr_admission_check(struct wr_admission *admission, struct wr_bytes item) WR_MUST_CHECK;

enum {
	WR_ADMISSION_MEMBERS = 1, /* whom wr_admission_admits() lets in, or as what */
	WR_ADMISSION_POLICY = 2,
};
/* An item of any kind, that was checked, is in force from now on; older ones change nothing.
 * Returns what may have changed, of the above. */
unsigned wr_admission_take(struct wr_admission *admission, struct wr_bytes item);

enum wr_admitted {
	WR_ADMITTED,
	WR_ADMITTED_NOT,     /* no certificate */
	WR_ADMITTED_EXPIRED, /* it had one */
	WR_ADMITTED_REVOKED,
};
/* `wall` is only for expiry. */
enum wr_admitted wr_admission_admits(const struct wr_admission *admission,
				     const struct wr_key *identity, struct wr_wall wall);
const char *wr_admitted_text(enum wr_admitted admitted);
/* When wr_admission_admits() says another thing of somebody without anything being taken;
 * UINT64_MAX for never. */
struct wr_wall wr_admission_next_expiry(const struct wr_admission *admission, struct wr_wall wall);
/* Forgets revocations of what expired a month ago, and certificates that did: a clock would have to
 * be wrong by a month to let one of these in again. */
void wr_admission_forget(struct wr_admission *admission, struct wr_wall wall);

/* The newest certificate, revoked or not; false if there is none. `ret_serial` may be NULL. */
bool wr_admission_certificate(const struct wr_admission *admission, const struct wr_key *identity,
			      struct wr_certificate *ret_certificate, uint64_t *ret_serial)
	WR_MUST_CHECK;
/* The name in it; "": none. Valid until the next take or forget. */
const char *wr_admission_name(const struct wr_admission *admission, const struct wr_key *identity);
/* Whether a certificate that admits another one than `identity`, reachable or not, has the name. */
bool wr_admission_is_name_taken(const struct wr_admission *admission, const char *name,
				const struct wr_key *identity, struct wr_wall wall);

/* The newest policy of which all pieces are there and whose digest is right; NULL: none. Valid
 * until the next wr_admission_take(). */
const char *wr_admission_policy(const struct wr_admission *admission, uint64_t *ret_version);
/* Its items, one after the other (*at is 0 at first), to be kept on the disk: the mesh's members
 * pass on only the newest pieces, and these may be of a version that is not whole yet. */
bool wr_admission_policy_item(const struct wr_admission *admission, size_t *at,
			      struct wr_bytes *ret_item) WR_MUST_CHECK;

struct wr_admission_figures {
	size_t certificates, revocations;
	uint64_t policy_awaited; /* the newest version of which pieces are missing; 0: none */
	uint64_t malformed;      /* items of our mesh that are none */
	uint64_t forged;         /* whose signature or signer is wrong */
	uint64_t foreign;        /* of another mesh */
	uint64_t other_founders; /* charters of somebody else than the founder */
	uint64_t full;           /* refused because there is no room (or memory) left */
};
void wr_admission_look(const struct wr_admission *admission,
		       struct wr_admission_figures *ret_figures);
