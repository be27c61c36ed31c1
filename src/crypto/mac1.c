#include "crypto/mac1.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/mac1_lanes.h"
#include "crypto/noise.h"

#define FIRST_GROUPS 1
#define ALL_LANES 0xffffu

static_assert(ALL_LANES == (1u << WR_MAC1_LANES) - 1, "a bit a lane");

struct wr_mac1_set {
	const struct wr_mac1_code *code;
	struct wr_mac1_group *groups;
	uint16_t *used;     /* lanes in use, as bits, a group */
	size_t capacity;    /* groups allocated */
	size_t group_count; /* groups that are or were in use */
	size_t first_free;  /* no group before this one has a free lane */
	size_t key_count;
};

struct wr_mac1_set *wr_mac1_set_new_with(const struct wr_mac1_code *code)
{
	struct wr_mac1_set *set = calloc(1, sizeof(*set));

	if (set)
		set->code = code;
	return set;
}

struct wr_mac1_set *wr_mac1_set_new(void)
{
	return wr_mac1_set_new_with(wr_mac1_codes()[0]);
}

struct wr_mac1_set *wr_mac1_set_free(struct wr_mac1_set *set)
{
	if (!set)
		return NULL;
	free(set->groups);
	free(set->used);
	free(set);
	return NULL;
}

static bool grow(struct wr_mac1_set *set)
{
	size_t capacity = set->capacity ? 2 * set->capacity : FIRST_GROUPS;
	uint16_t *used = reallocarray(set->used, capacity, sizeof(*used));
	struct wr_mac1_group *groups;

	if (!used)
		return false;
	set->used = used;
	groups = aligned_alloc(alignof(struct wr_mac1_group), capacity * sizeof(*groups));
	if (!groups)
		return false;
	if (set->group_count)
		memcpy(groups, set->groups, set->group_count * sizeof(*groups));
	free(set->groups);
	set->groups = groups;
	set->capacity = capacity;
	return true;
}

/* A group with a free lane, or WR_MAC1_NONE where memory is short. */
static size_t free_group(struct wr_mac1_set *set)
{
	while (set->first_free < set->group_count && set->used[set->first_free] == ALL_LANES)
		set->first_free++;
	if (set->first_free == set->group_count) {
		if (set->group_count == set->capacity && !grow(set))
			return WR_MAC1_NONE;
		memset(&set->groups[set->group_count], 0, sizeof(set->groups[0]));
		set->used[set->group_count++] = 0;
	}
	return set->first_free;
}

/* HASH(LABEL_MAC1 || public key): the MAC's key. */
static struct wr_hash mac_key(const struct wr_key *public_key)
{
	static const uint8_t label[] = { 'm', 'a', 'c', '1', '-', '-', '-', '-' };

	return wr_hash2((struct wr_bytes){ label, sizeof(label) },
			(struct wr_bytes){ public_key->bytes, sizeof(public_key->bytes) });
}

size_t wr_mac1_set_add(struct wr_mac1_set *set, const struct wr_key *public_key)
{
	struct wr_hash key = mac_key(public_key);
	size_t group = free_group(set);
	unsigned lane;

	if (group == WR_MAC1_NONE)
		return WR_MAC1_NONE;
	lane = (unsigned)__builtin_ctz(~(unsigned)set->used[group]);
	set->code->key_block(&set->groups[group], lane, key.bytes);
	set->used[group] = (uint16_t)(set->used[group] | 1u << lane);
	set->key_count++;
	return group * WR_MAC1_LANES + lane;
}

static bool is_used(const struct wr_mac1_set *set, size_t slot)
{
	return slot / WR_MAC1_LANES < set->group_count &&
	       (set->used[slot / WR_MAC1_LANES] >> slot % WR_MAC1_LANES & 1) != 0;
}

void wr_mac1_set_remove(struct wr_mac1_set *set, size_t slot)
{
	size_t group = slot / WR_MAC1_LANES;

	assert(is_used(set, slot));
	set->used[group] = (uint16_t)(set->used[group] & ~(1u << slot % WR_MAC1_LANES));
	set->key_count--;
	if (group < set->first_free)
		set->first_free = group;
	while (set->group_count && set->used[set->group_count - 1] == 0)
		set->group_count--;
	if (set->first_free > set->group_count)
		set->first_free = set->group_count;
}

size_t wr_mac1_set_count(const struct wr_mac1_set *set)
{
	return set->key_count;
}

static uint32_t read_le32(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static struct wr_mac1_words words_of(const uint8_t input[WR_MAC1_INPUT_LEN])
{
	struct wr_mac1_words words = { 0 };

	for (unsigned i = 0; i < WR_MAC1_INPUT_LEN / 4; i++)
		words.block[i / 16][i % 16] = read_le32(input + 4 * i);
	return words;
}

static bool check(const struct wr_mac1_set *set, size_t slot, const struct wr_mac1_words *words,
		  const uint8_t mac[16])
{
	uint8_t ours[WR_MAC_LEN];

	set->code->mac(&set->groups[slot / WR_MAC1_LANES], slot % WR_MAC1_LANES, words, ours);
	return wr_mac_equal(ours, mac);
}

bool wr_mac1_set_check(const struct wr_mac1_set *set, size_t slot,
		       const uint8_t input[WR_MAC1_INPUT_LEN], const uint8_t mac[16])
{
	struct wr_mac1_words words = words_of(input);

	assert(is_used(set, slot));
	return check(set, slot, &words, mac);
}

size_t wr_mac1_set_find(const struct wr_mac1_set *set, const uint8_t input[WR_MAC1_INPUT_LEN],
			const uint8_t mac[16])
{
	struct wr_mac1_words words = words_of(input);
	uint32_t lanes;

	for (size_t group = 0; group < set->group_count; group++) {
		group = set->code->find(set->groups, group, set->group_count, &words,
					read_le32(mac), &lanes);
		if (group == set->group_count)
			break;
		for (lanes &= set->used[group]; lanes; lanes &= lanes - 1) {
			size_t slot = group * WR_MAC1_LANES + (unsigned)__builtin_ctz(lanes);

			if (check(set, slot, &words, mac))
				return slot;
		}
	}
	return WR_MAC1_NONE;
}
