/* Names and IPv4 addresses that two members claim: settled the same way by every member, from
 * what the records say.
 *
 * A name in a certificate goes before one that is only claimed; then the older claim; then the
 * lower identity. Who loses has none until it claims another.
 *
 * Floor 3.  Pure.  Source: docs/mesh.md, "Names and addresses". */
#pragma once

#include "base/base.h"
#include "base/key.h"
#include "wire/item.h"

struct wr_claim {
	const struct wr_key *identity;
	const struct wr_record *record; /* NULL: it claims nothing */
	const char *certified_name;     /* NULL or "": none */
	/* Set: whether it has what it claims. */
	bool has_name, has_v4;
};

/* Sorts nothing; sets has_name and has_v4 of all. 0 or -ENOMEM. */
int wr_settle(struct wr_claim *claims, size_t count) WR_MUST_CHECK;

/* Whether a member whose certificate says `certified` (NULL or "": any name) may claim the name:
 * that one, or "NAME-2", "NAME-3" and so on if an invitation gave several the same. */
bool wr_settle_allows(const char *certified, const char *name);
