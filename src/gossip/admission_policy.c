#include "gossip/admission_policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/noise.h"

static void version_done(struct wr_policy_version *version)
{
	for (size_t i = 0; i < version->count; i++)
		free(version->items[i].bytes);
	*version = (struct wr_policy_version){ 0 };
}

void wr_policy_pieces_done(struct wr_policy_pieces *pieces)
{
	version_done(&pieces->whole);
	for (size_t i = 0; i < WR_ARRAY_LEN(pieces->parts); i++)
		version_done(&pieces->parts[i]);
	free(pieces->text);
	pieces->text = NULL;
}

uint64_t wr_policy_pieces_awaited(const struct wr_policy_pieces *pieces)
{
	uint64_t newest = 0;

	for (size_t i = 0; i < WR_ARRAY_LEN(pieces->parts); i++)
		if (pieces->parts[i].version > newest)
			newest = pieces->parts[i].version;
	return newest;
}

/* --- A piece. --- */

/* Where pieces of this version go; what is older gives way. NULL: there are two newer ones. */
static struct wr_policy_version *part_of(struct wr_policy_pieces *pieces, uint64_t version)
{
	struct wr_policy_version *oldest = &pieces->parts[0];

	for (size_t i = 0; i < WR_ARRAY_LEN(pieces->parts); i++) {
		struct wr_policy_version *part = &pieces->parts[i];

		if (part->count && part->version == version)
			return part;
		if (oldest->count && (!part->count || part->version < oldest->version))
			oldest = part;
	}
	if (oldest->count && oldest->version > version)
		return NULL;
	version_done(oldest);
	return oldest;
}

/* Of two policies of one version the one that came first counts: a founder gives a version once. */
static bool is_of(const struct wr_policy_version *part, const struct wr_policy_piece *piece)
{
	return part->count == piece->count &&
	       memcmp(part->digest, piece->digest, sizeof(part->digest)) == 0;
}

static int put(struct wr_policy_version *part, const struct wr_item *item, struct wr_bytes bytes)
{
	const struct wr_policy_piece *piece = &item->policy;

	if (!part->count) {
		part->version = item->version;
		part->count = piece->count;
		memcpy(part->digest, piece->digest, sizeof(part->digest));
	}
	if (!is_of(part, piece) || part->items[piece->number].bytes)
		return 0;
	part->items[piece->number].bytes = malloc(bytes.len);
	if (!part->items[piece->number].bytes)
		return -ENOMEM;
	memcpy(part->items[piece->number].bytes, bytes.data, bytes.len);
	part->items[piece->number].len = bytes.len;
	part->have++;
	return 0;
}

/* --- All of them. --- */

/* NULL where memory is short. */
static char *join(const struct wr_policy_version *version, size_t *ret_len)
{
	char *text = malloc((size_t)version->count * WR_ITEM_POLICY_PIECE + 1);
	struct wr_item item;
	size_t len = 0;

	for (size_t i = 0; text && i < version->count; i++) {
		bool is_good = wr_item_read(
			(struct wr_bytes){ version->items[i].bytes, version->items[i].len }, &item);

		assert(is_good); /* it was when it came */
		if (item.policy.text.len)
			memcpy(text + len, item.policy.text.data, item.policy.text.len);
		len += item.policy.text.len;
	}
	if (text)
		text[len] = '\0';
	*ret_len = len;
	return text;
}

static bool has_digest(const char *text, size_t len, const uint8_t digest[32])
{
	struct wr_hash hash = wr_hash2((struct wr_bytes){ (const uint8_t *)text, len },
				       (struct wr_bytes){ 0 });

	return memcmp(hash.bytes, digest, sizeof(hash.bytes)) == 0;
}

static void put_in_force(struct wr_policy_pieces *pieces, struct wr_policy_version *part,
			 char *text)
{
	version_done(&pieces->whole);
	free(pieces->text);
	pieces->text = text;
	pieces->whole = *part;
	*part = (struct wr_policy_version){ 0 };
	for (size_t i = 0; i < WR_ARRAY_LEN(pieces->parts); i++)
		if (pieces->parts[i].version < pieces->whole.version)
			version_done(&pieces->parts[i]);
}

static int finish(struct wr_policy_pieces *pieces, struct wr_policy_version *part)
{
	size_t len;
	char *text = join(part, &len);

	if (!text || !has_digest(text, len, part->digest)) {
		/* Of this version nothing comes any more; it does not keep its place, either. */
		version_done(part);
		free(text);
		return text ? 0 : -ENOMEM;
	}
	put_in_force(pieces, part, text);
	return 1;
}

int wr_policy_pieces_take(struct wr_policy_pieces *pieces, const struct wr_item *item,
			  struct wr_bytes bytes)
{
	struct wr_policy_version *part;
	int error;

	if (pieces->text && item->version <= pieces->whole.version)
		return 0;
	part = part_of(pieces, item->version);
	if (!part)
		return 0;
	error = put(part, item, bytes);
	return error || part->have < part->count ? error : finish(pieces, part);
}
