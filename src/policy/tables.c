#include "policy/tables.h"

#include <errno.h>
#include <stdlib.h>

/* As many as a desktop's browser has, for each machine; and for all together up to 64
 * MiB, which are touched only when they are used. A full set forgets as flows.h says. */
#define FLOWS_PER_MACHINE 256
#define FLOW_SETS_MIN 256
#define FLOW_SETS_MAX 131072
/* Packets that are on their way in fragments. */
#define FRAGMENTS_PER_MACHINE 4
#define FRAGMENT_SETS_MIN 8
#define FRAGMENT_SETS_MAX 1024

static size_t sets_for(size_t machines, size_t each, size_t least, size_t most)
{
	size_t sets = least;

	while (sets < most && sets * WR_FLOW_WAYS / each < machines)
		sets *= 2;
	return sets;
}

static size_t flow_sets_for(size_t machines)
{
	return sets_for(machines, FLOWS_PER_MACHINE, FLOW_SETS_MIN, FLOW_SETS_MAX);
}

static size_t fragment_sets_for(size_t machines)
{
	return sets_for(machines, FRAGMENTS_PER_MACHINE, FRAGMENT_SETS_MIN, FRAGMENT_SETS_MAX);
}

/* Memory of calloc() is not touched, but aligned_alloc() gives none that is zero. */
static uint8_t *aligned(void *memory)
{
	uintptr_t address = (uintptr_t)memory;

	return (uint8_t *)memory + (WR_CACHE_LINE - address % WR_CACHE_LINE) % WR_CACHE_LINE;
}

struct wr_filter_tables *wr_tables_new(size_t machines)
{
	struct wr_filter_tables *tables = calloc(1, sizeof(*tables));
	size_t flow_sets = flow_sets_for(machines), fragment_sets = fragment_sets_for(machines);
	uint8_t *memory;

	if (!tables)
		return NULL;
	tables->memory =
		calloc(1, WR_CACHE_LINE + wr_flows_size(flow_sets) + wr_flows_size(fragment_sets));
	if (!tables->memory)
		return wr_tables_free(tables);
	memory = aligned(tables->memory);
	wr_flows_init(&tables->flows, flow_sets, memory);
	wr_flows_init(&tables->fragments, fragment_sets, memory + wr_flows_size(flow_sets));
	return tables;
}

struct wr_filter_tables *wr_tables_free(struct wr_filter_tables *tables)
{
	if (tables)
		free(tables->memory);
	free(tables);
	return NULL;
}

/* --- Growing. --- */

static void free_retired(struct wr_retired *retired)
{
	wr_tables_free(WR_CONTAINER_OF(retired, struct wr_filter_tables, retired));
}

/* Nobody writes `retired`, the old tables, any more; some may still read them. */
static void move(struct wr_retired *retired)
{
	struct wr_filter_tables *old = WR_CONTAINER_OF(retired, struct wr_filter_tables, retired);
	struct wr_filter *filter = old->filter;
	struct wr_filter_tables *tables;

	if (!filter) {
		wr_tables_free(old);
		return;
	}
	tables = atomic_load_explicit(&filter->tables, memory_order_relaxed);
	wr_flows_move(&tables->flows, &old->flows, &filter->secret);
	wr_flows_move(&tables->fragments, &old->fragments, &filter->secret);
	atomic_store_explicit(&tables->old, NULL, memory_order_release);
	filter->moving = NULL;
	filter->moved = old;
}

void wr_tables_hand_over(struct wr_filter *filter, struct wr_retire_list *retire)
{
	if (filter->moved)
		wr_retire(retire, &WR_TAKE(filter->moved)->retired, free_retired);
}

static bool are_enough(const struct wr_filter_tables *tables, size_t machines)
{
	return tables->flows.set_count >= flow_sets_for(machines) &&
	       tables->fragments.set_count >= fragment_sets_for(machines);
}

int wr_filter_resize(struct wr_filter *filter, size_t machines, struct wr_retire_list *retire)
{
	struct wr_filter_tables *old = atomic_load_explicit(&filter->tables, memory_order_relaxed);
	struct wr_filter_tables *tables;

	wr_tables_hand_over(filter, retire);
	/* One step at a time: who asks again after it gets the next. */
	if (filter->moving || are_enough(old, machines))
		return 0;
	tables = wr_tables_new(machines);
	if (!tables)
		return -ENOMEM;
	atomic_init(&tables->old, old);
	old->filter = filter;
	filter->moving = old;
	atomic_store_explicit(&filter->tables, tables, memory_order_release);
	wr_retire(retire, &old->retired, move);
	return 0;
}
