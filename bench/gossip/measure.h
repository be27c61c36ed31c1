/* Figures of big meshes without a server, from the simulator's world (tests/sim/gossip_world.h). */
#pragma once

#include "../../tests/sim/gossip_world.h"

struct wishes {
	uint32_t members;
	uint64_t seed;
	uint64_t rounds;
	uint64_t hours;   /* of slowness */
	uint64_t minutes; /* apart */
	bool is_traced;
};

/* One figure, as a line of JSON. `target` 0: none. */
void tell(const char *text, double value, const char *unit, double target);

/* --- fill.c --- */
/* A mesh of so many who have known each other for long. */
struct world *fill(const struct wishes *wishes, uint32_t newcomers);
/* Begins to note who sees it alive, and dead. */
void watch(struct world *world, const struct member *member);
/* Time from the start of the watch until so many saw it so; UINT64_MAX: `limit` is over. */
uint64_t play_until_alive(struct world *world, size_t count, uint64_t limit);
uint64_t play_until_dead(struct world *world, size_t count, uint64_t limit);
void sort(uint64_t *values, size_t count);
/* In ms; `per_mille` of the sorted values are not greater. */
double at_rank(const uint64_t *values, size_t count, unsigned per_mille);
void forget_bytes(struct world *world);

/* --- A figure's own. --- */
void measure_join(const struct wishes *wishes);
void measure_steady(const struct wishes *wishes);
void measure_failures(const struct wishes *wishes);
void measure_slow(const struct wishes *wishes);
void measure_halves(const struct wishes *wishes);
