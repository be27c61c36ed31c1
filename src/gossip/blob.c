#include "gossip/blob.h"

#include <stdlib.h>
#include <string.h>

#include "gossip/mix.h"

/* Of the signature, which says all that the item says: only its signer could make two items of
 * one digest, and both would be its own. */
#define DIGESTED WR_SIGNATURE_LEN

static uint64_t word(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

uint64_t wr_gossip_key(enum wr_item_kind kind, const struct wr_key *subject)
{
	uint64_t sum = word(subject->bytes) ^ wr_mix(word(subject->bytes + 24));

	return wr_mix(sum + (uint64_t)kind * WR_MIX_STEP);
}

static uint64_t digest_of(struct wr_bytes item)
{
	uint64_t digest = item.len;

	for (size_t at = item.len - DIGESTED; at < item.len; at += sizeof(uint64_t))
		digest = wr_mix(digest + word(item.data + at));
	return digest;
}

static bool is_farewell(struct wr_bytes bytes)
{
	struct wr_item item;

	return wr_item_read(bytes, &item) && (item.record.flags & WR_RECORD_LEFT);
}

struct wr_gossip_blob *wr_gossip_blob_new(struct wr_bytes item)
{
	struct wr_item_head head;
	struct wr_gossip_blob *blob;

	if (!wr_item_peek(item, &head))
		return NULL;
	blob = malloc(sizeof(*blob) + item.len);
	if (!blob)
		return NULL;
	*blob = (struct wr_gossip_blob){
		.users = 1,
		.len = (uint16_t)item.len,
		.kind = (uint8_t)head.kind,
		.is_farewell = head.kind == WR_ITEM_RECORD && is_farewell(item),
		.key = wr_gossip_key(head.kind, head.subject),
		.version = head.version,
		.digest = digest_of(item),
		.subject_at = (uint16_t)(head.subject->bytes - item.data),
	};
	memcpy(blob->bytes, item.data, item.len);
	return blob;
}

struct wr_gossip_blob *wr_gossip_blob_ref(struct wr_gossip_blob *blob)
{
	blob->users++;
	return blob;
}

void wr_gossip_blob_unref(struct wr_gossip_blob *blob)
{
	if (blob && --blob->users == 0)
		free(blob);
}

const struct wr_key *wr_gossip_blob_subject(const struct wr_gossip_blob *blob)
{
	return (const struct wr_key *)(blob->bytes + blob->subject_at);
}
