/* A hash table from numbers to pointers.
 *
 * Floor 0.  One thread.  Keys are numbers of the program's own (row ids, hashes with
 * a secret key): nobody outside chooses where they fall. */
#pragma once

#include "base/base.h"

struct wr_map_place {
	uint64_t key;
	void *value; /* NULL: free */
};

struct wr_map {
	struct wr_map_place *places;
	size_t room; /* 0 or a power of two, at most 3/4 full */
	size_t count;
};

/* All zero is an empty map. Frees the table, not the values. */
void wr_map_done(struct wr_map *map);
/* NULL if the key is not there. */
void *wr_map_get(const struct wr_map *map, uint64_t key);
/* Puts a value (not NULL) in place of the one that was there. False where memory is short. */
bool wr_map_put(struct wr_map *map, uint64_t key, void *value) WR_MUST_CHECK;
/* Returns what was there, or NULL. */
void *wr_map_take(struct wr_map *map, uint64_t key);
/* One value after the other, in no order: `*at` is 0 at first; NULL at the end. The map
 * must not change meanwhile. */
void *wr_map_next(const struct wr_map *map, size_t *at);
