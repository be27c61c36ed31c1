#include "policy/compiled.h"

#include <string.h>

#include "wire/flow.h"
#include "wire/packet.h"

/* --- The first rule in all sets. --- */

static const struct wr_rule *decide_word(const struct wr_ruleset *ruleset, uint32_t index,
					 uint64_t word, enum wr_traffic traffic, uint16_t port)
{
	for (; word; word &= word - 1) {
		const struct wr_rule *rule =
			&ruleset->rules[index * 64 + (uint32_t)__builtin_ctzll(word)];

		if (wr_rule_has_port(rule, ruleset->ports, traffic, port))
			return rule;
	}
	return NULL;
}

static const uint64_t *rules_of_port(const struct wr_ruleset *ruleset,
				     const struct wr_port_intervals *intervals, uint16_t port)
{
	uint32_t low = 0, high = intervals->count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (intervals->starts[middle] <= port)
			low = middle;
		else
			high = middle;
	}
	return wr_set(ruleset, intervals->rules[low]);
}

static const uint64_t *rules_of(const struct wr_ruleset *ruleset, enum wr_traffic traffic,
				uint16_t port)
{
	if (traffic == WR_TRAFFIC_TCP || traffic == WR_TRAFFIC_UDP)
		return rules_of_port(ruleset, &ruleset->intervals[traffic], port);
	return wr_set(ruleset, traffic == WR_TRAFFIC_ICMP ? ruleset->icmp : ruleset->other);
}

const struct wr_rule *wr_decide(const struct wr_ruleset *ruleset, const struct wr_party *src,
				const struct wr_party *dst, enum wr_traffic traffic, uint16_t port)
{
	uint32_t summary_count = ruleset->vectors.summary_count;
	const uint64_t *about = summary_count ? rules_of(ruleset, traffic, port) : NULL;

	for (uint32_t i = 0; i < summary_count; i++) {
		uint64_t places = (src->machine[i] | src->prefix[i]) &
				  (dst->machine[i] | dst->prefix[i]) & about[i];

		for (; places; places &= places - 1) {
			uint32_t index = i * 64 + (uint32_t)__builtin_ctzll(places);
			uint64_t word = wr_party_word(ruleset, src, index) &
					wr_party_word(ruleset, dst, index) &
					wr_vector_word(about, summary_count, index);
			const struct wr_rule *rule = decide_word(ruleset, index, word, traffic,
								 port);

			if (rule)
				return rule;
		}
	}
	return NULL;
}

/* --- From slots and addresses to sets. --- */

static bool is_own_address(const struct wr_slot *slot, const struct wr_ip *ip)
{
	uint32_t v4;
	uint64_t v6[2];

	if (ip->family == WR_IPV4) {
		memcpy(&v4, ip->bytes, sizeof(v4));
		return v4 && v4 == atomic_load_explicit(&slot->v4, memory_order_acquire);
	}
	memcpy(v6, ip->bytes, sizeof(v6));
	return (v6[0] | v6[1]) &&
	       v6[0] == atomic_load_explicit(&slot->v6[0], memory_order_acquire) &&
	       v6[1] == atomic_load_explicit(&slot->v6[1], memory_order_acquire);
}

/* The class of a slot and whether the address is its own, as they were at one time. */
static uint32_t look_at_slot(const struct wr_ruleset *ruleset, uint32_t number,
			     const struct wr_ip *ip, bool *ret_is_own)
{
	const struct wr_slot *slot;
	uint32_t class, again;

	if (number >= ruleset->slot_count)
		return WR_CLASS_NOBODY;
	slot = &ruleset->slots[number];
	class = atomic_load_explicit(&slot->class, memory_order_acquire);
	for (;;) {
		*ret_is_own = is_own_address(slot, ip);
		again = atomic_load_explicit(&slot->class, memory_order_acquire);
		if (again == class)
			return class;
		class = again;
	}
}

static const struct wr_interval *prefixes_around(const struct wr_ruleset *ruleset,
						 const struct wr_ip *ip)
{
	const struct wr_intervals *prefixes = ip->family == WR_IPV4 ? &ruleset->prefixes4
								    : &ruleset->prefixes6;

	return prefixes->count ? wr_intervals_find(prefixes, wr_address_of(ip->family, ip->bytes))
			       : NULL;
}

/* False if nobody is in the slot. */
static bool find_party(const struct wr_ruleset *ruleset, uint32_t slot, const struct wr_ip *ip,
		       bool is_src, struct wr_party *ret_party)
{
	const struct wr_interval *around = prefixes_around(ruleset, ip);
	const struct wr_class *class;
	bool is_own = false;
	uint32_t number = look_at_slot(ruleset, slot, ip, &is_own);

	if (number == WR_CLASS_NOBODY)
		return false;
	class = &ruleset->classes[number];
	*ret_party = (struct wr_party){
		.machine = wr_set(ruleset, is_src ? class->src : class->dst),
		.prefix = wr_set(ruleset, !around  ? WR_VECTOR_EMPTY
					  : is_src ? around->src
						   : around->dst),
		.is_own = is_own,
	};
	return true;
}

static enum wr_traffic traffic_of(const struct wr_opening *opening)
{
	if (opening->protocol == WR_PROTO_TCP)
		return WR_TRAFFIC_TCP;
	if (opening->protocol == WR_PROTO_UDP)
		return WR_TRAFFIC_UDP;
	return wr_is_icmp(opening->src.family, opening->protocol) ? WR_TRAFFIC_ICMP
								  : WR_TRAFFIC_OTHER;
}

bool wr_ruleset_why(const struct wr_ruleset *ruleset, uint32_t src_slot, uint32_t dst_slot,
		    const struct wr_opening *opening, unsigned *ret_line)
{
	enum wr_traffic traffic = traffic_of(opening);
	bool has_port = traffic == WR_TRAFFIC_TCP || traffic == WR_TRAFFIC_UDP;
	struct wr_party src, dst;
	const struct wr_rule *rule;

	*ret_line = 0;
	if (!find_party(ruleset, src_slot, &opening->src, true, &src) ||
	    !find_party(ruleset, dst_slot, &opening->dst, false, &dst))
		return false;
	rule = wr_decide(ruleset, &src, &dst, traffic, has_port ? opening->dst_port : 0);
	*ret_line = rule ? rule->line : ruleset->default_line;
	return rule ? rule->is_allowed : ruleset->is_allowed_by_default;
}

bool wr_ruleset_allows(const struct wr_ruleset *ruleset, uint32_t src_slot, uint32_t dst_slot,
		       const struct wr_opening *opening)
{
	unsigned line;

	return wr_ruleset_why(ruleset, src_slot, dst_slot, opening, &line);
}
