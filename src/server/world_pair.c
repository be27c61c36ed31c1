/* What differs between what members of one group were told and what they are to be told. */
#include <stdlib.h>

#include "server/world_state.h"

static bool add_changed(struct wr_world_pair *pair, struct wr_face *face)
{
	if (!wr_reading_room((void **)&pair->changed, &pair->changed_room, pair->changed_count,
			     sizeof(struct wr_face *)))
		return false;
	pair->changed[pair->changed_count++] = face;
	return true;
}

static bool add_gone(struct wr_world_pair *pair, const char *uid)
{
	if (!wr_reading_room((void **)&pair->gone, &pair->gone_room, pair->gone_count,
			     sizeof(const char *)))
		return false;
	pair->gone[pair->gone_count++] = uid;
	return true;
}

void wr_world_pair_done(struct wr_world *world)
{
	struct wr_world_pair *pair = &world->pair;

	wr_world_release(world, pair->from);
	free(pair->changed);
	free(pair->gone);
	*pair = (struct wr_world_pair){ 0 };
}

/* Marks all that were seen. */
static void mark_seen(const struct wr_reading *reading, uint32_t number, uint64_t stamp)
{
	const struct wr_group *group = &reading->groups[number];

	for (size_t i = 0; i < group->link_count; i++) {
		const struct wr_group *seen = &reading->groups[group->links[i].group];

		for (size_t j = 0; j < seen->member_count; j++) {
			struct wr_face *face = reading->machines[seen->members[j]].face;

			face->stamp = stamp;
			face->seen = &reading->kinds[group->links[i].kind];
		}
	}
}

/* Those that were not seen, or in another way, or that changed since: whoever was told may not
 * have seen them for a while. The others lose their mark. */
static bool find_changed(struct wr_world_pair *pair, const struct wr_reading *reading,
			 uint64_t stamp)
{
	const struct wr_group *group = &reading->groups[pair->to_group];
	bool is_whole = true;

	for (size_t i = 0; i < group->link_count && is_whole; i++) {
		const struct wr_group *seen = &reading->groups[group->links[i].group];
		const struct wr_way_kind *kind = &reading->kinds[group->links[i].kind];

		for (size_t j = 0; j < seen->member_count && is_whole; j++) {
			struct wr_face *face = reading->machines[seen->members[j]].face;

			if (face->stamp != stamp || face->changed > pair->from->left ||
			    !wr_sum_equal(face->seen->sum, kind->sum))
				is_whole = add_changed(pair, face);
			face->stamp = 0;
		}
	}
	return is_whole;
}

/* Those that have their mark still. */
static bool find_gone(struct wr_world_pair *pair, uint64_t stamp)
{
	const struct wr_reading *reading = pair->from;
	const struct wr_group *group = &reading->groups[pair->from_group];
	bool is_whole = true;

	for (size_t i = 0; i < group->link_count && is_whole; i++) {
		const struct wr_group *seen = &reading->groups[group->links[i].group];

		for (size_t j = 0; j < seen->member_count && is_whole; j++) {
			const struct wr_reading_machine *machine =
				&reading->machines[seen->members[j]];

			if (machine->face->stamp == stamp)
				is_whole = add_gone(pair, machine->uid);
		}
	}
	return is_whole;
}

bool wr_world_compare(struct wr_world *world, struct wr_reading *from, uint32_t from_group,
		      uint32_t to_group)
{
	struct wr_world_pair *pair = &world->pair;
	uint64_t stamp;

	if (pair->from == from && pair->from_group == from_group && pair->to_group == to_group)
		return true;
	from->refs++;
	wr_world_release(world, pair->from);
	pair->from = from;
	pair->from_group = from_group;
	pair->to_group = to_group;
	pair->changed_count = pair->gone_count = 0;
	stamp = ++world->stamp;
	mark_seen(from, from_group, stamp);
	if (find_changed(pair, world->reading, stamp) && find_gone(pair, stamp))
		return true;
	wr_world_pair_done(world);
	return false;
}
