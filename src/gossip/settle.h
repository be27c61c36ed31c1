/* Names and IPv4 addresses that two members claim: settled the same way by every member, from
 * what the records say.
 *
 * A name in a certificate goes before one that is only claimed; then the older claim; then the
 * lower identity. Who loses has none until it claims another, and so does who claims another name
 * than the one in its certificate.
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
