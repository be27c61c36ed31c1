#include "policy/symbols.h"

#include <stdlib.h>
#include <string.h>

#include "policy/list.h"

/* FNV-1a, 64 bits: draft-eastlake-fnv. */
#define FNV_START UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t hash_more(uint64_t hash, const void *bytes, size_t len)
{
	const uint8_t *byte = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ byte[i]) * FNV_PRIME;
	return hash;
}

static uint64_t hash_of(const struct wr_selector *selector)
{
	uint8_t kind = (uint8_t)selector->kind, family = (uint8_t)selector->prefix.ip.family;
	uint64_t hash = hash_more(FNV_START, &kind, 1);

	if (selector->kind != WR_SELECT_PREFIX)
		return hash_more(hash, selector->name.text, selector->name.len);
	hash = hash_more(hash, &family, 1);
	hash = hash_more(hash, selector->prefix.ip.bytes, sizeof(selector->prefix.ip.bytes));
	return hash_more(hash, &selector->prefix.length, 1);
}

struct wr_selector wr_selector_named(enum wr_selector_kind kind, struct wr_word name, unsigned line)
{
	struct wr_selector selector = { .kind = kind, .name = name, .line = line };

	selector.hash = hash_of(&selector);
	return selector;
}

struct wr_selector wr_selector_of_prefix(const struct wr_prefix *prefix, unsigned line)
{
	struct wr_selector selector = { .kind = WR_SELECT_PREFIX, .prefix = *prefix, .line = line };

	selector.hash = hash_of(&selector);
	return selector;
}

bool wr_symbols_add(struct wr_symbols *symbols, const struct wr_selector *selector)
{
	struct wr_selector *items = wr_list_grow(symbols->items, &symbols->room, symbols->count,
						 sizeof(*items));

	if (!items)
		return false;
	symbols->items = items;
	items[symbols->count++] = *selector;
	return true;
}

static int compare_lengths(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int compare_names(const struct wr_selector *a, const struct wr_selector *b)
{
	int lengths = compare_lengths(a->name.len, b->name.len);

	return lengths || !a->name.len ? lengths : memcmp(a->name.text, b->name.text, a->name.len);
}

static int compare_prefixes(const struct wr_prefix *a, const struct wr_prefix *b)
{
	if (a->ip.family != b->ip.family)
		return a->ip.family < b->ip.family ? -1 : 1;
	if (a->length != b->length)
		return a->length < b->length ? -1 : 1;
	return memcmp(a->ip.bytes, b->ip.bytes, sizeof(a->ip.bytes));
}

static int compare(const struct wr_selector *a, const struct wr_selector *b)
{
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return a->kind == WR_SELECT_PREFIX ? compare_prefixes(&a->prefix, &b->prefix)
					   : compare_names(a, b);
}

/* Equal ones stay in the order in which they were added. */
static int compare_places(const void *a, const void *b)
{
	const struct wr_selector *const *left = a, *const *right = b;
	int order = compare(*left, *right);

	return order ? order : (*left > *right) - (*left < *right);
}

static void merge(struct wr_selector *kept, const struct wr_selector *other)
{
	if (!other->members.count)
		return;
	kept->members = other->members;
	kept->line = other->line;
}

/* Writes each of the `sorted` ones once to `items`. */
static size_t write_once(const struct wr_symbols *symbols, struct wr_selector **sorted,
			 struct wr_selector *items, uint32_t *ret_places)
{
	size_t count = 0;

	for (size_t i = 0; i < symbols->count; i++) {
		if (count && compare(&items[count - 1], sorted[i]) == 0)
			merge(&items[count - 1], sorted[i]);
		else
			items[count++] = *sorted[i];
		if (ret_places)
			ret_places[sorted[i] - symbols->items] = (uint32_t)count - 1;
	}
	return count;
}

static bool write_hashes(struct wr_symbols *symbols)
{
	symbols->hashes = calloc(symbols->count + 1, sizeof(*symbols->hashes));
	if (!symbols->hashes)
		return false;
	for (size_t i = 0; i < symbols->count; i++) {
		symbols->hashes[i] = symbols->items[i].hash;
		symbols->has_kind[symbols->items[i].kind] = true;
	}
	return true;
}

bool wr_symbols_sort(struct wr_symbols *symbols, uint32_t *ret_places)
{
	struct wr_selector **sorted = malloc((symbols->count + 1) * sizeof(struct wr_selector *));
	struct wr_selector *items = calloc(symbols->count + 1, sizeof(*items));

	if (!sorted || !items) {
		free(sorted);
		free(items);
		return false;
	}
	for (size_t i = 0; i < symbols->count; i++)
		sorted[i] = &symbols->items[i];
	qsort(sorted, symbols->count, sizeof(struct wr_selector *), compare_places);
	symbols->count = write_once(symbols, sorted, items, ret_places);
	free(symbols->items);
	free(sorted);
	symbols->items = items;
	symbols->room = symbols->count + 1;
	return write_hashes(symbols);
}

bool wr_symbols_copy(const struct wr_symbols *from, struct wr_symbols *ret_copy)
{
	struct wr_symbols copy = { .count = from->count, .room = from->count + 1 };

	copy.items = calloc(copy.room, sizeof(*copy.items));
	if (copy.items && copy.count)
		memcpy(copy.items, from->items, copy.count * sizeof(*copy.items));
	if (!copy.items || !write_hashes(&copy)) {
		free(copy.items);
		return false;
	}
	*ret_copy = copy;
	return true;
}

/* The first place whose hash is not below. */
static size_t place_of(const struct wr_symbols *symbols, uint64_t hash)
{
	const uint64_t *at = symbols->hashes;
	size_t left = symbols->count;

	while (left > 0) {
		size_t half = left / 2;
		bool is_below = at[half] < hash;

		at = is_below ? at + half + 1 : at;
		left = is_below ? left - half - 1 : half;
	}
	return (size_t)(at - symbols->hashes);
}

/* The first place that is not below: whoever makes hashes equal gains nothing. */
static size_t place_among_equals(const struct wr_symbols *symbols, size_t low,
				 const struct wr_selector *selector)
{
	size_t high = symbols->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&symbols->items[middle], selector) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t wr_symbols_find(const struct wr_symbols *symbols, const struct wr_selector *selector)
{
	size_t place = place_of(symbols, selector->hash);

	if (place == symbols->count || symbols->hashes[place] != selector->hash)
		return WR_SYMBOL_NONE;
	if (compare(&symbols->items[place], selector) == 0)
		return (uint32_t)place;
	place = place_among_equals(symbols, place, selector);
	return place < symbols->count && compare(&symbols->items[place], selector) == 0
		       ? (uint32_t)place
		       : WR_SYMBOL_NONE;
}

uint32_t wr_symbols_find_named(const struct wr_symbols *symbols, enum wr_selector_kind kind,
			       const char *name)
{
	struct wr_selector selector;

	if (!symbols->has_kind[kind])
		return WR_SYMBOL_NONE;
	selector = wr_selector_named(kind, (struct wr_word){ name, strlen(name) }, 0);
	return wr_symbols_find(symbols, &selector);
}

void wr_symbols_done(struct wr_symbols *symbols)
{
	free(symbols->items);
	free(symbols->hashes);
	*symbols = (struct wr_symbols){ 0 };
}
