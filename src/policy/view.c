#include "policy/view.h"

#include <stdlib.h>
#include <string.h>

#include "policy/viewed.h"

/* --- Making. --- */

/* In slots by their place. */
static struct wr_ruleset *compile(const struct wr_policy *policy, const struct wr_member *members,
				  size_t member_count)
{
	struct wr_member *copies = calloc(member_count + 1, sizeof(*copies));
	struct wr_policy_faults faults;
	struct wr_ruleset *ruleset;

	if (!copies)
		return NULL;
	for (size_t i = 0; i < member_count; i++) {
		copies[i] = members[i];
		copies[i].slot = (uint32_t)i;
	}
	ruleset = wr_ruleset_compile_saved(policy, copies, member_count, (uint32_t)member_count, 1,
					   &faults);
	free(copies);
	return ruleset;
}

static bool copy_refs(struct wr_view *view, const struct wr_policy *policy)
{
	view->refs = calloc(policy->ref_count + 1, sizeof(*view->refs));
	if (view->refs && policy->ref_count)
		memcpy(view->refs, policy->refs, policy->ref_count * sizeof(*view->refs));
	return view->refs;
}

static bool make(struct wr_view *view, const struct wr_member *members,
		 const struct wr_view_routes *routes, size_t member_count)
{
	uint32_t *roles = calloc(view->ruleset->class_count + 1, sizeof(*roles));
	bool is_done = roles && wr_view_make_regions(view) && wr_view_make_groups(view) &&
		       wr_view_make_sets(view) && wr_view_make_roles(view, roles) &&
		       wr_view_make_index(view) &&
		       wr_view_make_kinds(view, roles, members, routes, member_count);

	free(roles);
	if (is_done)
		view->faces = calloc(view->kind_count + 1, sizeof(struct wr_view_face *));
	return is_done && view->faces;
}

struct wr_view *wr_view_new_routed(const struct wr_policy *policy, const struct wr_member *members,
				   const struct wr_view_routes *routes, size_t member_count)
{
	struct wr_view *view = calloc(1, sizeof(*view));

	if (!view)
		return NULL;
	view->ruleset = compile(policy, members, member_count);
	if (!view->ruleset || !copy_refs(view, policy) ||
	    !make(view, members, routes, member_count))
		return wr_view_free(view);
	return view;
}

struct wr_view *wr_view_new(const struct wr_policy *policy, const struct wr_member *members,
			    size_t member_count)
{
	return wr_view_new_routed(policy, members, NULL, member_count);
}

static void free_face(struct wr_view_face *face)
{
	if (!face)
		return;
	free(face->text);
	free(face->marks);
	free(face);
}

struct wr_view *wr_view_free(struct wr_view *view)
{
	if (!view)
		return NULL;
	for (size_t i = 0; view->faces && i < view->kind_count; i++)
		free_face(view->faces[i]);
	for (unsigned i = 0; i < WR_VIEW_SIDES; i++) {
		free(view->rule_sets[i]);
		free(view->rule_roles[i].starts);
		free(view->rule_roles[i].items);
	}
	for (unsigned i = 0; i < WR_ARRAY_LEN(view->intervals); i++)
		free(view->intervals[i].items);
	free(view->faces);
	free(view->member_kinds);
	free(view->kinds);
	free(view->places);
	free(view->role_sets);
	free(view->roles);
	free(view->groups);
	free(view->regions);
	free(view->refs);
	wr_ruleset_free(view->ruleset);
	free(view);
	return NULL;
}

/* --- Faces: made when they are asked for. --- */

/* NULL where memory is short. */
static struct wr_view_face *face_of(const struct wr_view *view, uint32_t kind)
{
	struct wr_view_face *face = view->faces[kind];

	if (face)
		return face;
	face = calloc(1, sizeof(*face) + wr_view_words(view->kind_count) * sizeof(uint64_t));
	if (!face || !wr_view_connect_all(view, kind, face->connected)) {
		free(face);
		return NULL;
	}
	return view->faces[kind] = face;
}

static struct wr_view_face *written_face_of(const struct wr_view *view, uint32_t kind)
{
	struct wr_view_face *face = face_of(view, kind);

	if (!face || face->text)
		return face;
	return wr_view_write(view, kind, face) ? face : NULL;
}

const char *wr_view_text(struct wr_view *view, size_t self)
{
	const struct wr_view_face *face = written_face_of(view, view->member_kinds[self]);

	return face ? face->text : NULL;
}

/* --- Looking. --- */

uint32_t wr_view_class(const struct wr_view *view, size_t member)
{
	return view->member_kinds[member];
}

size_t wr_view_class_count(const struct wr_view *view)
{
	return view->kind_count;
}

static bool is_connected(const struct wr_view *view, uint32_t kind, uint32_t other)
{
	const struct wr_view_face *face = face_of(view, kind);

	return face ? wr_view_has_bit(face->connected, other) : wr_view_connects(view, kind, other);
}

void wr_view_each_class(const struct wr_view *view, uint32_t class,
			void (*each)(void *context, uint32_t other), void *context)
{
	for (uint32_t i = 0; i < view->kind_count; i++)
		if ((i != class || view->kinds[i].member_count > 1) && is_connected(view, class, i))
			each(context, i);
}

static const struct wr_view_role *role_of(const struct wr_view *view, uint32_t kind)
{
	return &view->roles[view->kinds[kind].role];
}

enum wr_view_way wr_view_way(const struct wr_view *view, size_t self, size_t other)
{
	uint32_t kind = view->member_kinds[self], other_kind = view->member_kinds[other];

	if (self == other || !is_connected(view, kind, other_kind))
		return WR_VIEW_NOTHING;
	if (view->ruleset->topology == WR_TOPOLOGY_MESH ||
	    (role_of(view, kind)->is_direct && role_of(view, other_kind)->is_direct))
		return WR_VIEW_DIRECT;
	return WR_VIEW_HUB;
}

/* The place of `what` among the marks and one more, or 0. */
static uint32_t mark_of(const struct wr_view_face *face, uint32_t what)
{
	size_t low = 0, high = face->mark_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (face->marks[middle] < what)
			low = middle + 1;
		else
			high = middle;
	}
	return low < face->mark_count && face->marks[low] == what ? (uint32_t)low + 1 : 0;
}

static size_t add_mark(uint32_t mark, uint32_t *ret_marks, size_t room, size_t count)
{
	if (!mark)
		return count;
	if (count < room)
		ret_marks[count] = mark;
	return count + 1;
}

size_t wr_view_marks(const struct wr_view *view, size_t self, size_t other, uint32_t *ret_marks,
		     size_t room)
{
	uint32_t kind = view->member_kinds[self], other_kind = view->member_kinds[other];
	const struct wr_view_face *face = written_face_of(view, kind);
	const struct wr_view_role *role = role_of(view, other_kind);
	size_t count = 0;

	if (!face || self == other || !wr_view_has_bit(face->connected, other_kind))
		return 0;
	if (face->is_by_role)
		return add_mark(mark_of(face, view->kinds[other_kind].role), ret_marks, room, 0);
	for (uint32_t i = 0; i < role->set_count; i++)
		count = add_mark(mark_of(face, view->role_sets[role->set_first + i]), ret_marks,
				 room, count);
	return count;
}
