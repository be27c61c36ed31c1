#include "base/map.h"

#include <stdlib.h>

#define FIRST_ROOM 16

/* Fibonacci hashing (Knuth, 6.4): row ids follow one another. */
static size_t home(const struct wr_map *map, uint64_t key)
{
	return (size_t)((key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (map->room - 1);
}

/* Where the key is, or where it would be put. */
static size_t find(const struct wr_map *map, uint64_t key)
{
	size_t i = home(map, key);

	while (map->places[i].value && map->places[i].key != key)
		i = (i + 1) & (map->room - 1);
	return i;
}

void wr_map_done(struct wr_map *map)
{
	free(map->places);
	*map = (struct wr_map){ 0 };
}

void *wr_map_get(const struct wr_map *map, uint64_t key)
{
	return map->count ? map->places[find(map, key)].value : NULL;
}

static bool grow(struct wr_map *map)
{
	struct wr_map larger = { .room = map->room ? 2 * map->room : FIRST_ROOM };

	larger.places = calloc(larger.room, sizeof(*larger.places));
	if (!larger.places)
		return false;
	for (size_t i = 0; i < map->room; i++)
		if (map->places[i].value)
			larger.places[find(&larger, map->places[i].key)] = map->places[i];
	larger.count = map->count;
	free(map->places);
	*map = larger;
	return true;
}

bool wr_map_put(struct wr_map *map, uint64_t key, void *value)
{
	struct wr_map_place *place;

	assert(value);
	if (4 * (map->count + 1) > 3 * map->room && !grow(map))
		return false;
	place = &map->places[find(map, key)];
	map->count += !place->value;
	*place = (struct wr_map_place){ key, value };
	return true;
}

/* Moves back what stands behind a place that became free, so that no search ends there
 * too early. */
static void close_gap(struct wr_map *map, size_t gap)
{
	size_t mask = map->room - 1;

	for (size_t i = (gap + 1) & mask; map->places[i].value; i = (i + 1) & mask) {
		size_t wanted = home(map, map->places[i].key);

		if (((i - wanted) & mask) < ((i - gap) & mask))
			continue;
		map->places[gap] = map->places[i];
		gap = i;
	}
	map->places[gap].value = NULL;
}

void *wr_map_take(struct wr_map *map, uint64_t key)
{
	size_t place = map->count ? find(map, key) : 0;
	void *value = map->count ? map->places[place].value : NULL;

	if (value) {
		close_gap(map, place);
		map->count--;
	}
	return value;
}

void *wr_map_next(const struct wr_map *map, size_t *at)
{
	while (*at < map->room) {
		void *value = map->places[(*at)++].value;

		if (value)
			return value;
	}
	return NULL;
}
