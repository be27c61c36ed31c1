/* Items that were really signed, and what is known of them: so that ten thousand members share the
 * bytes of ten thousand records, and libsodium is asked once about each. What nobody made is never
 * remembered: its signature is looked at each time. */
#include "gossip_world.h"

#include "gossip/blob.h"

struct made {
	uint64_t hash;
	struct wr_gossip_blob *blob;
	bool is_checked, is_good;
};

struct items {
	struct made *places; /* open addressing */
	size_t count, room;
};

static uint64_t hash_of(struct wr_bytes bytes)
{
	/* The signature is the end, and as good as any hash. */
	uint64_t words[2] = { 0 };

	if (bytes.len >= sizeof(words))
		memcpy(words, bytes.data + bytes.len - sizeof(words), sizeof(words));
	return (words[0] ^ words[1] * UINT64_C(0x9e3779b97f4a7c15)) | 1;
}

static bool is_same(const struct made *made, uint64_t hash, struct wr_bytes bytes)
{
	return made->hash == hash && made->blob->len == bytes.len &&
	       (made->blob->bytes == bytes.data ||
		memcmp(made->blob->bytes, bytes.data, bytes.len) == 0);
}

static struct made *place_of(const struct items *items, struct wr_bytes bytes)
{
	uint64_t hash = hash_of(bytes);
	size_t place = hash >> 7 & (items->room - 1);

	while (items->places[place].blob && !is_same(&items->places[place], hash, bytes))
		place = (place + 1) & (items->room - 1);
	return &items->places[place];
}

static struct made *find(const struct items *items, struct wr_bytes bytes)
{
	struct made *made = place_of(items, bytes);

	return made->blob ? made : NULL;
}

static void grow(struct items *items)
{
	struct items wider = { .room = items->room * 2 };

	wider.places = calloc(wider.room, sizeof(struct made));
	assert(wider.places);
	for (size_t i = 0; i < items->room; i++) {
		const struct made *made = &items->places[i];

		if (made->blob)
			*place_of(&wider,
				  (struct wr_bytes){ made->blob->bytes, made->blob->len }) = *made;
	}
	wider.count = items->count;
	free(items->places);
	*items = wider;
}

struct items *items_new(void)
{
	struct items *items = calloc(1, sizeof(*items));

	assert(items);
	items->room = 1024;
	items->places = calloc(items->room, sizeof(struct made));
	assert(items->places);
	return items;
}

struct items *items_free(struct items *items)
{
	for (size_t i = 0; i < items->room; i++)
		if (items->places[i].blob)
			wr_gossip_blob_unref(items->places[i].blob);
	free(items->places);
	free(items);
	return NULL;
}

struct wr_bytes items_sign(struct world *world, const struct wr_item *item,
			   const struct wr_key *seed)
{
	struct items *items = world->items;
	uint8_t bytes[WR_ITEM_MAX_LEN];
	struct wr_bytes written = { bytes, wr_item_write(item, seed, bytes) };
	struct made *made;

	assert(written.len);
	if (items->count * 2 >= items->room)
		grow(items);
	made = place_of(items, written);
	if (!made->blob) {
		made->hash = hash_of(written);
		made->blob = wr_gossip_blob_new(written);
		assert(made->blob);
		items->count++;
	}
	return (struct wr_bytes){ made->blob->bytes, made->blob->len };
}

struct wr_bytes items_genuine(const struct items *items, struct wr_bytes bytes)
{
	const struct made *made = find(items, bytes);

	return made ? (struct wr_bytes){ made->blob->bytes, made->blob->len }
		    : (struct wr_bytes){ 0 };
}

bool items_check(struct items *items, struct wr_bytes bytes)
{
	struct made *made = find(items, bytes);

	if (!made)
		return wr_item_check(bytes);
	if (!made->is_checked) {
		made->is_good = wr_item_check(bytes);
		made->is_checked = true;
	}
	return made->is_good;
}

struct wr_gossip_blob *items_share(struct wr_bytes genuine)
{
	const uint8_t *blob = genuine.data - offsetof(struct wr_gossip_blob, bytes);

	/* What items_sign() gave was the blob's own, and not const. */
	return wr_gossip_blob_ref((struct wr_gossip_blob *)(uintptr_t)blob);
}

struct wr_gossip_blob *items_intern(struct items *items, struct wr_bytes bytes)
{
	struct made *made = find(items, bytes);

	return made ? wr_gossip_blob_ref(made->blob) : wr_gossip_blob_new(bytes);
}
