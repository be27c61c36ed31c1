#include "wg/source.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/mac1.h"

/* The address is told by its keyed hash. */
struct source {
	uint64_t hash;
	size_t slot_plus_one; /* 0: nobody */
};

struct wr_source_cache {
	struct wr_siphash_key key;
	struct source sources[WR_SOURCE_CACHE_ENTRIES];
};

struct wr_source_cache *wr_source_cache_new(const struct wr_siphash_key *key)
{
	struct wr_source_cache *cache = calloc(1, sizeof(*cache));

	if (cache)
		cache->key = *key;
	return cache;
}

struct wr_source_cache *wr_source_cache_free(struct wr_source_cache *cache)
{
	free(cache);
	return NULL;
}

/* Of address and port: behind one address many machines may stand. */
static uint64_t hash_of(const struct wr_source_cache *cache, const struct wr_endpoint *from)
{
	uint8_t input[sizeof(from->ip.bytes) + sizeof(from->port)];

	memcpy(input, from->ip.bytes, sizeof(from->ip.bytes));
	memcpy(input + sizeof(from->ip.bytes), &from->port, sizeof(from->port));
	return wr_siphash(&cache->key, (struct wr_bytes){ input, sizeof(input) });
}

void wr_source_cache_put(struct wr_source_cache *cache, const struct wr_endpoint *from, size_t slot)
{
	uint64_t hash = hash_of(cache, from);

	cache->sources[hash % WR_SOURCE_CACHE_ENTRIES] = (struct source){ hash, slot + 1 };
}

size_t wr_source_cache_get(const struct wr_source_cache *cache, const struct wr_endpoint *from)
{
	uint64_t hash = hash_of(cache, from);
	const struct source *source = &cache->sources[hash % WR_SOURCE_CACHE_ENTRIES];

	return source->slot_plus_one && source->hash == hash ? source->slot_plus_one - 1
							     : WR_MAC1_NONE;
}
