/* An item's bytes, immutable and counted, with what the gossip core asks of them all the time: many
 * members in one process (a simulator) share one blob.
 *
 * Floor 3.  One thread. */
#pragma once

#include "base/base.h"
#include "base/key.h"
#include "wire/item.h"

struct wr_gossip_blob {
	uint32_t users;
	uint16_t len;
	uint8_t kind;     /* enum wr_item_kind */
	bool is_farewell; /* a record with WR_RECORD_LEFT */
	uint64_t key;     /* of its slot */
	uint64_t version;
	uint64_t digest; /* of the bytes */
	uint16_t subject_at;
	uint8_t bytes[];
};

/* The slot's key. Who wants another's must try 2^64 identities. */
uint64_t wr_gossip_key(enum wr_item_kind kind, const struct wr_key *subject);

/* A copy with one user. NULL where memory is short, or if it is no item. */
struct wr_gossip_blob *wr_gossip_blob_new(struct wr_bytes item);
/* One user more; returns the blob. */
struct wr_gossip_blob *wr_gossip_blob_ref(struct wr_gossip_blob *blob);
/* One less: the last one frees it. NULL is fine. */
void wr_gossip_blob_unref(struct wr_gossip_blob *blob);

const struct wr_key *wr_gossip_blob_subject(const struct wr_gossip_blob *blob);
static inline struct wr_bytes wr_gossip_blob_bytes(const struct wr_gossip_blob *blob)
{
	return (struct wr_bytes){ blob->bytes, blob->len };
}
