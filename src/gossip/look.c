#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gossip/inside.h"

/* What callers may see. */

static enum wr_gossip_status status_of(const struct wr_entry *entry)
{
	return entry->flags & WR_ENTRY_SHUT_OUT ? WR_GOSSIP_SHUT_OUT
						: (enum wr_gossip_status)entry->status;
}

static void show(const struct wr_gossip *g, const struct wr_entry *entry,
		 struct wr_gossip_sight *ret_sight)
{
	*ret_sight = (struct wr_gossip_sight){
		.identity = *wr_gossip_blob_subject(entry->blob),
		.status = status_of(entry),
		.record = wr_gossip_blob_bytes(entry->blob),
		.version = entry->blob->version,
		.since = wr_members_instant(g, entry->since),
		.round_trip_us = entry->round_trip_us,
	};
}

bool wr_gossip_find(const struct wr_gossip *g, const struct wr_key *identity,
		    struct wr_gossip_sight *ret_sight)
{
	uint32_t id = wr_roll_find(&g->roll, wr_gossip_key(WR_ITEM_RECORD, identity));

	if (!id ||
	    memcmp(wr_gossip_blob_subject(wr_entry(g, id)->blob), identity, sizeof(*identity)) != 0)
		return false;
	show(g, wr_entry(g, id), ret_sight);
	return true;
}

/* The next number that is used, by kind: pages are gone through as they stand. */
static const struct wr_entry *next_entry(const struct wr_gossip *g, size_t *at, bool is_record)
{
	size_t end = (size_t)g->roll.page_count * WR_PAGE_ENTRIES;

	while (*at < end) {
		const struct wr_entry *entry = wr_entry(g, (uint32_t)(*at)++);

		if (entry->blob && wr_is_record(entry) == is_record)
			return entry;
	}
	return NULL;
}

bool wr_gossip_next(const struct wr_gossip *g, size_t *at, struct wr_gossip_sight *ret_sight)
{
	const struct wr_entry *entry = next_entry(g, at, true);

	if (entry)
		show(g, entry, ret_sight);
	return entry != NULL;
}

bool wr_gossip_next_item(const struct wr_gossip *g, size_t *at, struct wr_bytes *ret_item)
{
	const struct wr_entry *entry = next_entry(g, at, false);

	if (entry)
		*ret_item = wr_gossip_blob_bytes(entry->blob);
	return entry != NULL;
}

static uint64_t memory_of(const struct wr_gossip *g)
{
	uint64_t memory = sizeof(*g) + wr_roll_memory(&g->roll);

	memory += (g->living.room + g->gone.room + g->hot.room) * sizeof(uint32_t);
	for (unsigned lane = 0; lane < WR_LANES; lane++)
		memory += g->lanes[lane].room * sizeof(struct wr_job);
	memory += g->events.room * sizeof(struct wr_event);
	memory += g->doubt_room * sizeof(struct wr_doubt);
	memory += g->wanted.room * sizeof(struct wr_map_place);
	memory += g->wanted.count * sizeof(struct wr_want);
	memory += g->strangers ? WR_GOSSIP_STRANGERS * sizeof(struct wr_stranger) : 0;
	for (size_t at = 0; at < (size_t)g->roll.page_count * WR_PAGE_ENTRIES; at++) {
		const struct wr_gossip_blob *blob = wr_entry(g, (uint32_t)at)->blob;

		if (blob)
			memory += sizeof(*blob) + blob->len;
	}
	return memory;
}

void wr_gossip_look(const struct wr_gossip *g, struct wr_gossip_figures *ret_figures)
{
	*ret_figures = g->figures;
	ret_figures->members = g->roll.records;
	ret_figures->alive = wr_members_alive(g);
	ret_figures->health = g->health;
	ret_figures->memory = memory_of(g);
	ret_figures->digest = wr_roll_range(&g->roll, 0, UINT64_MAX).sum;
}

const char *wr_gossip_status_name(enum wr_gossip_status status)
{
	switch (status) {
	case WR_GOSSIP_ALIVE: return "alive";
	case WR_GOSSIP_SUSPECT: return "suspect";
	case WR_GOSSIP_DEAD: return "dead";
	case WR_GOSSIP_LEFT: return "left";
	case WR_GOSSIP_SHUT_OUT: return "shut out";
	}
	return "unknown";
}
