/* Room at the end of an array that grows.
 *
 * Floor 3. */
#pragma once

#include <stdlib.h>

#include "base/base.h"

/* `items` with room for one more than `count` items of `size` bytes, moved if need be;
 * NULL where memory is short, and then all is as before. */
static inline void *wr_list_grow(void *items, size_t *room, size_t count, size_t size)
{
	size_t wanted = *room ? *room * 2 : 16;
	void *grown;

	if (count < *room)
		return items;
	grown = reallocarray(items, wanted, size);
	if (grown)
		*room = wanted;
	return grown;
}
