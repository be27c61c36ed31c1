/* From what was read to groups, and how each sees the others. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"
#include "mesh/netmap.h"
#include "server/world_reading.h"

struct build {
	struct wr_reading *reading;
	struct wr_map kinds;    /* by sum: a kind's number and 1 */
	struct wr_map policies; /* by the text's address: its number and 1 */
	uint32_t *numbers;      /* of groups, by key_of() */
	size_t key_count;
	uint32_t from; /* the group whose links are made */
	bool is_short;
};

static uint64_t address_of(const void *pointer)
{
	return (uint64_t)(uintptr_t)pointer;
}

/* Numbers in a map: 0 stands for none. */
static bool put_number(struct wr_map *map, uint64_t key, size_t number)
{
	return wr_map_put(map, key, (void *)(uintptr_t)(number + 1));
}

static bool get_number(const struct wr_map *map, uint64_t key, uint32_t *ret_number)
{
	uintptr_t found = (uintptr_t)wr_map_get(map, key);

	if (found)
		*ret_number = (uint32_t)(found - 1);
	return found != 0;
}

/* --- The view. --- */

static bool make_view(struct wr_reading *reading)
{
	struct wr_view_routes *routes = calloc(reading->count + 1, sizeof(*routes));

	for (size_t i = 0; routes && i < reading->count; i++) {
		const struct wr_reading_machine *machine = &reading->machines[i];

		if (machine->off == WR_READING_ON)
			routes[i] = (struct wr_view_routes){ machine->approved.items,
							     machine->approved.count };
		reading->members[i].name = machine->name;
	}
	if (routes)
		reading->view = wr_view_new_routed(reading->policy, reading->members, routes,
						   reading->count);
	free(routes);
	return reading->view != NULL;
}

/* --- Groups: of a class of the view, those with agents and those without. --- */

static bool add_policy(struct build *build, const char *text, uint32_t *ret_number)
{
	struct wr_reading *reading = build->reading;
	struct wr_policy_part *part;
	json_t *json;

	if (get_number(&build->policies, address_of(text), ret_number))
		return true;
	if (!wr_reading_room((void **)&reading->policies, &reading->policy_room,
			     reading->policy_count, sizeof(*part)))
		return false;
	part = &reading->policies[reading->policy_count];
	json = json_string(text);
	*part = (struct wr_policy_part){
		.text = text,
		.json = json ? json_dumps(json, JSON_ENCODE_ANY) : NULL,
		.sum = wr_sum_of("policy", text, strlen(text)),
	};
	json_decref(json);
	if (!part->json || !put_number(&build->policies, address_of(text), reading->policy_count))
		return false;
	*ret_number = (uint32_t)reading->policy_count++;
	return true;
}

static size_t key_of(uint32_t class, bool is_agent)
{
	return 2 * (size_t) class + is_agent;
}

static size_t key_of_member(const struct build *build, size_t member)
{
	return key_of(wr_view_class(build->reading->view, member),
		      build->reading->machines[member].is_agent);
}

/* Which keys there are; then numbers in their order. */
static bool number_groups(struct build *build)
{
	struct wr_reading *reading = build->reading;

	build->key_count = 2 * wr_view_class_count(reading->view);
	build->numbers = malloc((build->key_count + 1) * sizeof(*build->numbers));
	if (!build->numbers)
		return false;
	memset(build->numbers, 0xff, (build->key_count + 1) * sizeof(*build->numbers));
	for (size_t i = 0; i < reading->count; i++) {
		if (reading->machines[i].off == WR_READING_ON)
			build->numbers[key_of_member(build, i)] = 0;
	}
	for (size_t i = 0; i < build->key_count; i++) {
		if (build->numbers[i] == 0)
			build->numbers[i] = (uint32_t)reading->group_count++;
	}
	reading->groups = calloc(reading->group_count + 1, sizeof(*reading->groups));
	return reading->groups != NULL;
}

static bool describe_group(struct build *build, struct wr_group *group, size_t first)
{
	const char *text;

	group->class = wr_view_class(build->reading->view, first);
	group->is_agent = build->reading->machines[first].is_agent;
	if (!group->is_agent)
		return true;
	text = wr_view_text(build->reading->view, first);
	return text && add_policy(build, text, &group->policy);
}

static bool count_members(struct build *build)
{
	struct wr_reading *reading = build->reading;

	for (size_t i = 0; i < reading->count; i++) {
		struct wr_reading_machine *machine = &reading->machines[i];
		struct wr_group *group;

		if (machine->off != WR_READING_ON)
			continue;
		machine->group = build->numbers[key_of_member(build, i)];
		group = &reading->groups[machine->group];
		if (group->member_count++ == 0 && !describe_group(build, group, i))
			return false;
	}
	return true;
}

static bool place_members(struct wr_reading *reading)
{
	for (size_t i = 0; i < reading->group_count; i++) {
		struct wr_group *group = &reading->groups[i];

		group->members = calloc(group->member_count, sizeof(*group->members));
		if (!group->members)
			return false;
		group->member_count = 0;
	}
	for (size_t i = 0; i < reading->count; i++) {
		const struct wr_reading_machine *machine = &reading->machines[i];

		if (machine->group != WR_READING_NOBODY) {
			struct wr_group *group = &reading->groups[machine->group];

			group->members[group->member_count++] = (uint32_t)i;
		}
	}
	return true;
}

/* --- Ways. --- */

static bool print_kind(bool is_direct, const uint32_t *marks, size_t count, char **ret_text,
		       size_t *ret_len)
{
	FILE *file = open_memstream(ret_text, ret_len);

	if (!file)
		return false;
	fprintf(file, "\"way\":\"%s\",\"marks\":[", is_direct ? "direct" : "hub");
	for (size_t i = 0; i < count; i++)
		fprintf(file, "%s%u", i ? "," : "", marks[i]);
	fputc(']', file);
	return fclose(file) == 0;
}

static bool add_kind(struct build *build, bool is_direct, const uint32_t *marks, size_t count,
		     uint32_t *ret_number)
{
	struct wr_reading *reading = build->reading;
	struct wr_way_kind kind = { .is_direct = is_direct };

	kind.sum = wr_sum_of(is_direct ? "direct" : "hub", marks, count * sizeof(*marks));
	if (get_number(&build->kinds, kind.sum.a, ret_number))
		return true;
	if (!wr_reading_room((void **)&reading->kinds, &reading->kind_room, reading->kind_count,
			     sizeof(kind)) ||
	    !print_kind(is_direct, marks, count, &kind.text, &kind.len))
		return false;
	*ret_number = (uint32_t)reading->kind_count;
	reading->kinds[reading->kind_count++] = kind;
	return put_number(&build->kinds, kind.sum.a, *ret_number);
}

static bool add_link(struct wr_group_link **links, size_t *room, size_t *count, uint32_t group,
		     uint32_t kind)
{
	if (!wr_reading_room((void **)links, room, *count, sizeof(**links)))
		return false;
	(*links)[(*count)++] = (struct wr_group_link){ group, kind };
	return true;
}

static bool link_groups(struct build *build, uint32_t from_number, uint32_t to_number,
			size_t from_member, size_t to_member)
{
	struct wr_reading *reading = build->reading;
	struct wr_group *from = &reading->groups[from_number], *to = &reading->groups[to_number];
	enum wr_view_way way = wr_view_way(reading->view, from_member, to_member);
	uint32_t marks[WR_NETMAP_MARKS], kind;
	size_t count;

	if (way == WR_VIEW_NOTHING)
		return true;
	count = wr_view_marks(reading->view, from_member, to_member, marks, WR_NETMAP_MARKS);
	count = count < WR_NETMAP_MARKS ? count : WR_NETMAP_MARKS;
	/* Who has no agent speaks to the hub only. */
	return add_kind(build, way == WR_VIEW_DIRECT && to->is_agent, marks, count, &kind) &&
	       add_link(&from->links, &from->link_room, &from->link_count, to_number, kind) &&
	       add_link(&to->audience, &to->audience_room, &to->audience_count, from_number, kind);
}

static void link_to(struct build *build, uint32_t to)
{
	const struct wr_reading *reading = build->reading;
	const struct wr_group *from = &reading->groups[build->from], *other;
	size_t second = build->from == to; /* within a group: its second member */

	if (to == WR_READING_NOBODY)
		return;
	other = &reading->groups[to];
	if (second < other->member_count &&
	    !link_groups(build, build->from, to, from->members[0], other->members[second]))
		build->is_short = true;
}

static void link_class(void *context, uint32_t class)
{
	struct build *build = context;

	link_to(build, build->numbers[key_of(class, false)]);
	link_to(build, build->numbers[key_of(class, true)]);
}

/* Classes come in their order, and so do groups, which wr_reading_way() counts on. */
static bool link_all(struct build *build)
{
	const struct wr_reading *reading = build->reading;

	for (build->from = 0; build->from < reading->group_count; build->from++) {
		const struct wr_group *group = &reading->groups[build->from];

		if (group->is_agent)
			wr_view_each_class(reading->view, group->class, link_class, build);
	}
	return !build->is_short;
}

int wr_reading_build(struct wr_reading *reading)
{
	struct build build = { .reading = reading };
	bool is_whole = true;

	if (reading->count)
		is_whole = make_view(reading) && number_groups(&build) && count_members(&build) &&
			   place_members(reading) && link_all(&build);
	free(build.numbers);
	wr_map_done(&build.kinds);
	wr_map_done(&build.policies);
	/* All that maps need of them is in the groups. */
	reading->view = wr_view_free(reading->view);
	reading->policy = wr_policy_free(reading->policy);
	return is_whole ? 0 : -ENOMEM;
}
