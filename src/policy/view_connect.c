#include <stdlib.h>

#include "policy/viewed.h"

/* Rules that deny some ports between two machines, as far as they are remembered; with more the
 * two count as connected, though perhaps nothing is left that they may open. */
#define DENIED_MAX 64

struct denied {
	const struct wr_rule *rules[DENIED_MAX];
	size_t count;
	bool is_full;
};

/* --- Is anything left of what a rule allows? --- */

/* The last port of a run from `port` on that some rule denies; one below it if none does. */
static unsigned end_of_denied(const struct wr_ruleset *ruleset, const struct denied *denied,
			      enum wr_traffic traffic, unsigned port)
{
	unsigned end = port;

	for (size_t i = 0; i < denied->count; i++) {
		const struct wr_rule *rule = denied->rules[i];

		for (uint32_t j = 0; j < rule->port_count; j++) {
			const struct wr_ports *ports = &ruleset->ports[rule->port_first + j];

			if (ports->traffic == traffic && ports->low <= port &&
			    ports->high + 1u > end)
				end = ports->high + 1u;
		}
	}
	return end;
}

static bool is_denied(const struct wr_ruleset *ruleset, const struct denied *denied,
		      const struct wr_ports *ports)
{
	unsigned port = ports->low;

	while (port <= ports->high) {
		unsigned end = end_of_denied(ruleset, denied, ports->traffic, port);

		if (end == port)
			return false;
		port = end;
	}
	return true;
}

/* A rule without ports is about more than rules with ports can deny. */
static bool leaves_something(const struct wr_ruleset *ruleset, const struct denied *denied,
			     const struct wr_rule *rule)
{
	if (!rule->port_count || !denied->count || denied->is_full)
		return true;
	for (uint32_t i = 0; i < rule->port_count; i++)
		if (!is_denied(ruleset, denied, &ruleset->ports[rule->port_first + i]))
			return true;
	return false;
}

static void deny(struct denied *denied, const struct wr_rule *rule)
{
	if (denied->count == DENIED_MAX)
		denied->is_full = true;
	else
		denied->rules[denied->count++] = rule;
}

/* --- Of two places. --- */

static struct wr_party party_of(const struct wr_view *view, const struct wr_view_kind *kind,
				const struct wr_view_place *place, unsigned side)
{
	return (struct wr_party){
		.machine = wr_set(view->ruleset, view->roles[kind->role].rules[side]),
		.prefix = wr_set(view->ruleset, view->regions[place->region].rules[side]),
		.is_own = place->is_own,
	};
}

enum answer {
	UNDECIDED,
	SOMETHING,
	NOTHING
};

static enum answer ask(const struct wr_ruleset *ruleset, struct denied *denied, uint32_t index,
		       uint64_t word)
{
	for (; word; word &= word - 1) {
		const struct wr_rule *rule =
			&ruleset->rules[index * 64 + (uint32_t)__builtin_ctzll(word)];

		if (rule->is_allowed) {
			if (leaves_something(ruleset, denied, rule))
				return SOMETHING;
		} else if (!rule->port_count) {
			return NOTHING;
		} else {
			deny(denied, rule);
		}
	}
	return UNDECIDED;
}

/* As wr_decide(), about all traffic at once. */
static bool may_open(const struct wr_ruleset *ruleset, const struct wr_party *src,
		     const struct wr_party *dst)
{
	struct denied denied;

	denied.count = 0;
	denied.is_full = false;
	for (uint32_t i = 0; i < ruleset->vectors.summary_count; i++) {
		uint64_t places = (src->machine[i] | src->prefix[i]) &
				  (dst->machine[i] | dst->prefix[i]);

		for (; places; places &= places - 1) {
			uint32_t index = i * 64 + (uint32_t)__builtin_ctzll(places);
			enum answer answer = ask(ruleset, &denied, index,
						 wr_party_word(ruleset, src, index) &
							 wr_party_word(ruleset, dst, index));

			if (answer != UNDECIDED)
				return answer == SOMETHING;
		}
	}
	return ruleset->is_allowed_by_default;
}

/* The same, where the sets of one are written out and the other is in no prefix. */
static bool may_open_quickly(const struct wr_ruleset *ruleset, const uint64_t *dense,
			     uint32_t vector)
{
	const uint64_t *set = wr_set(ruleset, vector);
	const uint64_t *words = set + ruleset->vectors.summary_count;
	struct denied denied;

	denied.count = 0;
	denied.is_full = false;
	for (uint32_t i = 0; i < ruleset->vectors.summary_count; i++) {
		for (uint64_t there = set[i]; there; there &= there - 1) {
			uint32_t index = i * 64 + (uint32_t)__builtin_ctzll(there);
			enum answer answer = ask(ruleset, &denied, index, *words++ & dense[index]);

			if (answer != UNDECIDED)
				return answer == SOMETHING;
		}
	}
	return ruleset->is_allowed_by_default;
}

/* --- Of two classes. --- */

/* Rules of our own addresses, written out: of IPv4 and of IPv6. */
struct gaze {
	const struct wr_view *view;
	const struct wr_view_kind *self;
	uint64_t *dense[2][WR_VIEW_SIDES];
	uint64_t *all[WR_VIEW_SIDES]; /* of whatever address */
	uint64_t *candidates;         /* classes that a rule may connect with us */
};

static bool is_plain(const struct wr_view_place *place)
{
	return place->is_own && place->region == WR_VIEW_OUTSIDE;
}

/* What was said of own addresses of IPv4 holds for IPv6, where no prefix is around either. */
static bool is_said(const struct wr_view_place *first, const struct wr_view_place *place)
{
	return place > first && is_plain(place) && is_plain(place - 1);
}

/* `side` is ours; `gaze` may be NULL. */
static bool places_open(const struct gaze *gaze, const struct wr_view *view,
			const struct wr_view_kind *self, const struct wr_view_place *place,
			const struct wr_view_kind *other, const struct wr_view_place *other_place,
			unsigned side)
{
	unsigned other_side = side == WR_VIEW_SRC ? WR_VIEW_DST : WR_VIEW_SRC;
	struct wr_party us, them;

	if (gaze && place->is_own && is_plain(other_place))
		return may_open_quickly(view->ruleset, gaze->dense[place->family == WR_IPV6][side],
					view->roles[other->role].rules[other_side]);
	us = party_of(view, self, place, side);
	them = party_of(view, other, other_place, other_side);
	return side == WR_VIEW_SRC ? may_open(view->ruleset, &us, &them)
				   : may_open(view->ruleset, &them, &us);
}

static bool connects(const struct gaze *gaze, const struct wr_view *view,
		     const struct wr_view_kind *self, const struct wr_view_kind *other)
{
	const struct wr_view_place *ours = view->places + self->place_first;
	const struct wr_view_place *theirs = view->places + other->place_first;

	for (uint32_t i = 0; i < self->place_count; i++) {
		for (uint32_t j = 0; j < other->place_count; j++) {
			if (ours[i].family != theirs[j].family ||
			    (is_said(ours, &ours[i]) && is_said(theirs, &theirs[j])))
				continue;
			if (places_open(gaze, view, self, &ours[i], other, &theirs[j],
					WR_VIEW_SRC) ||
			    places_open(gaze, view, self, &ours[i], other, &theirs[j], WR_VIEW_DST))
				return true;
		}
	}
	return false;
}

bool wr_view_connects(const struct wr_view *view, uint32_t a, uint32_t b)
{
	return connects(NULL, view, &view->kinds[a], &view->kinds[b]);
}

/* --- Of one with all. --- */

void wr_view_unite(const struct wr_ruleset *ruleset, uint64_t *dense, uint32_t vector)
{
	const uint64_t *set = wr_set(ruleset, vector);
	const uint64_t *words = set + ruleset->vectors.summary_count;

	for (uint32_t i = 0; i < ruleset->vectors.summary_count; i++)
		for (uint64_t there = set[i]; there; there &= there - 1)
			dense[i * 64 + (uint32_t)__builtin_ctzll(there)] |= *words++;
}

static bool make_room(struct gaze *gaze)
{
	size_t words = wr_view_words(gaze->view->ruleset->rule_count);
	bool is_done = true;

	for (unsigned side = 0; side < WR_VIEW_SIDES; side++) {
		for (unsigned family = 0; family < 2; family++) {
			gaze->dense[family][side] = calloc(words, sizeof(uint64_t));
			is_done = is_done && gaze->dense[family][side];
		}
		gaze->all[side] = calloc(words, sizeof(uint64_t));
		is_done = is_done && gaze->all[side];
	}
	gaze->candidates = calloc(wr_view_words(gaze->view->kind_count), sizeof(uint64_t));
	return is_done && gaze->candidates;
}

static void gaze_done(struct gaze *gaze)
{
	for (unsigned side = 0; side < WR_VIEW_SIDES; side++) {
		free(gaze->dense[0][side]);
		free(gaze->dense[1][side]);
		free(gaze->all[side]);
	}
	free(gaze->candidates);
}

static void look_at_place(struct gaze *gaze, const struct wr_view_place *place, unsigned side)
{
	const struct wr_view *view = gaze->view;
	uint32_t role_rules = view->roles[gaze->self->role].rules[side];
	uint32_t place_rules = view->regions[place->region].rules[side];
	uint64_t *dense = gaze->dense[place->family == WR_IPV6][side];

	wr_view_unite(view->ruleset, gaze->all[side], role_rules);
	wr_view_unite(view->ruleset, gaze->all[side], place_rules);
	if (!place->is_own)
		return;
	wr_view_unite(view->ruleset, dense, role_rules);
	wr_view_unite(view->ruleset, dense, place_rules);
}

/* Those of a role that are on the other side of one of our rules. */
static size_t add_candidates(struct gaze *gaze, uint32_t rule, unsigned side)
{
	const struct wr_view_index *index = &gaze->view->rule_roles[side];

	for (uint32_t i = index->starts[rule]; i < index->starts[rule + 1]; i++) {
		const struct wr_view_role *role = &gaze->view->roles[index->items[i]];

		for (uint32_t j = 0; j < role->kind_count; j++)
			wr_view_set_bit(gaze->candidates, role->kind_first + j);
	}
	return index->starts[rule + 1] - index->starts[rule];
}

/* More work than this for a class is no gain over looking at all. */
#define CANDIDATE_WORK 4

static bool find_candidates_of(struct gaze *gaze, unsigned side)
{
	size_t words = wr_view_words(gaze->view->ruleset->rule_count), work = 0;

	for (size_t i = 0; i < words; i++) {
		for (uint64_t rules = gaze->all[side][i]; rules; rules &= rules - 1) {
			uint32_t rule = (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(rules);

			work += add_candidates(gaze, rule,
					       side == WR_VIEW_SRC ? WR_VIEW_DST : WR_VIEW_SRC);
			if (work > gaze->view->kind_count * CANDIDATE_WORK)
				return false;
		}
	}
	return true;
}

/* All others are connected with us by the default, or not at all. */
static void find_candidates(struct gaze *gaze)
{
	const struct wr_view *view = gaze->view;
	bool is_found = view->rule_roles[WR_VIEW_SRC].items &&
			view->rule_roles[WR_VIEW_DST].items &&
			!view->ruleset->is_allowed_by_default &&
			find_candidates_of(gaze, WR_VIEW_SRC) &&
			find_candidates_of(gaze, WR_VIEW_DST);

	for (uint32_t i = 0; i < view->kind_count; i++)
		if (!is_found || view->kinds[i].has_prefixes)
			wr_view_set_bit(gaze->candidates, i);
}

static void connect_candidates(const struct gaze *gaze, uint64_t *ret_connected)
{
	const struct wr_view *view = gaze->view;

	for (size_t i = 0; i < wr_view_words(view->kind_count); i++) {
		for (uint64_t left = gaze->candidates[i]; left; left &= left - 1) {
			size_t kind = i * 64 + (size_t)__builtin_ctzll(left);

			if (connects(gaze, view, gaze->self, &view->kinds[kind]))
				wr_view_set_bit(ret_connected, kind);
		}
	}
}

bool wr_view_connect_all(const struct wr_view *view, uint32_t self, uint64_t *ret_connected)
{
	const struct wr_view_kind *kind = &view->kinds[self];
	struct gaze gaze = { .view = view, .self = kind };
	bool is_done = make_room(&gaze);

	if (is_done) {
		for (uint32_t i = 0; i < kind->place_count; i++)
			for (unsigned side = 0; side < WR_VIEW_SIDES; side++)
				look_at_place(&gaze, &view->places[kind->place_first + i], side);
		find_candidates(&gaze);
		connect_candidates(&gaze, ret_connected);
	}
	gaze_done(&gaze);
	return is_done;
}
