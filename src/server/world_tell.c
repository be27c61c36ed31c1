/* Messages: whole maps, and what is new. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/world_state.h"

#define VERSION_LEN 32 /* without NUL */

/* --- What a listener should have been told. --- */

/* Of all that the group sees, its own members too where they see each other. */
static struct wr_world_sum sum_of_group(struct wr_reading *reading, struct wr_group *group)
{
	if (group->has_sum)
		return group->sum;
	group->sum = (struct wr_world_sum){ 0 };
	for (size_t i = 0; i < group->link_count; i++) {
		const struct wr_group *seen = &reading->groups[group->links[i].group];
		const struct wr_way_kind *kind = &reading->kinds[group->links[i].kind];

		for (size_t j = 0; j < seen->member_count; j++)
			wr_sum_add(&group->sum,
				   wr_face_sum(reading->machines[seen->members[j]].face, kind));
	}
	group->has_sum = true;
	return group->sum;
}

static bool sees_record(const struct wr_reading *reading, const struct wr_listener *listener,
			const struct wr_reading_record *record)
{
	const struct wr_reading_machine *owner;

	if (record->machine == WR_READING_NOBODY)
		return true;
	owner = &reading->machines[record->machine];
	return owner->face == listener->face ||
	       wr_reading_way(reading, listener->group, owner->group);
}

struct wanted {
	struct wr_world_sum version, self, policy, records;
	struct wr_buffer self_json;
};

static int find_wanted(struct wr_world *world, const struct wr_listener *listener,
		       struct wanted *ret_wanted)
{
	struct wr_reading *reading = world->reading;
	struct wr_group *group = wr_world_group(world, listener->group);
	const struct wr_way_kind *own = wr_reading_way(reading, listener->group, listener->group);
	struct wanted wanted = { .policy = reading->policies[group->policy].sum };

	for (size_t i = 0; i < reading->record_count; i++) {
		if (sees_record(reading, listener, &reading->records[i]))
			wr_sum_add(&wanted.records, reading->records[i].sum);
	}
	if (!wr_face_print_self(listener->face->entry, &wanted.self_json)) {
		wr_buffer_done(&wanted.self_json);
		return -ENOMEM;
	}
	wanted.self = wr_sum_of("self", wanted.self_json.data, wanted.self_json.len);
	wanted.version = sum_of_group(reading, group);
	if (own)
		wr_sum_take(&wanted.version, wr_face_sum(listener->face, own));
	wr_sum_add(&wanted.version, wanted.self);
	wr_sum_add(&wanted.version, wanted.policy);
	wr_sum_add(&wanted.version, wanted.records);
	wr_sum_add(&wanted.version, world->shared_sum);
	*ret_wanted = wanted;
	return 0;
}

static void remember(struct wr_world *world, struct wr_listener *listener,
		     const struct wanted *wanted)
{
	if (listener->told != world->reading) {
		wr_world_release(world, listener->told);
		listener->told = world->reading;
		listener->told->refs++;
	}
	listener->told_group = listener->group;
	listener->shared = world->shared_sum;
	listener->version = wanted->version;
	listener->self = wanted->self;
	listener->policy = wanted->policy;
	listener->records = wanted->records;
	listener->news_count = 0;
}

static void format_version(struct wr_world_sum sum, char ret_text[VERSION_LEN + 1])
{
	snprintf(ret_text, VERSION_LEN + 1, "%016" PRIx64 "%016" PRIx64, sum.a, sum.b);
}

bool wr_listener_is_at(struct wr_world *world, struct wr_listener *listener, const char *version)
{
	struct wanted wanted;
	char text[VERSION_LEN + 1];

	if (!*version || find_wanted(world, listener, &wanted) < 0)
		return false;
	wr_buffer_done(&wanted.self_json);
	format_version(wanted.version, text);
	if (strcmp(text, version) != 0)
		return false;
	remember(world, listener, &wanted);
	wr_listener_not_due(world, listener);
	return true;
}

/* --- Parts. --- */

static bool add_text(struct wr_buffer *out, const char *text)
{
	return wr_buffer_add(out, text, strlen(text));
}

static bool add_self(const struct wanted *wanted, struct wr_buffer *out)
{
	return wr_buffer_add(out, ",", 1) &&
	       wr_buffer_add(out, wanted->self_json.data, wanted->self_json.len);
}

static bool add_shared(const struct wr_world *world, struct wr_buffer *out)
{
	return wr_buffer_add(out, ",", 1) && add_text(out, world->shared_json);
}

static bool add_policy(const struct wr_world *world, const struct wr_listener *listener,
		       struct wr_buffer *out)
{
	const struct wr_group *group = wr_world_group(world, listener->group);

	return add_text(out, ",\"policy\":") &&
	       add_text(out, world->reading->policies[group->policy].json);
}

static bool add_record(const struct wr_reading_record *record, bool is_first, struct wr_buffer *out)
{
	char text[WR_ENDPOINT_TEXT_LEN];

	wr_ip_format(&record->ip, text);
	return wr_buffer_print(out, "%s{\"name\":\"%s\",\"address\":\"%s\"}", is_first ? "" : ",",
			       record->name, text);
}

static bool add_records(const struct wr_world *world, const struct wr_listener *listener,
			struct wr_buffer *out)
{
	const struct wr_reading *reading = world->reading;
	bool is_first = true, is_whole = add_text(out, ",\"records\":[");

	for (size_t i = 0; i < reading->record_count && is_whole; i++) {
		if (!sees_record(reading, listener, &reading->records[i]))
			continue;
		is_whole = add_record(&reading->records[i], is_first, out);
		is_first = false;
	}
	return is_whole && wr_buffer_add(out, "]", 1);
}

static bool add_peer(const struct wr_face *face, const struct wr_way_kind *kind, bool *is_first,
		     struct wr_buffer *out)
{
	if (!*is_first && !wr_buffer_add(out, ",", 1))
		return false;
	*is_first = false;
	return wr_face_print_peer(face, kind, out);
}

/* --- The whole map. --- */

static bool add_all_peers(const struct wr_world *world, const struct wr_listener *listener,
			  struct wr_buffer *out)
{
	const struct wr_reading *reading = world->reading;
	const struct wr_group *group = wr_world_group(world, listener->group);
	bool is_first = true, is_whole = add_text(out, ",\"peers\":[");

	for (size_t i = 0; i < group->link_count; i++) {
		const struct wr_group *seen = &reading->groups[group->links[i].group];
		const struct wr_way_kind *kind = &reading->kinds[group->links[i].kind];

		for (size_t j = 0; j < seen->member_count && is_whole; j++) {
			const struct wr_face *face = reading->machines[seen->members[j]].face;

			if (face != listener->face)
				is_whole = add_peer(face, kind, &is_first, out);
		}
	}
	return is_whole && wr_buffer_add(out, "]", 1);
}

static bool print_map(const struct wr_world *world, const struct wr_listener *listener,
		      const struct wanted *wanted, struct wr_buffer *out)
{
	char version[VERSION_LEN + 1];

	format_version(wanted->version, version);
	return wr_buffer_print(out,
			       "{\"type\":\"map\",\"epoch\":\"%s\",\"generation\":%" PRIu64
			       ",\"version\":\"%s\"",
			       world->reading->epoch, world->reading->generation, version) &&
	       add_self(wanted, out) && add_shared(world, out) &&
	       add_policy(world, listener, out) && add_all_peers(world, listener, out) &&
	       add_records(world, listener, out) && wr_buffer_add(out, "}", 1);
}

int wr_listener_map(struct wr_world *world, struct wr_listener *listener, struct wr_buffer *out)
{
	struct wanted wanted;
	bool is_whole;

	if (find_wanted(world, listener, &wanted) < 0)
		return -ENOMEM;
	is_whole = print_map(world, listener, &wanted, out);
	wr_buffer_done(&wanted.self_json);
	if (!is_whole)
		return -ENOMEM;
	remember(world, listener, &wanted);
	wr_listener_not_due(world, listener);
	return 0;
}

/* --- A delta. --- */

struct changes {
	struct wr_world *world;
	struct wr_listener *listener;
	uint64_t stamp;
	bool is_first;
};

/* Each once; not itself, and none that it does not see any more. */
static bool add_change(struct changes *changes, struct wr_face *face, struct wr_buffer *out)
{
	const struct wr_way_kind *kind;

	if (face->stamp == changes->stamp || face == changes->listener->face || !face->entry)
		return true;
	face->stamp = changes->stamp;
	kind = wr_reading_way(changes->world->reading, changes->listener->group,
			      face->entry->group);
	return !kind || add_peer(face, kind, &changes->is_first, out);
}

static bool add_changes(struct wr_world *world, struct wr_listener *listener,
			const struct wr_world_pair *pair, struct wr_buffer *out)
{
	struct changes changes = { world, listener, ++world->stamp, true };
	bool is_whole = add_text(out, ",\"peers\":[");

	for (size_t i = 0; i < listener->news_count && is_whole; i++)
		is_whole = add_change(&changes, listener->news[i], out);
	for (size_t i = 0; pair && i < pair->changed_count && is_whole; i++)
		is_whole = add_change(&changes, pair->changed[i], out);
	return is_whole && wr_buffer_add(out, "]", 1);
}

static bool add_gone(const struct wr_listener *listener, const struct wr_world_pair *pair,
		     struct wr_buffer *out)
{
	bool is_first = true, is_whole = add_text(out, ",\"gone\":[");

	for (size_t i = 0; pair && i < pair->gone_count && is_whole; i++) {
		if (strcmp(pair->gone[i], listener->face->entry->uid) == 0)
			continue;
		is_whole = wr_buffer_print(out, "%s\"%s\"", is_first ? "" : ",", pair->gone[i]);
		is_first = false;
	}
	return is_whole && wr_buffer_add(out, "]", 1);
}

static bool add_other_parts(const struct wr_world *world, const struct wr_listener *listener,
			    const struct wanted *wanted, struct wr_buffer *out)
{
	return (wr_sum_equal(listener->self, wanted->self) || add_self(wanted, out)) &&
	       (wr_sum_equal(listener->shared, world->shared_sum) || add_shared(world, out)) &&
	       (wr_sum_equal(listener->policy, wanted->policy) ||
		add_policy(world, listener, out)) &&
	       (wr_sum_equal(listener->records, wanted->records) ||
		add_records(world, listener, out));
}

static bool print_delta(struct wr_world *world, struct wr_listener *listener,
			const struct wanted *wanted, struct wr_buffer *out)
{
	const struct wr_world_pair *pair = NULL;
	char from[VERSION_LEN + 1], to[VERSION_LEN + 1];

	if (listener->told != world->reading) {
		if (!wr_world_compare(world, listener->told, listener->told_group, listener->group))
			return false;
		pair = &world->pair;
	}
	format_version(listener->version, from);
	format_version(wanted->version, to);
	return wr_buffer_print(out,
			       "{\"type\":\"delta\",\"from\":\"%s\",\"version\":\"%s\","
			       "\"generation\":%" PRIu64,
			       from, to, world->reading->generation) &&
	       add_other_parts(world, listener, wanted, out) &&
	       add_changes(world, listener, pair, out) && add_gone(listener, pair, out) &&
	       wr_buffer_add(out, "}", 1);
}

int wr_listener_delta(struct wr_world *world, struct wr_listener *listener, struct wr_buffer *out)
{
	struct wanted wanted;
	bool is_new, is_whole = true;

	if (!listener->told)
		return wr_listener_map(world, listener, out) < 0 ? -ENOMEM : 1;
	if (find_wanted(world, listener, &wanted) < 0)
		return -ENOMEM;
	is_new = !wr_sum_equal(listener->version, wanted.version);
	if (is_new)
		is_whole = print_delta(world, listener, &wanted, out);
	wr_buffer_done(&wanted.self_json);
	if (!is_whole)
		return -ENOMEM;
	remember(world, listener, &wanted);
	return is_new;
}
