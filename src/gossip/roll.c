#include "gossip/roll.h"

#include <stdlib.h>

#include "gossip/leaves.h"

/* Entries stand in pages and keep their number; their order is in the leaves. */

/* --- Entries. --- */

static bool add_page(struct wr_roll *roll)
{
	struct wr_entry **pages = realloc(roll->pages,
					  (roll->page_count + 1) * sizeof(struct wr_entry *));
	struct wr_entry *page = calloc(WR_PAGE_ENTRIES, sizeof(*page));
	uint32_t first = roll->page_count * WR_PAGE_ENTRIES;

	if (pages)
		roll->pages = pages;
	if (!pages || !page) {
		free(page);
		return false;
	}
	pages[roll->page_count++] = page;
	for (uint32_t i = WR_PAGE_ENTRIES; i-- > 0;) {
		if (first + i == 0) /* nobody's number */
			continue;
		page[i].at = roll->free;
		roll->free = first + i;
	}
	return true;
}

static uint32_t take_entry(struct wr_roll *roll)
{
	uint32_t id;

	if (!roll->free && !add_page(roll))
		return 0;
	id = roll->free;
	roll->free = wr_roll_entry(roll, id)->at;
	roll->used++;
	return id;
}

static void give_entry(struct wr_roll *roll, uint32_t id)
{
	struct wr_entry *entry = wr_roll_entry(roll, id);

	*entry = (struct wr_entry){ .at = roll->free };
	roll->free = id;
	roll->used--;
}

static size_t *counter(struct wr_roll *roll, const struct wr_gossip_blob *blob)
{
	return blob->kind == WR_ITEM_RECORD ? &roll->records : &roll->others;
}

/* --- For the others. --- */

bool wr_roll_init(struct wr_roll *roll)
{
	return wr_leaves_init(roll);
}

void wr_roll_done(struct wr_roll *roll)
{
	for (uint32_t page = 0; page < roll->page_count; page++) {
		for (unsigned i = 0; i < WR_PAGE_ENTRIES; i++)
			wr_gossip_blob_unref(roll->pages[page][i].blob);
		free(roll->pages[page]);
	}
	free(roll->pages);
	wr_leaves_done(roll);
	*roll = (struct wr_roll){ 0 };
}

uint32_t wr_roll_add(struct wr_roll *roll, struct wr_gossip_blob *blob, uint8_t status)
{
	uint32_t id = take_entry(roll);

	if (!id)
		return 0;
	*wr_roll_entry(roll, id) = (struct wr_entry){ .blob = blob, .status = status };
	if (!wr_leaves_put(roll, blob->key, id)) {
		give_entry(roll, id);
		return 0;
	}
	wr_leaves_count_in(roll, wr_roll_entry(roll, id));
	++*counter(roll, blob);
	return id;
}

void wr_roll_remove(struct wr_roll *roll, uint32_t id)
{
	struct wr_entry *entry = wr_roll_entry(roll, id);

	wr_leaves_count_out(roll, entry);
	wr_leaves_take(roll, entry->blob->key);
	--*counter(roll, entry->blob);
	wr_gossip_blob_unref(entry->blob);
	give_entry(roll, id);
}

void wr_roll_replace(struct wr_roll *roll, uint32_t id, struct wr_gossip_blob *blob)
{
	struct wr_entry *entry = wr_roll_entry(roll, id);

	wr_leaves_count_out(roll, entry);
	wr_gossip_blob_unref(entry->blob);
	entry->blob = blob;
	wr_leaves_count_in(roll, entry);
}

void wr_roll_set(struct wr_roll *roll, uint32_t id, uint8_t status, bool is_quiet)
{
	struct wr_entry *entry = wr_roll_entry(roll, id);

	wr_leaves_count_out(roll, entry);
	entry->status = status;
	entry->flags &= (uint8_t)~WR_ENTRY_QUIET;
	if (is_quiet)
		entry->flags |= WR_ENTRY_QUIET;
	wr_leaves_count_in(roll, entry);
}

struct wr_frame_mark wr_roll_mark(const struct wr_entry *entry)
{
	uint32_t print = (uint32_t)(entry->blob->digest >> 32) & ~WR_FRAME_PRINT_DEAD;

	if (entry->status == WR_GOSSIP_DEAD)
		print |= WR_FRAME_PRINT_DEAD;
	return (struct wr_frame_mark){ entry->blob->key, print };
}

uint64_t wr_roll_memory(const struct wr_roll *roll)
{
	return roll->page_count * (sizeof(struct wr_entry) * WR_PAGE_ENTRIES + sizeof(void *)) +
	       roll->leaf_room * sizeof(struct wr_leaf_place) +
	       roll->leaf_count * sizeof(struct wr_leaf);
}
