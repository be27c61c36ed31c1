#include "server/world_reading.h"

#include <stdlib.h>

/* Texts and prefixes, in blocks that stay where they are. */
#define BLOCK_LEN (32 * 1024)

struct wr_reading_block {
	struct wr_reading_block *next;
	size_t used, room;
	_Alignas(max_align_t) char bytes[];
};

struct wr_reading *wr_reading_new(int64_t org)
{
	struct wr_reading *reading = calloc(1, sizeof(*reading));

	if (!reading)
		return NULL;
	reading->refs = 1;
	reading->org = org;
	return reading;
}

static void free_groups(struct wr_reading *reading)
{
	for (size_t i = 0; i < reading->group_count; i++) {
		struct wr_group *group = &reading->groups[i];

		free(group->members);
		free(group->links);
		free(group->audience);
		free(group->listeners);
	}
	free(reading->groups);
}

static void free_texts(struct wr_reading *reading)
{
	for (size_t i = 0; i < reading->kind_count; i++)
		free(reading->kinds[i].text);
	for (size_t i = 0; i < reading->policy_count; i++)
		free(reading->policies[i].json);
	free(reading->kinds);
	free(reading->policies);
}

struct wr_reading *wr_reading_unref(struct wr_reading *reading)
{
	if (!reading || --reading->refs > 0)
		return NULL;
	free_groups(reading);
	free_texts(reading);
	wr_view_free(reading->view);
	wr_policy_free(reading->policy);
	while (reading->blocks) {
		struct wr_reading_block *block = reading->blocks;

		reading->blocks = block->next;
		free(block);
	}
	free(reading->machines);
	free(reading->members);
	free(reading->records);
	free(reading);
	return NULL;
}

void *wr_reading_keep(struct wr_reading *reading, const void *data, size_t len)
{
	size_t need = (len + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	struct wr_reading_block *block = reading->blocks;
	void *kept;

	if (!block || block->room - block->used < need) {
		size_t room = need > BLOCK_LEN ? need : BLOCK_LEN;

		block = malloc(sizeof(*block) + room);
		if (!block)
			return NULL;
		*block = (struct wr_reading_block){ .next = reading->blocks, .room = room };
		reading->blocks = block;
	}
	kept = block->bytes + block->used;
	if (len)
		memcpy(kept, data, len);
	block->used += need;
	return kept;
}

bool wr_reading_room(void **items, size_t *room, size_t count, size_t size)
{
	size_t more = *room ? 2 * *room : 4;
	void *grown;

	if (count < *room)
		return true;
	grown = reallocarray(*items, more, size);
	if (!grown)
		return false;
	*items = grown;
	*room = more;
	return true;
}

struct wr_reading_machine *wr_reading_add(struct wr_reading *reading)
{
	struct wr_reading_machine *machine;
	size_t room = reading->room;

	if (!wr_reading_room((void **)&reading->machines, &room, reading->count,
			     sizeof(*reading->machines)))
		return NULL;
	if (room != reading->room) {
		struct wr_member *members = reallocarray(reading->members, room, sizeof(*members));

		if (!members)
			return NULL;
		reading->members = members;
		reading->room = room;
	}
	machine = &reading->machines[reading->count];
	*machine = (struct wr_reading_machine){ .group = WR_READING_NOBODY };
	reading->members[reading->count++] = (struct wr_member){ 0 };
	return machine;
}

struct wr_reading_record *wr_reading_add_record(struct wr_reading *reading)
{
	struct wr_reading_record *record;

	if (!wr_reading_room((void **)&reading->records, &reading->record_room,
			     reading->record_count, sizeof(*record)))
		return NULL;
	record = &reading->records[reading->record_count++];
	*record = (struct wr_reading_record){ .machine = WR_READING_NOBODY };
	return record;
}

struct wr_reading_machine *wr_reading_find(const struct wr_reading *reading, int64_t machine)
{
	size_t low = 0, high = reading->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct wr_reading_machine *found = &reading->machines[middle];

		if (found->id == machine)
			return found;
		if (found->id < machine)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct wr_way_kind *wr_reading_way(const struct wr_reading *reading, uint32_t from,
					 uint32_t to)
{
	const struct wr_group *group;
	size_t low = 0, high;

	if (from == WR_READING_NOBODY || to == WR_READING_NOBODY)
		return NULL;
	group = &reading->groups[from];
	high = group->link_count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct wr_group_link *link = &group->links[middle];

		if (link->group == to)
			return &reading->kinds[link->kind];
		if (link->group < to)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
