/* A face changes: those who see it have news. */
#include <stdlib.h>

#include "server/world_state.h"

static int by_address(const void *a, const void *b)
{
	uintptr_t left = *(const uintptr_t *)a, right = *(const uintptr_t *)b;

	return left < right ? -1 : left > right;
}

/* One that comes and goes many times is one piece of news. */
static void drop_repeated(struct wr_listener *listener)
{
	size_t kept = 0;

	qsort(listener->news, listener->news_count, sizeof(struct wr_face *), by_address);
	for (size_t i = 0; i < listener->news_count; i++) {
		if (i == 0 || listener->news[i] != listener->news[i - 1])
			listener->news[kept++] = listener->news[i];
	}
	listener->news_count = kept;
}

/* Without memory for it, the whole map is told. */
void wr_listener_forget(struct wr_world *world, struct wr_listener *listener)
{
	wr_world_release(world, WR_TAKE(listener->told));
	listener->news_count = 0;
}

static bool has_room_for_news(struct wr_listener *listener)
{
	if (listener->news_count < listener->news_room)
		return true;
	if (listener->news_count >= 32)
		drop_repeated(listener);
	return listener->news_count * 2 < listener->news_room ||
	       wr_reading_room((void **)&listener->news, &listener->news_room, listener->news_room,
			       sizeof(struct wr_face *));
}

static void add_news(struct wr_world *world, struct wr_listener *listener, struct wr_face *face)
{
	wr_listener_due(world, listener);
	if (!listener->told)
		return;
	if (has_room_for_news(listener))
		listener->news[listener->news_count++] = face;
	else
		wr_listener_forget(world, listener);
}

struct texts {
	char *head, *candidates;
	size_t head_len, candidates_len;
	struct wr_world_sum head_sum, candidates_sum;
};

static struct texts texts_of(const struct wr_face *face)
{
	return (struct texts){ face->head,           face->candidates, face->head_len,
			       face->candidates_len, face->head_sum,   face->candidates_sum };
}

/* Those who see it in this way: their sum, and their news. */
static void tell_group(struct wr_world *world, const struct wr_group_link *seer,
		       struct wr_face *face, const struct wr_face *before)
{
	struct wr_group *group = &world->reading->groups[seer->group];
	const struct wr_way_kind *kind = &world->reading->kinds[seer->kind];

	if (!kind->is_direct && wr_sum_equal(face->head_sum, before->head_sum))
		return;
	if (group->has_sum) {
		wr_sum_take(&group->sum, wr_face_sum(before, kind));
		wr_sum_add(&group->sum, wr_face_sum(face, kind));
	}
	for (size_t i = 0; i < group->listener_count; i++) {
		if (group->listeners[i]->face != face)
			add_news(world, group->listeners[i], face);
	}
}

static void tell_change(struct wr_world *world, struct wr_face *face, const struct wr_face *before)
{
	const struct wr_group *group = wr_world_group(world, face->entry->group);

	face->changed = ++world->changes;
	for (size_t i = 0; group && i < group->audience_count; i++)
		tell_group(world, &group->audience[i], face, before);
}

/* Makes its texts anew; where memory is short, the old ones stay until the next change. */
void wr_face_print_again(struct wr_world *world, struct wr_face *face)
{
	struct wr_face before = *face;
	struct texts old = texts_of(face);

	if (!wr_face_print(face))
		return;
	if (!wr_sum_equal(before.head_sum, face->head_sum) ||
	    !wr_sum_equal(before.candidates_sum, face->candidates_sum))
		tell_change(world, face, &before);
	free(old.head);
	free(old.candidates);
}

void wr_world_set_online(struct wr_world *world, int64_t machine, bool is_online)
{
	struct wr_face *face = wr_world_face(world, machine);

	if (!face || !face->entry || face->is_online == is_online)
		return;
	face->is_online = is_online;
	wr_face_print_again(world, face);
}

bool wr_world_is_online(const struct wr_world *world, int64_t machine)
{
	const struct wr_face *face = wr_world_face(world, machine);

	return face && face->is_online;
}

void wr_world_set_candidates(struct wr_world *world, int64_t machine,
			     const struct wr_candidate *candidates, size_t count)
{
	struct wr_face *face = wr_world_face(world, machine);

	if (!face || !face->entry)
		return;
	face->reported_count = count < WR_PATH_CANDIDATES ? count : WR_PATH_CANDIDATES;
	memcpy(face->reported, candidates, face->reported_count * sizeof(*candidates));
	wr_face_print_again(world, face);
}

void wr_world_set_observed(struct wr_world *world, int64_t machine,
			   const struct wr_endpoint *endpoint)
{
	struct wr_face *face = wr_world_face(world, machine);

	if (!face || !face->entry || wr_endpoint_equal_remote(&face->observed, endpoint))
		return;
	face->observed = *endpoint;
	wr_face_print_again(world, face);
}
