/* Items: all that the members of a zero-config mesh tell each other for keeps. Each is signed,
 * proves itself, and has a version: of two with one slot the newer holds, everywhere.
 *
 *     kind (1) | mesh (8) | signer (32) | subject (32) | version (64) | body | signature (64)
 *
 * Numbers are big-endian. The mesh is the tag of the mesh's key, so no item of another mesh counts.
 * The slot is (kind, subject).
 *
 * | kind | signed by | subject | version |
 * |---|---|---|---|
 * | record | the member | the member | incarnation |
 * | certificate | the founder | the member | serial |
 * | revocation | the founder | the member | serial: its certificates up to that one are void |
 * | charter | the founder | the founder | serial |
 * | policy | the founder | zero, but for the number of the piece in the last byte | of the policy |
 *
 * Floor 2.  No state.  Source: docs/mesh.md, "Items". */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "base/key.h"
#include "crypto/sign.h"

#define WR_ITEM_MAX_LEN 1100 /* fits a frame (wire/frame.h) */
#define WR_ITEM_NAME_LEN 63  /* a DNS label */
#define WR_ITEM_CANDIDATES 8
#define WR_ITEM_RELAYS 2
#define WR_ITEM_ROUTES 8
#define WR_ITEM_TAGS 8
#define WR_ITEM_POLICY_PIECE 880
#define WR_ITEM_POLICY_PIECES 64
#define WR_MESH_TAG_LEN 8

enum wr_item_kind {
	WR_ITEM_RECORD = 1,
	WR_ITEM_CERTIFICATE,
	WR_ITEM_REVOCATION,
	WR_ITEM_CHARTER,
	WR_ITEM_POLICY,
	WR_ITEM_KINDS
};

/* Of a member's record. */
enum {
	WR_RECORD_LEFT = 1,   /* a farewell: it is gone until a newer record */
	WR_RECORD_RELAYS = 2, /* it passes on, unopened, what others have for each other */
	WR_RECORD_OPEN = 4,   /* strangers' packets reach it: it has a public or mapped address */
	WR_RECORD_L2 = 8,     /* it is on the mesh's VXLAN */
	WR_RECORD_KEEPER =
		16, /* it says that it has the founder's key: pleas go there (wire/door.h) */
};

struct wr_record_candidate {
	uint8_t kind; /* enum wr_candidate_kind */
	struct wr_endpoint endpoint;
};

struct wr_record {
	uint32_t flags;
	char name[WR_ITEM_NAME_LEN + 1]; /* "": none is claimed */
	uint64_t name_since; /* when it was claimed, seconds since 1970 by the claimer's clock */
	uint8_t v4[4];       /* all zero: none */
	uint64_t v4_since;
	uint8_t candidate_count, relay_count, route_count;
	struct wr_record_candidate candidates[WR_ITEM_CANDIDATES];
	struct wr_key relays[WR_ITEM_RELAYS]; /* members that reach it, if it is not open */
	struct wr_prefix routes[WR_ITEM_ROUTES];
	char program[24]; /* "warren 0.1.0" */
};

struct wr_certificate {
	char name[WR_ITEM_NAME_LEN + 1]; /* "": whichever it likes */
	uint8_t tag_count;
	char tags[WR_ITEM_TAGS][WR_ITEM_NAME_LEN + 1];
	uint64_t not_after; /* seconds since 1970; 0: never */
};

struct wr_revocation {
	uint64_t not_after; /* of what it revokes: it can be forgotten then; 0: never */
};

struct wr_charter {
	bool is_closed; /* who has no certificate is no member */
};

struct wr_policy_piece {
	uint8_t number, count; /* from 0; at most WR_ITEM_POLICY_PIECES */
	uint8_t digest[32];    /* BLAKE2s of the whole text */
	struct wr_bytes text;  /* borrowed from the bytes that were read */
};

struct wr_item {
	enum wr_item_kind kind;
	uint8_t mesh[WR_MESH_TAG_LEN];
	struct wr_key signer, subject;
	uint64_t version;
	union {
		struct wr_record record;
		struct wr_certificate certificate;
		struct wr_revocation revocation;
		struct wr_charter charter;
		struct wr_policy_piece policy;
	};
};

/* What is needed to sort it, without the body. False if it is none (length, kind). */
struct wr_item_head {
	enum wr_item_kind kind;
	const uint8_t *mesh;                   /* in the bytes */
	const struct wr_key *signer, *subject; /* the same */
	uint64_t version;
};
bool wr_item_peek(struct wr_bytes bytes, struct wr_item_head *ret_head) WR_MUST_CHECK;
/* All of it, each field checked (names are labels, counts fit, nothing behind). The signature is
 * not looked at. */
bool wr_item_read(struct wr_bytes bytes, struct wr_item *ret_item) WR_MUST_CHECK;
/* Writes and signs; signer is taken from the seed. 0 if it does not fit or a field is bad, else
 * the length. */
size_t wr_item_write(const struct wr_item *item, const struct wr_key *seed,
		     uint8_t ret_bytes[WR_ITEM_MAX_LEN]) WR_MUST_CHECK;
/* The signature, and that the signer may sign this: records by their subject. Whether another
 * signer is the mesh's founder, the caller asks (gossip/admission.h). */
bool wr_item_check(struct wr_bytes bytes) WR_MUST_CHECK;
