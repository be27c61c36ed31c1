/* A reading comes in, whole or of one machine. */
#include <errno.h>
#include <stdlib.h>

#include "server/world_state.h"

/* Who was not told since so many readings gets the whole map: old ones take memory. */
#define KEPT 8

/* --- A reading comes in. --- */

struct arrival {
	bool (*is_online)(void *context, const struct wr_reading_machine *machine);
	void *context;
};

static struct wr_face *new_face(struct wr_world *world, struct wr_reading_machine *entry,
				const struct arrival *arrival)
{
	struct wr_face *face = calloc(1, sizeof(*face));

	if (!face)
		return NULL;
	face->machine = entry->id;
	face->entry = entry;
	face->is_online = arrival->is_online && arrival->is_online(arrival->context, entry);
	face->reported_count = wr_candidates_read(entry->candidates, face->reported);
	if (wr_face_print(face) && wr_map_put(&world->faces, (uint64_t)entry->id, face))
		return face;
	wr_face_free(face);
	return NULL;
}

/* Every machine of it has a face then. What is new is not told to anybody yet. */
static bool give_faces(struct wr_world *world, struct wr_reading *reading,
		       const struct arrival *arrival)
{
	for (size_t i = 0; i < reading->count; i++) {
		struct wr_reading_machine *entry = &reading->machines[i];
		struct wr_face *face = wr_world_face(world, entry->id);

		if (!face)
			face = new_face(world, entry, arrival);
		if (!face)
			return false;
		entry->face = face;
		face->refs++;
	}
	return true;
}

static bool index_uids(const struct wr_reading *reading, struct wr_map *uids)
{
	for (size_t i = 0; i < reading->count; i++) {
		const struct wr_reading_machine *entry = &reading->machines[i];

		if (entry->group != WR_READING_NOBODY &&
		    !wr_map_put(uids, wr_uid_key(entry->uid), entry->face)) {
			wr_map_done(uids);
			return false;
		}
	}
	return true;
}

static bool print_shared(struct wr_world *world, const struct wr_reading *reading)
{
	struct wr_buffer out = { 0 };
	char *text = NULL;

	if (wr_world_print_shared(reading, &world->hub, &out) && wr_buffer_add(&out, "", 1))
		text = strdup((const char *)out.data);
	wr_buffer_done(&out);
	if (!text)
		return false;
	free(world->shared_json);
	world->shared_json = text;
	world->shared_sum = wr_sum_of("shared", text, strlen(text));
	return true;
}

/* News of who is gone is in the comparison of the readings. */
static void drop_news_of_gone(struct wr_listener *listener)
{
	size_t kept = 0;

	for (size_t i = 0; i < listener->news_count; i++) {
		if (listener->news[i]->entry)
			listener->news[kept++] = listener->news[i];
	}
	listener->news_count = kept;
}

/* In the order of groups, so that those of one are told one after the other: what is new is
 * found once for all of them. Without memory for a place in its group, it is gone, and comes
 * back. */
static void move_listeners(struct wr_world *world, struct wr_reading *before,
			   struct wr_reading *reading)
{
	for (size_t i = 0; before && i < before->group_count; i++) {
		struct wr_group *group = &before->groups[i];

		for (size_t j = 0; j < group->listener_count; j++) {
			struct wr_listener *listener = group->listeners[j];

			drop_news_of_gone(listener);
			if (listener->told && listener->told->number + KEPT < reading->number)
				wr_listener_forget(world, listener);
			if (!wr_listener_join(reading, listener) || wr_listener_is_gone(listener))
				listener->news_count = 0;
			wr_listener_due(world, listener);
		}
		group->listener_count = 0;
	}
}

static bool equal_prefixes(const struct wr_prefixes *a, const struct wr_prefixes *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (a->items[i].length != b->items[i].length ||
		    !wr_ip_equal(&a->items[i].ip, &b->items[i].ip))
			return false;
	}
	return true;
}

static bool has_same_face(const struct wr_reading_machine *a, const struct wr_reading_machine *b)
{
	return memcmp(&a->public_key, &b->public_key, sizeof(a->public_key)) == 0 &&
	       strcmp(a->name, b->name) == 0 && wr_ip_equal(&a->v4, &b->v4) &&
	       wr_ip_equal(&a->v6, &b->v6) && equal_prefixes(&a->routes, &b->routes);
}

/* To the new reading; with a look at whether that changes them. */
static void point_faces(struct wr_reading *before, struct wr_reading *reading)
{
	for (size_t i = 0; i < reading->count; i++) {
		struct wr_reading_machine *entry = &reading->machines[i];
		struct wr_face *face = entry->face;

		face->is_other = !face->entry || !has_same_face(face->entry, entry);
		face->entry = entry;
	}
	for (size_t i = 0; before && i < before->count; i++) {
		struct wr_face *face = before->machines[i].face;

		if (face->entry == &before->machines[i])
			face->entry = NULL;
	}
}

static void print_changed(struct wr_world *world, const struct wr_reading *reading)
{
	for (size_t i = 0; i < reading->count; i++) {
		if (reading->machines[i].face->is_other)
			wr_face_print_again(world, reading->machines[i].face);
	}
}

/* Not taken: faces that nobody else has go again. */
static int refuse(struct wr_world *world, struct wr_reading *reading)
{
	wr_world_release(world, reading);
	return -ENOMEM;
}

int wr_world_take(struct wr_world *world, struct wr_reading *reading,
		  bool (*is_online)(void *context, const struct wr_reading_machine *machine),
		  void *context)
{
	const struct arrival arrival = { is_online, context };
	struct wr_reading *before = world->reading;
	struct wr_map uids = { 0 };

	assert(reading->refs == 1);
	if (!give_faces(world, reading, &arrival) || !index_uids(reading, &uids))
		return refuse(world, reading);
	if (!print_shared(world, reading)) {
		wr_map_done(&uids);
		return refuse(world, reading);
	}
	wr_world_pair_done(world);
	wr_map_done(&world->uids);
	world->uids = uids;
	point_faces(before, reading);
	world->reading = reading;
	reading->number = ++world->readings;
	if (before)
		before->left = world->changes;
	move_listeners(world, before, reading);
	print_changed(world, reading);
	wr_world_release(world, before);
	return 0;
}

void wr_world_set_hub(struct wr_world *world, const struct wr_world_hub *hub)
{
	world->hub = *hub;
	if (!world->reading || !print_shared(world, world->reading))
		return;
	for (size_t i = 0; i < world->reading->group_count; i++) {
		const struct wr_group *group = &world->reading->groups[i];

		for (size_t j = 0; j < group->listener_count; j++)
			wr_listener_due(world, group->listeners[j]);
	}
}

/* --- One machine again. --- */

static bool equal_tags(const struct wr_member *a, const struct wr_member *b)
{
	if (a->tag_count != b->tag_count)
		return false;
	for (size_t i = 0; i < a->tag_count; i++) {
		if (strcmp(a->tags[i], b->tags[i]) != 0)
			return false;
	}
	return true;
}

/* What groups, addresses' owners and the policy hang from is as it was. */
static bool is_same_to_policy(const struct wr_reading *reading,
			      const struct wr_reading_machine *entry, const struct wr_reading *one)
{
	const struct wr_reading_machine *now = &one->machines[0];

	return entry->off == now->off && entry->is_agent == now->is_agent &&
	       strcmp(entry->name, now->name) == 0 && wr_ip_equal(&entry->v4, &now->v4) &&
	       wr_ip_equal(&entry->v6, &now->v6) &&
	       equal_prefixes(&entry->approved, &now->approved) &&
	       equal_tags(&reading->members[entry - reading->machines], &one->members[0]);
}

static bool keep_routes(struct wr_reading *reading, struct wr_reading_machine *entry,
			const struct wr_prefixes *routes)
{
	struct wr_prefix *items = NULL;

	if (equal_prefixes(&entry->routes, routes))
		return true;
	if (routes->count) {
		items = wr_reading_keep(reading, routes->items,
					routes->count * sizeof(*routes->items));
		if (!items)
			return false;
	}
	entry->routes = (struct wr_prefixes){ items, routes->count };
	return true;
}

bool wr_world_take_machine(struct wr_world *world, const struct wr_reading *one)
{
	struct wr_reading *reading = world->reading;
	struct wr_reading_machine *entry;

	if (!reading || one->count != 1 || one->is_disabled != reading->is_disabled)
		return false;
	entry = wr_reading_find(reading, one->machines[0].id);
	if (!entry || !is_same_to_policy(reading, entry, one) ||
	    !keep_routes(reading, entry, &one->machines[0].routes))
		return false;
	reading->generation = one->generation > reading->generation ? one->generation
								    : reading->generation;
	entry->public_key = one->machines[0].public_key;
	wr_face_print_again(world, entry->face);
	if (entry->face->listener)
		wr_listener_due(world, entry->face->listener);
	return true;
}
