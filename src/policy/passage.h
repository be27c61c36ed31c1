/* A packet on its way through a filter: what the files of the filter share.
 *
 * Floor 3.  Any thread. */
#pragma once

#include "base/verdict.h"
#include "policy/compiled.h"
#include "policy/tables.h"
#include "wire/flow.h"

/* What the sides of a key mean. */
enum wr_flow_role {
	WR_ROLE_EITHER, /* sides in the order of their slots; either may open */
	WR_ROLE_ASKER,  /* the first side asks, and only it */
	WR_ROLE_SENDER  /* of a packet in fragments */
};

/* One packet on its way through. */
struct wr_passage {
	struct wr_filter *filter;
	const struct wr_ruleset *ruleset;
	struct wr_filter_tables *tables;
	uint64_t edition;
	uint32_t now; /* seconds */
	uint32_t src_slot, dst_slot;
};

/* What one packet says about its flow. */
struct wr_flow_packet {
	const struct wr_speech *speech;
	uint32_t src_slot, dst_slot;
	struct wr_flow_key key;
	uint64_t hash;
	bool is_from_second; /* of the key's sides */
	bool is_opening;     /* asks for a new flow, whatever was before */
	bool is_tracked;
};

static inline bool wr_is_query(const struct wr_speech *speech)
{
	return speech->icmp_role == WR_ICMP_REQUEST || speech->icmp_role == WR_ICMP_REPLY;
}

/* --- Keys and states (flow_packet.c). --- */

void wr_flow_packet_init(struct wr_flow_packet *flow, const struct wr_passage *passage,
			 const struct wr_speech *speech, uint32_t src_slot, uint32_t dst_slot);
/* A key's second word; `low` are ports, or what else there is. */
uint64_t wr_flow_describe(uint32_t low, uint8_t protocol, enum wr_family family,
			  enum wr_flow_role role);
void wr_flow_write_addresses(struct wr_flow_key *key, enum wr_family family, const uint8_t *first,
			     const uint8_t *second);

/* Of a flow that this packet opens. */
enum wr_flow_state wr_flow_first_state(const struct wr_flow_packet *flow);
/* After this packet of a known flow. */
enum wr_flow_state wr_flow_next_state(const struct wr_flow_packet *flow, enum wr_flow_state state,
				      bool is_opener);

/* --- Judging. --- */

/* wr_filter_judge() by a ruleset that the caller has found: the one in force, or the one
 * before it (filter.c). */
enum wr_verdict wr_filter_judge_by(struct wr_filter *filter, const struct wr_ruleset *ruleset,
				   const uint8_t *ip, uint32_t len, uint32_t src_slot,
				   uint32_t dst_slot, struct wr_instant now);
/* A packet that is whole, or as good as whole (filter.c). */
enum wr_verdict wr_judge_speech(const struct wr_passage *passage, const struct wr_speech *speech);
/* fragments.c */
enum wr_verdict wr_judge_first_fragment(const struct wr_passage *passage,
					const struct wr_flow_headers *headers);
enum wr_verdict wr_judge_later_fragment(const struct wr_passage *passage,
					const struct wr_flow_headers *headers);
