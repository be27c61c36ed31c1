#include <stdlib.h>
#include <string.h>

#include "policy/list.h"
#include "policy/viewed.h"

/* --- Regions. --- */

static unsigned index_of(enum wr_family family)
{
	return family == WR_IPV4 ? 0 : 1;
}

static const struct wr_intervals *rules_around(const struct wr_view *view, enum wr_family family)
{
	return family == WR_IPV4 ? &view->ruleset->prefixes4 : &view->ruleset->prefixes6;
}

static void take_region(void *context, size_t selector, const struct wr_interval *around,
			struct wr_interval *ret_interval)
{
	struct wr_view *view = context;
	uint32_t region = (uint32_t)selector + 1;

	view->regions[region].around = around ? around->src : WR_VIEW_OUTSIDE;
	ret_interval->src = region;
}

/* The ruleset has made its intervals of the same prefixes in the same way. */
static void take_rules(struct wr_view *view, enum wr_family family)
{
	const struct wr_intervals *intervals = &view->intervals[index_of(family)];
	const struct wr_intervals *rules = rules_around(view, family);

	assert(intervals->count == rules->count);
	for (size_t i = 0; i < intervals->count; i++) {
		struct wr_view_region *region = &view->regions[intervals->items[i].src];

		assert(intervals->items[i].start == rules->items[i].start);
		region->rules[WR_VIEW_SRC] = rules->items[i].src;
		region->rules[WR_VIEW_DST] = rules->items[i].dst;
	}
}

static bool make_intervals(struct wr_view *view, enum wr_family family,
			   const struct wr_prefix *prefixes, size_t count)
{
	if (!wr_intervals_build(&view->intervals[index_of(family)], family, prefixes, count,
				take_region, view))
		return false;
	take_rules(view, family);
	return true;
}

bool wr_view_make_regions(struct wr_view *view)
{
	const struct wr_symbols *selectors = &view->ruleset->selectors;
	struct wr_prefix *prefixes = calloc(selectors->count + 1, sizeof(*prefixes));
	bool is_done;

	view->regions = calloc(selectors->count + 1, sizeof(*view->regions));
	is_done = prefixes && view->regions;
	if (is_done) {
		/* Those of other selectors have no family. */
		for (size_t i = 0; i < selectors->count; i++)
			prefixes[i] = selectors->items[i].prefix;
		is_done = make_intervals(view, WR_IPV4, prefixes, selectors->count) &&
			  make_intervals(view, WR_IPV6, prefixes, selectors->count);
	}
	free(prefixes);
	return is_done;
}

/* --- Where a machine is. --- */

static bool add_place(struct wr_view *view, enum wr_family family, uint32_t region, bool is_own)
{
	struct wr_view_place *places = wr_list_grow(view->places, &view->place_room,
						    view->place_count, sizeof(*places));

	if (!places)
		return false;
	view->places = places;
	places[view->place_count++] = (struct wr_view_place){ region, (uint16_t)family, is_own };
	return true;
}

static bool add_own(struct wr_view *view, const struct wr_ip *ip)
{
	const struct wr_interval *around;

	if (ip->family == WR_FAMILY_NONE)
		return true;
	around = wr_intervals_find(&view->intervals[index_of(ip->family)],
				   wr_address_of(ip->family, ip->bytes));
	return add_place(view, ip->family, around ? around->src : WR_VIEW_OUTSIDE, true);
}

static wr_address last_of(const struct wr_prefix *prefix)
{
	unsigned host_bits = wr_ip_bits(prefix->ip.family) - prefix->length;
	wr_address hosts = host_bits == 128 ? 0 : (wr_address)1 << host_bits;

	return wr_address_of(prefix->ip.family, prefix->ip.bytes) + (hosts - 1);
}

/* All regions that a prefix has a part of. */
static bool add_behind(struct wr_view *view, const struct wr_prefix *prefix)
{
	enum wr_family family = prefix->ip.family;
	const struct wr_intervals *intervals;
	const struct wr_interval *at, *end;
	wr_address last;

	if (family == WR_FAMILY_NONE)
		return true;
	intervals = &view->intervals[index_of(family)];
	at = wr_intervals_find(intervals, wr_address_of(family, prefix->ip.bytes));
	if (!at)
		return add_place(view, family, WR_VIEW_OUTSIDE, false);
	end = intervals->items + intervals->count;
	last = last_of(prefix);
	for (; at < end && at->start <= last; at++)
		if (!add_place(view, family, at->src, false))
			return false;
	return true;
}

static int compare_places(const void *a, const void *b)
{
	const struct wr_view_place *left = a, *right = b;

	if (left->is_own != right->is_own)
		return right->is_own - left->is_own;
	if (left->family != right->family)
		return left->family - right->family;
	return (left->region > right->region) - (left->region < right->region);
}

/* Sorts those since `first`, and keeps each once. */
static void tidy(struct wr_view *view, size_t first)
{
	struct wr_view_place *places = view->places + first;
	size_t count = view->place_count - first, kept = 0;

	if (count < 2)
		return;
	qsort(places, count, sizeof(*places), compare_places);
	for (size_t i = 1; i < count; i++)
		if (compare_places(&places[kept], &places[i]) != 0)
			places[++kept] = places[i];
	view->place_count = first + kept + 1;
}

static bool list_places(struct wr_view *view, const struct wr_member *member,
			const struct wr_view_routes *routes, struct wr_view_kind *ret_kind)
{
	size_t first = view->place_count;

	if (!add_own(view, &member->v4) || !add_own(view, &member->v6))
		return false;
	for (size_t i = 0; routes && i < routes->count; i++)
		if (!add_behind(view, &routes->prefixes[i]))
			return false;
	tidy(view, first);
	for (size_t i = first; i < view->place_count; i++)
		ret_kind->has_prefixes |= view->places[i].region != WR_VIEW_OUTSIDE;
	ret_kind->place_first = (uint32_t)first;
	ret_kind->place_count = (uint32_t)(view->place_count - first);
	return true;
}

/* --- Classes. --- */

/* What each member is by itself, and those in an order in which equal ones stand together. */
struct sorting {
	const struct wr_view *view;
	struct wr_view_kind *kinds;
	uint32_t *order;
};

static int compare_kinds(const struct wr_view *view, const struct wr_view_kind *left,
			 const struct wr_view_kind *right)
{
	if (left->role != right->role)
		return left->role < right->role ? -1 : 1;
	if (left->place_count != right->place_count)
		return left->place_count < right->place_count ? -1 : 1;
	return left->place_count
		       ? memcmp(view->places + left->place_first, view->places + right->place_first,
				left->place_count * sizeof(struct wr_view_place))
		       : 0;
}

/* Equal ones in their order. */
static int compare_members(const void *a, const void *b, void *context)
{
	const struct sorting *sorting = context;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	int order = compare_kinds(sorting->view, &sorting->kinds[left], &sorting->kinds[right]);

	return order ? order : (left > right) - (left < right);
}

static void add_kind(struct wr_view *view, const struct wr_view_kind *kind)
{
	struct wr_view_role *role = &view->roles[kind->role];

	if (!role->kind_count)
		role->kind_first = (uint32_t)view->kind_count;
	role->kind_count++;
	view->kinds[view->kind_count++] = *kind;
}

static void unite(struct wr_view *view, const struct sorting *sorting, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct wr_view_kind *kind = &sorting->kinds[sorting->order[i]];

		if (!i || compare_kinds(view, &view->kinds[view->kind_count - 1], kind) != 0)
			add_kind(view, kind);
		view->kinds[view->kind_count - 1].member_count++;
		view->member_kinds[sorting->order[i]] = (uint32_t)view->kind_count - 1;
	}
}

static bool look_at_members(struct wr_view *view, struct sorting *sorting, const uint32_t *roles,
			    const struct wr_member *members, const struct wr_view_routes *routes,
			    size_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t class = atomic_load_explicit(&view->ruleset->slots[i].class,
						      memory_order_relaxed);

		sorting->order[i] = i;
		sorting->kinds[i].role = roles[class];
		if (!list_places(view, &members[i], routes ? &routes[i] : NULL, &sorting->kinds[i]))
			return false;
	}
	return true;
}

bool wr_view_make_kinds(struct wr_view *view, const uint32_t *roles,
			const struct wr_member *members, const struct wr_view_routes *routes,
			size_t member_count)
{
	struct sorting sorting = {
		.view = view,
		.kinds = calloc(member_count + 1, sizeof(struct wr_view_kind)),
		.order = calloc(member_count + 1, sizeof(uint32_t)),
	};
	bool is_done;

	view->kinds = calloc(member_count + 1, sizeof(*view->kinds));
	view->member_kinds = calloc(member_count + 1, sizeof(*view->member_kinds));
	is_done = sorting.kinds && sorting.order && view->kinds && view->member_kinds &&
		  look_at_members(view, &sorting, roles, members, routes, member_count);
	if (is_done) {
		qsort_r(sorting.order, member_count, sizeof(uint32_t), compare_members, &sorting);
		unite(view, &sorting, member_count);
	}
	free(sorting.kinds);
	free(sorting.order);
	return is_done;
}
