/* Which key of the port a source address used last, so that its next initiation
 * is tried with that key first.
 *
 * Floor 3.  One thread. Of fixed size: a newcomer takes the place of whoever
 * stands there. A wrong answer costs one MAC.  Source: design "The port". */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "crypto/noise.h"

#define WR_SOURCE_CACHE_ENTRIES 4096 /* 64 KiB */

struct wr_source_cache;

struct wr_source_cache *wr_source_cache_new(const struct wr_siphash_key *key);
/* NULL is fine; returns NULL. */
struct wr_source_cache *wr_source_cache_free(struct wr_source_cache *cache);

void wr_source_cache_put(struct wr_source_cache *cache, const struct wr_endpoint *from,
			 size_t slot);
/* The slot, which may be stale, or WR_MAC1_NONE. */
size_t wr_source_cache_get(const struct wr_source_cache *cache, const struct wr_endpoint *from);
