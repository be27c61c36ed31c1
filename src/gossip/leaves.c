#include "gossip/leaves.h"

#include <stdlib.h>
#include <string.h>

/* Leaves hold the numbers of entries in the keys' order, with sums: a range costs its two ends and
 * a look at each leaf between them. */

/* --- Where. --- */

/* The one that holds the key, if any does: a step or two from where it stands if keys are spread
 * evenly, as they are when nobody chose them; else the steps double, and what is between is halved.
 */
static size_t leaf_of(const struct wr_roll *roll, uint64_t key)
{
	const struct wr_leaf_place *leaves = roll->leaves;
	size_t low = (size_t)((unsigned __int128)key * roll->leaf_count >> 64);
	size_t high = low + 1, step = 1;

	for (; leaves[low].first > key; step *= 2) {
		high = low;
		low = low > step ? low - step : 0;
	}
	for (; high < roll->leaf_count && leaves[high].first <= key; step *= 2) {
		low = high;
		high = high + step < roll->leaf_count ? high + step : roll->leaf_count;
	}
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (leaves[middle].first <= key)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Where in the leaf the first key is that is not below. */
static uint32_t spot_of(const struct wr_leaf *leaf, uint64_t key)
{
	uint32_t low = 0, high = leaf->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (leaf->keys[middle] < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* --- Sums. --- */

static bool is_shown(const struct wr_entry *entry)
{
	return !(entry->flags & WR_ENTRY_QUIET);
}

/* What an entry adds to the sums. */
static uint64_t share_of(const struct wr_entry *entry)
{
	uint64_t state = entry->status == WR_GOSSIP_DEAD ? WR_MIX_STEP : 0;

	return is_shown(entry) ? wr_mix(entry->blob->digest + state) : 0;
}

void wr_leaves_count_in(struct wr_roll *roll, const struct wr_entry *entry)
{
	struct wr_leaf *leaf = roll->leaves[leaf_of(roll, entry->blob->key)].leaf;

	leaf->sum += share_of(entry);
	leaf->shown += is_shown(entry);
}

void wr_leaves_count_out(struct wr_roll *roll, const struct wr_entry *entry)
{
	struct wr_leaf *leaf = roll->leaves[leaf_of(roll, entry->blob->key)].leaf;

	leaf->sum -= share_of(entry);
	leaf->shown -= is_shown(entry);
}

static void count_again(const struct wr_roll *roll, struct wr_leaf *leaf)
{
	leaf->sum = 0;
	leaf->shown = 0;
	for (uint32_t i = 0; i < leaf->count; i++) {
		const struct wr_entry *entry = wr_roll_entry(roll, leaf->ids[i]);

		leaf->sum += share_of(entry);
		leaf->shown += is_shown(entry);
	}
}

/* --- Growing and shrinking. --- */

static bool add_place(struct wr_roll *roll, size_t at, struct wr_leaf_place place)
{
	if (roll->leaf_count == roll->leaf_room) {
		size_t room = roll->leaf_room ? roll->leaf_room * 2 : 4;
		struct wr_leaf_place *leaves = realloc(roll->leaves, room * sizeof(*leaves));

		if (!leaves)
			return false;
		roll->leaves = leaves;
		roll->leaf_room = room;
	}
	memmove(roll->leaves + at + 1, roll->leaves + at,
		(roll->leaf_count - at) * sizeof(*roll->leaves));
	roll->leaves[at] = place;
	roll->leaf_count++;
	return true;
}

/* The upper half goes to a new leaf behind it. */
static bool split_leaf(struct wr_roll *roll, size_t at)
{
	struct wr_leaf *lower = roll->leaves[at].leaf, *upper = calloc(1, sizeof(*upper));
	uint32_t half = lower->count / 2;

	if (!upper)
		return false;
	upper->count = lower->count - half;
	memcpy(upper->keys, lower->keys + half, upper->count * sizeof(*upper->keys));
	memcpy(upper->ids, lower->ids + half, upper->count * sizeof(*upper->ids));
	if (!add_place(roll, at + 1, (struct wr_leaf_place){ upper->keys[0], upper })) {
		free(upper);
		return false;
	}
	lower->count = half;
	count_again(roll, lower);
	count_again(roll, upper);
	return true;
}

bool wr_leaves_put(struct wr_roll *roll, uint64_t key, uint32_t id)
{
	size_t at = leaf_of(roll, key);
	struct wr_leaf *leaf = roll->leaves[at].leaf;
	uint32_t spot;

	if (leaf->count == WR_LEAF_ENTRIES) {
		if (!split_leaf(roll, at))
			return false;
		leaf = roll->leaves[leaf_of(roll, key)].leaf;
	}
	spot = spot_of(leaf, key);
	memmove(leaf->keys + spot + 1, leaf->keys + spot,
		(leaf->count - spot) * sizeof(*leaf->keys));
	memmove(leaf->ids + spot + 1, leaf->ids + spot, (leaf->count - spot) * sizeof(*leaf->ids));
	leaf->keys[spot] = key;
	leaf->ids[spot] = id;
	leaf->count++;
	return true;
}

void wr_leaves_take(struct wr_roll *roll, uint64_t key)
{
	size_t at = leaf_of(roll, key);
	struct wr_leaf *leaf = roll->leaves[at].leaf;
	uint32_t spot = spot_of(leaf, key);

	leaf->count--;
	memmove(leaf->keys + spot, leaf->keys + spot + 1,
		(leaf->count - spot) * sizeof(*leaf->keys));
	memmove(leaf->ids + spot, leaf->ids + spot + 1, (leaf->count - spot) * sizeof(*leaf->ids));
	if (leaf->count || at == 0) /* the first begins at 0 and stays */
		return;
	free(leaf);
	roll->leaf_count--;
	memmove(roll->leaves + at, roll->leaves + at + 1,
		(roll->leaf_count - at) * sizeof(*roll->leaves));
}

bool wr_leaves_init(struct wr_roll *roll)
{
	struct wr_leaf *leaf = calloc(1, sizeof(*leaf));

	if (leaf && add_place(roll, 0, (struct wr_leaf_place){ 0, leaf }))
		return true;
	free(leaf);
	return false;
}

void wr_leaves_done(struct wr_roll *roll)
{
	for (size_t i = 0; i < roll->leaf_count; i++)
		free(roll->leaves[i].leaf);
	free(roll->leaves);
}

/* --- Looking. --- */

uint32_t wr_roll_find(const struct wr_roll *roll, uint64_t key)
{
	const struct wr_leaf *leaf = roll->leaves[leaf_of(roll, key)].leaf;
	uint32_t spot = spot_of(leaf, key);

	return spot < leaf->count && leaf->keys[spot] == key ? leaf->ids[spot] : 0;
}

static void add_leaf_part(const struct wr_roll *roll, const struct wr_leaf *leaf,
			  struct wr_frame_range *range)
{
	for (uint32_t i = spot_of(leaf, range->first);
	     i < leaf->count && leaf->keys[i] <= range->last; i++) {
		const struct wr_entry *entry = wr_roll_entry(roll, leaf->ids[i]);

		range->sum += share_of(entry);
		range->items += is_shown(entry);
	}
}

static bool is_whole(const struct wr_leaf *leaf, const struct wr_frame_range *range)
{
	return leaf->count && leaf->keys[0] >= range->first &&
	       leaf->keys[leaf->count - 1] <= range->last;
}

struct wr_frame_range wr_roll_range(const struct wr_roll *roll, uint64_t first, uint64_t last)
{
	struct wr_frame_range range = { .first = first, .last = last };

	for (size_t at = leaf_of(roll, first);
	     at < roll->leaf_count && roll->leaves[at].first <= last; at++) {
		const struct wr_leaf *leaf = roll->leaves[at].leaf;

		if (is_whole(leaf, &range)) {
			range.sum += leaf->sum;
			range.items += leaf->shown;
		} else {
			add_leaf_part(roll, leaf, &range);
		}
	}
	return range;
}

uint32_t wr_roll_next(const struct wr_roll *roll, uint64_t key)
{
	size_t at = leaf_of(roll, key);
	uint32_t spot = spot_of(roll->leaves[at].leaf, key);

	if (spot < roll->leaves[at].leaf->count)
		return roll->leaves[at].leaf->ids[spot];
	/* Only the first leaf may be empty. */
	return at + 1 < roll->leaf_count ? roll->leaves[at + 1].leaf->ids[0] : 0;
}

unsigned wr_roll_split(const struct wr_roll *roll, uint64_t first, uint64_t last,
		       struct wr_frame_range *ret_ranges, unsigned most)
{
	size_t from = leaf_of(roll, first), to = leaf_of(roll, last);
	size_t leaves = to - from + 1, ranges = leaves < most ? leaves : most;
	uint64_t begin = first;

	for (size_t i = 0; i < ranges; i++) {
		size_t next = from + leaves * (i + 1) / ranges;
		uint64_t end = i + 1 == ranges ? last : roll->leaves[next].first - 1;

		ret_ranges[i] = wr_roll_range(roll, begin, end);
		begin = end + 1;
	}
	return (unsigned)ranges;
}
