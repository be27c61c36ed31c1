#include "wg/index.h"

#include <stdlib.h>

#include "wg/relay.h"

#define FIRST_SLOTS 16

static_assert((FIRST_SLOTS & (FIRST_SLOTS - 1)) == 0, "a slot is the low bits of an index");

static struct wr_index_slots *slots_new(uint32_t count)
{
	size_t bytes = (size_t)count * sizeof(_Atomic(struct wr_index_entry *));
	struct wr_index_slots *slots = calloc(1, sizeof(*slots) + bytes);

	if (slots)
		slots->mask = count - 1;
	return slots;
}

static void slots_free(struct wr_retired *retired)
{
	free(WR_CONTAINER_OF(retired, struct wr_index_slots, retired));
}

/* The writer's own look at the table. */
static struct wr_index_slots *slots_of(const struct wr_index_table *table)
{
	return atomic_load_explicit(&table->slots, memory_order_relaxed);
}

static void slot_set(struct wr_index_slots *slots, uint32_t index, struct wr_index_entry *entry)
{
	atomic_store_explicit(&slots->slots[index & slots->mask], entry, memory_order_release);
}

static struct wr_index_entry *slot_get(const struct wr_index_slots *slots, uint32_t index)
{
	return atomic_load_explicit(&slots->slots[index & slots->mask], memory_order_relaxed);
}

static uint32_t index_of(const struct wr_index_entry *entry)
{
	return atomic_load_explicit(&entry->index, memory_order_relaxed);
}

bool wr_index_init(struct wr_index_table *table)
{
	atomic_init(&table->slots, slots_new(FIRST_SLOTS));
	table->count = 0;
	table->relay = NULL;
	return slots_of(table) != NULL;
}

void wr_index_done(struct wr_index_table *table)
{
	free(slots_of(table));
	atomic_store_explicit(&table->slots, NULL, memory_order_relaxed);
	table->count = 0;
}

/* Entries keep their index, and so their low bits: what did not collide before
 * does not collide in a larger table. */
static bool grow(struct wr_index_table *table, struct wr_retire_list *retire)
{
	struct wr_index_slots *old = slots_of(table);
	struct wr_index_slots *new = slots_new((old->mask + 1) * 2);

	if (!new)
		return false;
	for (uint32_t i = 0; i <= old->mask; i++) {
		struct wr_index_entry *entry = slot_get(old, i);

		if (entry)
			slot_set(new, index_of(entry), entry);
	}
	atomic_store_explicit(&table->slots, new, memory_order_release);
	wr_retire(retire, &old->retired, slots_free);
	return true;
}

/* The next number of a sequence that looks random (splitmix64, Steele, Lea and
 * Flood 2014): `seed` is real randomness, one number of it is used. */
static uint32_t draw(uint64_t *state)
{
	*state += UINT64_C(0x9e3779b97f4a7c15);

	uint64_t z = *state;

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(z ^ z >> 31);
}

static bool is_relayed(const struct wr_index_table *table, uint32_t index)
{
	return table->relay && wr_relay_has_index(table->relay, index);
}

bool wr_index_add(struct wr_index_table *table, struct wr_index_entry *entry, uint64_t seed,
		  struct wr_retire_list *retire)
{
	if (table->count == WR_INDEX_MAX)
		return false;
	if ((table->count + 1) * 2 > slots_of(table)->mask + 1 && !grow(table, retire))
		return false;

	struct wr_index_slots *slots = slots_of(table);
	uint32_t index = draw(&seed);

	/* At most half of the slots are in use: two draws on average. */
	while (slot_get(slots, index) || is_relayed(table, index))
		index = draw(&seed);
	atomic_store_explicit(&entry->index, index, memory_order_relaxed);
	slot_set(slots, index, entry);
	table->count++;
	return true;
}

void wr_index_replace(struct wr_index_table *table, const struct wr_index_entry *entry,
		      struct wr_index_entry *by)
{
	uint32_t index = index_of(entry);

	assert(slot_get(slots_of(table), index) == entry);
	atomic_store_explicit(&by->index, index, memory_order_relaxed);
	slot_set(slots_of(table), index, by);
}

void wr_index_remove(struct wr_index_table *table, const struct wr_index_entry *entry)
{
	assert(slot_get(slots_of(table), index_of(entry)) == entry);
	slot_set(slots_of(table), index_of(entry), NULL);
	table->count--;
}
