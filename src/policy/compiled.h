/* A ruleset's insides, for the files of this folder.
 *
 * A side of an opening is an address and the machine that it comes from or goes to.
 * Two sets of rules say which rules name that side: those that name the machine,
 * known by its class, and those whose prefixes hold the address. A third set says which
 * rules are about the protocol and port. The first rule in all of them decides.
 *
 * Floor 3.  Source: docs/policy.md. */
#pragma once

#include <stdatomic.h>

#include "base/retire.h"
#include "policy/intervals.h"
#include "policy/parsed.h"
#include "policy/ruleset.h"
#include "policy/vectors.h"

/* Nobody is in the slot. */
#define WR_CLASS_NOBODY 0u

/* Machines that the same selectors name. */
struct wr_class {
	uint32_t src, dst;                         /* rules that name it (vectors.h) */
	uint32_t signature_first, signature_count; /* its selectors, sorted */
	bool is_direct;
	bool has_members; /* when it was compiled */
};

/* Readers take the class, compare addresses, and look at the class again: a slot whose
 * addresses change has no class meanwhile. */
struct wr_slot {
	_Atomic uint32_t class;
	_Atomic uint32_t v4;    /* 0: none */
	_Atomic uint64_t v6[2]; /* 0, 0: none */
};

/* Ports of TCP or UDP in ascending intervals; a policy with more limits than this has
 * intervals in which rules differ, so a rule's own ports are looked at in the end. */
#define WR_PORT_INTERVALS 256
struct wr_port_intervals {
	uint32_t count;
	uint16_t *starts; /* the first is 0 */
	uint32_t *rules;
};

struct wr_ruleset {
	struct wr_retired retired;
	uint64_t version;
	/* Moves on with each change in place, and from ruleset to ruleset of one filter. */
	_Atomic uint64_t edition;

	struct wr_vectors vectors;
	struct wr_rule *rules;
	struct wr_ports *ports;
	size_t rule_count;
	bool is_allowed_by_default;
	unsigned default_line;
	enum wr_topology topology;
	uint32_t denying;                      /* the rules that deny */
	uint32_t src_prefix, dst_prefix;       /* those that some prefix stands in */
	struct wr_port_intervals intervals[2]; /* by WR_TRAFFIC_TCP, WR_TRAFFIC_UDP */
	uint32_t icmp, other;                  /* rules about these */
	struct wr_intervals prefixes4, prefixes6;

	struct wr_slot *slots;
	uint32_t slot_count;
	struct wr_class *classes; /* the first is nobody's */
	size_t class_count;

	/* For changes in place: what names mean. */
	struct wr_symbols selectors;
	char *names;
	uint32_t *signatures;
	uint32_t *class_table; /* by signature: class numbers, 0 for an empty place */
	size_t class_table_mask;
};

/* One side of an opening: vectors, or NULL for none. */
struct wr_party {
	const uint64_t *machine, *prefix;
	bool is_own; /* the machine's own address; else something behind it */
};

/* The rule that decides, or NULL: the default does. */
const struct wr_rule *wr_decide(const struct wr_ruleset *ruleset, const struct wr_party *src,
				const struct wr_party *dst, enum wr_traffic traffic, uint16_t port);

/* The selectors that name a member, sorted, into `ret` with room for 2 + tag_count;
 * returns their number. */
size_t wr_signature_of(const struct wr_symbols *selectors, const struct wr_member *member,
		       uint32_t *ret);
/* Where the class with this signature stands in the table, or is to stand
 * (WR_CLASS_NOBODY is there then). */
uint32_t *wr_class_place(const struct wr_ruleset *ruleset, const uint32_t *signature, size_t count);
void wr_slot_write(struct wr_slot *slot, const struct wr_member *member, uint32_t class);

static inline const uint64_t *wr_set(const struct wr_ruleset *ruleset, uint32_t vector)
{
	return ruleset->vectors.words + vector;
}

/* What names a side in word `index` of the sets. A rule that denies a machine denies
 * also what is behind it; one that allows it does not. */
static inline uint64_t wr_party_word(const struct wr_ruleset *ruleset, const struct wr_party *party,
				     uint32_t index)
{
	uint32_t summary_count = ruleset->vectors.summary_count;
	uint64_t word = wr_vector_word(party->machine, summary_count, index);

	if (!party->is_own && word)
		word &= wr_vector_word(wr_set(ruleset, ruleset->denying), summary_count, index);
	return word | wr_vector_word(party->prefix, summary_count, index);
}
