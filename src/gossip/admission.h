/* Who may be a member, by what the mesh's founder signed: the charter, certificates, revocations;
 * and the policy, put together from its pieces.
 *
 * The founder is the first whose charter was taken (or whom an invitation named), and stays: items
 * of another are refused and counted. While there is no charter that closes the mesh, whoever has
 * the mesh's key is admitted.
 *
 * Sans-I/O.  Floor 3.  One thread.  Source: docs/mesh.md, "Admission". */
#pragma once

#include "base/base.h"
#include "base/key.h"
#include "wire/item.h"

struct wr_admission;

/* NULL where memory is short. `founder` NULL: none is known yet. */
struct wr_admission *wr_admission_new(const uint8_t mesh[WR_MESH_TAG_LEN],
				      const struct wr_key *founder);
/* NULL is fine; returns NULL. */
struct wr_admission *wr_admission_free(struct wr_admission *admission);

/* NULL: none. */
const struct wr_key *wr_admission_founder(const struct wr_admission *admission);
bool wr_admission_is_closed(const struct wr_admission *admission);

/* For wr_gossip_config.check: of this mesh, authentic, by who may. A charter of nobody known is
 * taken only if there is no founder yet. */
bool wr_admission_check(struct wr_admission *admission, struct wr_bytes item);
/* An item of any kind, that was checked, is in force from now on; older ones change nothing. */
void wr_admission_take(struct wr_admission *admission, struct wr_bytes item);

enum wr_admitted {
	WR_ADMITTED,
	WR_ADMITTED_NOT,     /* no certificate */
	WR_ADMITTED_EXPIRED, /* it had one */
	WR_ADMITTED_REVOKED,
};
/* `wall` only for expiry, of which `slack` for wrong clocks is given: 10 minutes. */
enum wr_admitted wr_admission_admits(const struct wr_admission *admission,
				     const struct wr_key *identity, struct wr_wall wall);
/* When wr_admission_admits() says another thing of somebody without anything being taken; ns since
 * 1970, UINT64_MAX for never. */
struct wr_wall wr_admission_next_expiry(const struct wr_admission *admission, struct wr_wall wall);
/* NULL if there is none (revoked or not). Valid until the next wr_admission_take(). */
const struct wr_certificate *wr_admission_certificate(const struct wr_admission *admission,
						      const struct wr_key *identity,
						      uint64_t *ret_serial);

/* The newest policy of which all pieces are there and whose digest is right; NULL: none. Valid
 * until the next wr_admission_take(). */
const char *wr_admission_policy(const struct wr_admission *admission, uint64_t *ret_version);

struct wr_admission_figures {
	size_t certificates, revocations;
	uint64_t forged;         /* items whose signature or signer is wrong */
	uint64_t foreign;        /* of another mesh */
	uint64_t other_founders; /* charters of somebody else than the founder */
};
void wr_admission_look(const struct wr_admission *admission,
		       struct wr_admission_figures *ret_figures);
const char *wr_admitted_text(enum wr_admitted admitted);
