/* The selectors of a policy, each once, found by what it says.
 *
 * Sorted by a hash and searched by halving: whoever writes a policy cannot choose
 * names that make a search slow.
 *
 * Floor 3.  Names are borrowed from the policy's text. */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "policy/policy.h"
#include "policy/words.h"

enum wr_selector_kind {
	WR_SELECT_ALL, /* "*" */
	WR_SELECT_MACHINE,
	WR_SELECT_TAG,
	WR_SELECT_GROUP,
	WR_SELECT_PREFIX,
	WR_SELECT_KINDS
};

/* A run of references in struct wr_policy. */
struct wr_side {
	uint32_t first, count;
};

struct wr_selector {
	enum wr_selector_kind kind;
	struct wr_word name; /* empty for "*" and a prefix */
	struct wr_prefix prefix;
	unsigned line; /* where it stands first; a group's: where it is defined */
	uint64_t hash;
	struct wr_side members; /* of a group */
};

struct wr_symbols {
	struct wr_selector *items;
	uint64_t *hashes; /* of the sorted items, close together */
	size_t count, room;
	bool has_kind[WR_SELECT_KINDS]; /* among the sorted items */
};

#define WR_SYMBOL_NONE UINT32_MAX

struct wr_selector wr_selector_named(enum wr_selector_kind kind, struct wr_word name,
				     unsigned line);
struct wr_selector wr_selector_of_prefix(const struct wr_prefix *prefix, unsigned line);

/* Appends, unsorted; false where memory is short. */
bool wr_symbols_add(struct wr_symbols *symbols, const struct wr_selector *selector) WR_MUST_CHECK;
/* Sorts; of equal ones the first stays, but with line and members of one that has members.
 * ret_places, unless NULL: where each item went. False where memory is short. */
bool wr_symbols_sort(struct wr_symbols *symbols, uint32_t *ret_places) WR_MUST_CHECK;
/* In what was sorted: the index of what is equal to `selector`, or WR_SYMBOL_NONE. */
uint32_t wr_symbols_find(const struct wr_symbols *symbols, const struct wr_selector *selector);
/* The same for a name: WR_SYMBOL_NONE at once, if there is none of that kind. */
uint32_t wr_symbols_find_named(const struct wr_symbols *symbols, enum wr_selector_kind kind,
			       const char *name);
/* A copy of what was sorted; false where memory is short. */
bool wr_symbols_copy(const struct wr_symbols *from, struct wr_symbols *ret_copy) WR_MUST_CHECK;
void wr_symbols_done(struct wr_symbols *symbols);
