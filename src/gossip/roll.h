/* All that a member knows: an entry for each slot, found by its key, with the sums of ranges of
 * keys.
 *
 * Floor 3.  Only for files of this folder.  Bounded by who adds (items.c). */
#pragma once

#include "base/base.h"
#include "gossip/blob.h"
#include "gossip/gossip.h"
#include "gossip/mix.h"
#include "wire/frame.h"

enum {
	WR_ENTRY_SHUT_OUT = 1, /* admits() says no */
	WR_ENTRY_CALLED = 2,   /* it lives, and somebody calls it dead: it should object */
	WR_ENTRY_HOT = 4,      /* a rumour */
	WR_ENTRY_TOLD = 8,     /* an event of it waits */
	WR_ENTRY_QUIET = 16,   /* gone for so long that it is not told to anybody any more */
	WR_ENTRY_LIVING = 32,  /* in `living` */
	WR_ENTRY_GONE = 64,    /* in `gone` */
	WR_ENTRY_NEW = 128,    /* a newcomer that fetches what there is */
};

struct wr_entry {
	struct wr_gossip_blob *blob; /* NULL: free */
	uint32_t since;              /* of the status: ticks (wr_members_tick()) */
	uint32_t round_trip_us;
	uint32_t at;     /* in `living` or `gone`; of a free one: the next free */
	uint32_t doubt;  /* in `doubts`, from 1 */
	uint8_t status;  /* enum wr_gossip_status, never SHUT_OUT */
	uint8_t flags;   /* above */
	uint8_t told;    /* as a rumour, by us or to us */
	uint8_t vouched; /* probes in a row that it did not answer, but others say that it lives */
	uint32_t summed; /* tick of the last sum of all that we sent to it */
	uint32_t met;    /* tick from which on one of the dead, or called so, is told again */
	uint32_t heard;  /* tick of its last frame; 0: none */
};

#define WR_PAGE_ENTRIES 128
#define WR_LEAF_ENTRIES 48

struct wr_leaf {
	uint64_t sum;   /* of what is shown */
	uint32_t shown; /* not quiet */
	uint32_t count;
	uint64_t keys[WR_LEAF_ENTRIES];
	uint32_t ids[WR_LEAF_ENTRIES];
};
struct wr_leaf_place {
	uint64_t first; /* key; of the first leaf: 0 */
	struct wr_leaf *leaf;
};

struct wr_roll {
	struct wr_entry **pages;
	uint32_t page_count, free, used; /* ids from 1 */
	struct wr_leaf_place *leaves;    /* at least one */
	size_t leaf_count, leaf_room;
	size_t records, others;
};

bool wr_roll_init(struct wr_roll *roll) WR_MUST_CHECK;
void wr_roll_done(struct wr_roll *roll);
static inline struct wr_entry *wr_roll_entry(const struct wr_roll *roll, uint32_t id)
{
	return &roll->pages[id / WR_PAGE_ENTRIES][id % WR_PAGE_ENTRIES];
}
/* 0: there is none. */
uint32_t wr_roll_find(const struct wr_roll *roll, uint64_t key);
/* Takes the blob. 0 where memory is short. The slot must be free. */
uint32_t wr_roll_add(struct wr_roll *roll, struct wr_gossip_blob *blob, uint8_t status);
void wr_roll_remove(struct wr_roll *roll, uint32_t id);
/* Takes the blob, whose slot is the same. */
void wr_roll_replace(struct wr_roll *roll, uint32_t id, struct wr_gossip_blob *blob);
void wr_roll_set(struct wr_roll *roll, uint32_t id, uint8_t status, bool is_quiet);
/* What is shown in a range, both ends in it. */
struct wr_frame_range wr_roll_range(const struct wr_roll *roll, uint64_t first, uint64_t last);
/* The entry with the least key not below; 0 at the end. */
uint32_t wr_roll_next(const struct wr_roll *roll, uint64_t key);
/* A range as some smaller ones; at most `most`, at least 2. It holds more than a leaf can. */
unsigned wr_roll_split(const struct wr_roll *roll, uint64_t first, uint64_t last,
		       struct wr_frame_range *ret_ranges, unsigned most);
struct wr_frame_mark wr_roll_mark(const struct wr_entry *entry);
uint64_t wr_roll_memory(const struct wr_roll *roll);
