/* A view's insides, for the files of this folder.
 *
 * Machines that the same rules name have a *role*. The prefixes of a policy divide all addresses
 * into *regions*. A class is a role, and the regions of a machine's own addresses and of those
 * behind it.
 *
 * Machines are named in a side of a rule by a *set* of selectors; a mark stands for a set.
 *
 * Floor 3.  Source: docs/policy.md. */
#pragma once

#include "policy/compiled.h"
#include "policy/view.h"

enum {
	WR_VIEW_SRC,
	WR_VIEW_DST,
	WR_VIEW_SIDES
};

struct wr_view_role {
	uint32_t rules[WR_VIEW_SIDES];   /* that name it: vectors of the ruleset */
	uint32_t set_first, set_count;   /* sets that hold it, ascending: view->role_sets */
	uint32_t kind_first, kind_count; /* classes of this role: view->kinds */
	bool is_direct;
};

/* Addresses in none of the prefixes, of either family; else a region's number is that of the
 * innermost prefix (a selector) and one more. */
#define WR_VIEW_OUTSIDE 0u

struct wr_view_region {
	uint32_t rules[WR_VIEW_SIDES]; /* whose prefixes hold it: vectors of the ruleset */
	uint32_t around;               /* the region of the prefix around this one */
};

/* Where some addresses of a machine are. */
struct wr_view_place {
	uint32_t region;
	uint16_t family;
	uint16_t is_own; /* else behind it */
};

struct wr_view_kind {
	uint32_t role;
	uint32_t place_first, place_count; /* view->places */
	uint32_t member_count;
	bool has_prefixes; /* some place of it is in a prefix */
};

/* Roles by rule: those of rule i are items[starts[i]] up to items[starts[i + 1]]. */
struct wr_view_index {
	uint32_t *starts, *items;
};

/* What a member of one class sees. */
struct wr_view_face {
	char *text;      /* NULL: not written yet */
	uint32_t *marks; /* what marks stand for, ascending: the first is mark 1 */
	size_t mark_count;
	/* Marks stand for roles instead of sets: somebody is in more sets than there may be
	 * marks of one machine. */
	bool is_by_role;
	uint64_t connected[]; /* classes: bits */
};

struct wr_view {
	struct wr_ruleset *ruleset;
	uint32_t *refs; /* what sides and groups consist of: selectors of the ruleset */

	struct wr_view_region *regions;
	struct wr_intervals intervals[2]; /* IPv4, IPv6; `src` is the region */

	/* Groups that hold prefixes, each behind those that it holds. */
	uint32_t *groups;
	size_t group_count;

	uint32_t *rule_sets[WR_VIEW_SIDES]; /* by rule: its set and one more, 0 for none */
	size_t set_count;

	struct wr_view_role *roles;
	size_t role_count;
	uint32_t *role_sets;
	/* NULL where that would take too much: then all classes are looked at. */
	struct wr_view_index rule_roles[WR_VIEW_SIDES];

	struct wr_view_place *places;
	size_t place_count, place_room;
	struct wr_view_kind *kinds; /* the classes */
	size_t kind_count;
	uint32_t *member_kinds;

	struct wr_view_face **faces; /* by class; NULL: not looked at yet */
};

/* --- Making: each false where memory is short. --- */

/* view->regions and intervals (view_places.c). */
bool wr_view_make_regions(struct wr_view *view) WR_MUST_CHECK;
/* view->groups (view_choose.c). */
bool wr_view_make_groups(struct wr_view *view) WR_MUST_CHECK;
/* view->rule_sets (view_sets.c). */
bool wr_view_make_sets(struct wr_view *view) WR_MUST_CHECK;
/* view->roles; ret_roles: by class of the ruleset (view_sets.c). */
bool wr_view_make_roles(struct wr_view *view, uint32_t *ret_roles) WR_MUST_CHECK;
/* view->rule_roles (view_index.c). */
bool wr_view_make_index(struct wr_view *view) WR_MUST_CHECK;
/* view->places and kinds; members are in slots of their number (view_places.c). */
bool wr_view_make_kinds(struct wr_view *view, const uint32_t *roles,
			const struct wr_member *members, const struct wr_view_routes *routes,
			size_t member_count) WR_MUST_CHECK;

/* --- Looking. --- */

/* True if members of the two classes may open anything to each other (view_connect.c). */
bool wr_view_connects(const struct wr_view *view, uint32_t a, uint32_t b);
/* The classes with which `self` is connected, as bits that are zero at first; false where memory
 * is short (view_connect.c). */
bool wr_view_connect_all(const struct wr_view *view, uint32_t self, uint64_t *ret_connected)
	WR_MUST_CHECK;
/* Adds the rules of a vector to a set that is written out (view_connect.c). */
void wr_view_unite(const struct wr_ruleset *ruleset, uint64_t *dense, uint32_t vector);
/* Writes face->text and marks; false where memory is short (view_write.c). */
bool wr_view_write(const struct wr_view *view, uint32_t self, struct wr_view_face *face)
	WR_MUST_CHECK;

static inline bool wr_view_has_bit(const uint64_t *bits, size_t bit)
{
	return bits[bit / 64] >> bit % 64 & 1;
}

static inline void wr_view_set_bit(uint64_t *bits, size_t bit)
{
	bits[bit / 64] |= UINT64_C(1) << bit % 64;
}

/* Words for so many bits. */
static inline size_t wr_view_words(size_t bits)
{
	return bits / 64 + 1;
}

/* Is the rule in the set? */
static inline bool wr_view_is_in(const struct wr_ruleset *ruleset, uint32_t vector, uint32_t rule)
{
	return wr_vector_word(wr_set(ruleset, vector), ruleset->vectors.summary_count, rule / 64) >>
		       rule % 64 &
	       1;
}
