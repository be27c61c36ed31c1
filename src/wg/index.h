/* Receiver indices of a port: the 32-bit number that a peer puts into its
 * packets, to the session or handshake that chose it.
 *
 * A slot is the low bits of the index, and the writer draws indices until one
 * falls into an empty slot: so a look-up is one load and one compare, without
 * probing. The table doubles before it is half full.
 *
 * Floor 3.  One writer; readers on any thread, which see either state of a
 * change, under a grace period (base/retire.h). */
#pragma once

#include <stdatomic.h>

#include "base/base.h"
#include "base/retire.h"

enum wr_index_kind {
	WR_INDEX_HANDSHAKE,
	WR_INDEX_SESSION
};

/* Embedded in what an index stands for. `kind` never changes. `index` is atomic
 * because a handshake's entry is entered again, with another index, while a
 * reader may still look at it from before. */
struct wr_index_entry {
	_Atomic uint32_t index;
	enum wr_index_kind kind;
};

struct wr_relay;

struct wr_index_slots {
	struct wr_retired retired;
	uint32_t mask;
	_Atomic(struct wr_index_entry *) slots[];
};

struct wr_index_table {
	_Atomic(struct wr_index_slots *) slots;
	uint32_t count;
	const struct wr_relay *relay; /* whose indices are not drawn; NULL: none */
};

/* False where memory is short. */
bool wr_index_init(struct wr_index_table *table) WR_MUST_CHECK;
/* Frees the table at once: no readers are left. */
void wr_index_done(struct wr_index_table *table);

/* Chooses an index from `seed` and enters it; entry->index is set. False where
 * memory is short or WR_INDEX_MAX are in use. */
bool wr_index_add(struct wr_index_table *table, struct wr_index_entry *entry, uint64_t seed,
		  struct wr_retire_list *retire) WR_MUST_CHECK;
/* `by` takes over the index of `entry`, without a moment in between; by->index is
 * set. */
void wr_index_replace(struct wr_index_table *table, const struct wr_index_entry *entry,
		      struct wr_index_entry *by);
/* The entry must be in the table. Readers may see it until a grace period ends. */
void wr_index_remove(struct wr_index_table *table, const struct wr_index_entry *entry);

/* 2^22 entries: sessions of a million peers; 64 MiB of slots. */
#define WR_INDEX_MAX (UINT32_C(1) << 22)

/* Any thread; NULL if nothing has this index. */
static inline struct wr_index_entry *wr_index_find(const struct wr_index_table *table,
						   uint32_t index)
{
	struct wr_index_slots *slots = atomic_load_explicit(&table->slots, memory_order_acquire);
	struct wr_index_entry *entry = atomic_load_explicit(&slots->slots[index & slots->mask],
							    memory_order_acquire);

	return entry && atomic_load_explicit(&entry->index, memory_order_relaxed) == index ? entry
											   : NULL;
}
