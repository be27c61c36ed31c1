/* Which knocks are good. What costs little is asked first, and what somebody without the mesh's key
 * can send takes nothing from those who have it:
 *
 *     length and version -> tag -> MAC -> our own -> replay -> budget -> signature
 *
 * Floor 9.  One thread; no I/O.  Source: docs/mesh.md, "Knocks". */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "crypto/noise.h"
#include "wire/knock.h"
#include "wire/mesh_key.h"

enum wr_hearing {
	WR_HEARD_GOOD,
	WR_HEARD_MALFORMED,
	WR_HEARD_FOREIGN, /* of another mesh */
	WR_HEARD_FORGED,  /* MAC or signature */
	WR_HEARD_OWN,     /* our own, come back */
	WR_HEARD_REPLAYED,
	WR_HEARD_LIMITED, /* there were too many, of this source or in all */
	WR_HEARINGS
};

/* Of one source: an IPv4 address, or an IPv6 network of 64 bits. */
#define WR_JUDGE_SOURCE_PER_SECOND 16
#define WR_JUDGE_PER_SECOND 200

struct wr_judge;

/* `keys` is borrowed; `known` is how many identities are remembered; `secret` is random. NULL where
 * memory is short. */
struct wr_judge *wr_judge_new(const struct wr_mesh_keys *keys, const struct wr_key *own,
			      size_t known, const struct wr_siphash_key *secret);
/* NULL is fine; returns NULL. */
struct wr_judge *wr_judge_free(struct wr_judge *judge);
/* *ret_knock is set if it is good. */
enum wr_hearing wr_judge_hear(struct wr_judge *judge, struct wr_bytes datagram,
			      const struct wr_ip *source, struct wr_instant now,
			      struct wr_knock *ret_knock) WR_MUST_CHECK;
