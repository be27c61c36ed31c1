/* What one machine needs to know of a policy: who it may reach and who may reach it, and the
 * rules that say so in words that name nobody else.
 *
 * The reduced text is a policy again. It names the machine itself `self` and others by marks,
 * which are tags: `allow tag:m3 -> self tcp 22`. Each other machine has, for it, a list of marks.
 * Prefixes stay prefixes, where they are about the machine or one that it is connected with. So a
 * member parses, compiles and enforces with the same code as the hub, and learns of nobody with
 * whom no rule connects it.
 *
 * Floor 3.  Made and read by one thread at a time; what it says never changes.
 * Source: docs/policy.md. */
#pragma once

#include "base/base.h"
#include "policy/policy.h"
#include "policy/ruleset.h"

struct wr_view;

/* What is behind a member: its approved routes. */
struct wr_view_routes {
	const struct wr_prefix *prefixes;
	size_t count;
};

/* Of `policy` for the machines; all is copied as far as needed, and the members' slots do not
 * matter. NULL where memory is short. */
struct wr_view *wr_view_new(const struct wr_policy *policy, const struct wr_member *members,
			    size_t member_count) WR_MUST_CHECK;
/* The same, with what is behind each member; `routes` may be NULL. */
struct wr_view *wr_view_new_routed(const struct wr_policy *policy, const struct wr_member *members,
				   const struct wr_view_routes *routes, size_t member_count)
	WR_MUST_CHECK;
/* NULL is fine; returns NULL. */
struct wr_view *wr_view_free(struct wr_view *view);

/* The text that the member (by its place in `members`) enforces: its opening and its incoming
 * rules, in their order, and the default; those that cannot concern it are left out. The same
 * string for all members of a class, and the view's. NULL where memory is short. */
const char *wr_view_text(struct wr_view *view, size_t self);

/* Members that no rule tells apart share a class: they have the same text, and the same way and
 * marks to and from everybody. Numbers from 0 to wr_view_class_count() - 1. */
uint32_t wr_view_class(const struct wr_view *view, size_t member);
size_t wr_view_class_count(const struct wr_view *view);
/* Calls `each` for the classes that members of this class are connected with, ascending; for the
 * class itself too, if its members are connected with each other. */
void wr_view_each_class(const struct wr_view *view, uint32_t class,
			void (*each)(void *context, uint32_t other), void *context);

enum wr_view_way {
	WR_VIEW_NOTHING, /* no rule connects them: neither learns of the other */
	WR_VIEW_HUB,     /* through the hub, which opens and filters (star) */
	WR_VIEW_DIRECT,  /* a tunnel of their own */
};
/* What `self` has to do with `other`: the same the other way round. What is behind either
 * counts. */
enum wr_view_way wr_view_way(const struct wr_view *view, size_t self, size_t other);
/* Marks of `other` in the text of `self`: numbers, ascending; as many as `room`, at most
 * WR_VIEW_MARKS. Returns how many there are. */
#define WR_VIEW_MARKS 256
size_t wr_view_marks(const struct wr_view *view, size_t self, size_t other, uint32_t *ret_marks,
		     size_t room);
