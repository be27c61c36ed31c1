#include "server/world.h"

#include <errno.h>
#include <stdlib.h>

#include "server/world_state.h"

/* --- Life. --- */

struct wr_world *wr_world_new(const struct wr_world_hub *hub)
{
	struct wr_world *world = calloc(1, sizeof(*world));

	if (world)
		world->hub = *hub;
	return world;
}

/* Uids are random, and not chosen by anybody outside (FNV-1a). */
uint64_t wr_uid_key(const char *uid)
{
	uint64_t key = UINT64_C(0xcbf29ce484222325);

	for (; *uid; uid++)
		key = (key ^ (uint8_t)*uid) * UINT64_C(0x100000001b3);
	return key;
}

void wr_face_release(struct wr_world *world, struct wr_face *face)
{
	if (!face || --face->refs > 0)
		return;
	assert(!face->listener);
	wr_map_take(&world->faces, (uint64_t)face->machine);
	wr_face_free(face);
}

/* One owner of the reading less; faces that no reading has go with the last. */
void wr_world_release(struct wr_world *world, struct wr_reading *reading)
{
	if (!reading)
		return;
	for (size_t i = 0; reading->refs == 1 && i < reading->count; i++)
		wr_face_release(world, reading->machines[i].face);
	wr_reading_unref(reading);
}

struct wr_world *wr_world_free(struct wr_world *world)
{
	if (!world)
		return NULL;
	assert(!world->due);
	wr_world_pair_done(world);
	wr_world_release(world, world->reading);
	wr_map_done(&world->faces);
	wr_map_done(&world->uids);
	free(world->shared_json);
	free(world);
	return NULL;
}

const struct wr_reading *wr_world_reading(const struct wr_world *world)
{
	return world->reading;
}

struct wr_group *wr_world_group(const struct wr_world *world, uint32_t number)
{
	return number == WR_READING_NOBODY ? NULL : &world->reading->groups[number];
}

struct wr_face *wr_world_face(const struct wr_world *world, int64_t machine)
{
	return wr_map_get(&world->faces, (uint64_t)machine);
}

/* --- Those for whom there may be something. --- */

void wr_listener_due(struct wr_world *world, struct wr_listener *listener)
{
	if (listener->is_due)
		return;
	listener->is_due = true;
	listener->next = NULL;
	listener->prev = world->due_last;
	if (world->due_last)
		world->due_last->next = listener;
	else
		world->due = listener;
	world->due_last = listener;
}

void wr_listener_not_due(struct wr_world *world, struct wr_listener *listener)
{
	if (!listener->is_due)
		return;
	listener->is_due = false;
	if (listener->prev)
		listener->prev->next = listener->next;
	else
		world->due = listener->next;
	if (listener->next)
		listener->next->prev = listener->prev;
	else
		world->due_last = listener->prev;
}

struct wr_listener *wr_world_next(struct wr_world *world)
{
	struct wr_listener *listener = world->due;

	if (listener)
		wr_listener_not_due(world, listener);
	return listener;
}

bool wr_world_has_next(const struct wr_world *world)
{
	return world->due != NULL;
}

void wr_listener_put_back(struct wr_world *world, struct wr_listener *listener)
{
	wr_listener_due(world, listener);
}

/* --- Groups. --- */

bool wr_listener_join(struct wr_reading *reading, struct wr_listener *listener)
{
	uint32_t number = listener->face->entry ? listener->face->entry->group : WR_READING_NOBODY;
	struct wr_group *group;

	listener->group = WR_READING_NOBODY;
	if (number == WR_READING_NOBODY || !reading->groups[number].is_agent)
		return true;
	group = &reading->groups[number];
	if (!wr_reading_room((void **)&group->listeners, &group->listener_room,
			     group->listener_count, sizeof(struct wr_listener *)))
		return false;
	listener->group = number;
	listener->place = group->listener_count;
	group->listeners[group->listener_count++] = listener;
	return true;
}

static void leave_group(struct wr_world *world, struct wr_listener *listener)
{
	struct wr_group *group = wr_world_group(world, listener->group);
	struct wr_listener *last;

	if (!group)
		return;
	last = group->listeners[--group->listener_count];
	group->listeners[listener->place] = last;
	last->place = listener->place;
	listener->group = WR_READING_NOBODY;
}

/* --- Who listens. --- */

struct wr_listener *wr_world_listen(struct wr_world *world, int64_t machine, void *context)
{
	struct wr_face *face = wr_world_face(world, machine);
	struct wr_listener *listener;

	if (!world->reading || !face || !face->entry || face->listener)
		return NULL;
	listener = calloc(1, sizeof(*listener));
	if (!listener)
		return NULL;
	listener->face = face;
	listener->context = context;
	listener->group = WR_READING_NOBODY;
	if (!wr_listener_join(world->reading, listener) || wr_listener_is_gone(listener)) {
		free(listener);
		return NULL;
	}
	face->listener = listener;
	face->refs++;
	wr_listener_due(world, listener);
	return listener;
}

void wr_world_unlisten(struct wr_world *world, struct wr_listener *listener)
{
	wr_listener_not_due(world, listener);
	leave_group(world, listener);
	listener->face->listener = NULL;
	wr_world_release(world, listener->told);
	wr_face_release(world, listener->face);
	free(listener->news);
	free(listener);
}

void *wr_listener_context(const struct wr_listener *listener)
{
	return listener->context;
}

bool wr_listener_was_told(const struct wr_listener *listener)
{
	return listener->told != NULL;
}

bool wr_listener_is_gone(const struct wr_listener *listener)
{
	return listener->group == WR_READING_NOBODY;
}

bool wr_listener_sees(const struct wr_world *world, const struct wr_listener *listener,
		      const char *uid, int64_t *ret_machine)
{
	const struct wr_face *face = wr_map_get(&world->uids, wr_uid_key(uid));

	if (!face || !face->entry || strcmp(face->entry->uid, uid) != 0 || face == listener->face ||
	    !wr_reading_way(world->reading, listener->group, face->entry->group))
		return false;
	*ret_machine = face->machine;
	return true;
}
