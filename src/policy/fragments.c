#include "policy/passage.h"
#include "wire/packet.h"

/* IPv6 tells packets by addresses and id only: RFC 8200 section 4.5. */
static void write_fragment_key(const struct wr_passage *passage,
			       const struct wr_flow_headers *headers, struct wr_flow_key *key)
{
	const struct wr_speech *speech = &headers->speech;
	uint8_t protocol = speech->family == WR_IPV4 ? speech->protocol : 0;

	key->words[0] = passage->src_slot | (uint64_t)passage->dst_slot << 32;
	key->words[1] = wr_flow_describe(headers->fragment_id, protocol, speech->family,
					 WR_ROLE_SENDER);
	wr_flow_write_addresses(key, speech->family, speech->src, speech->dst);
}

/* What a later fragment does not say. */
static uint64_t note_of(const struct wr_speech *speech)
{
	uint32_t ports = wr_is_query(speech) ? speech->icmp_id
					     : speech->src_port | (uint32_t)speech->dst_port << 16;

	return ports | (uint64_t)speech->protocol << 32 | (uint64_t)speech->icmp_role << 40 |
	       (uint64_t)speech->icmp_type << 48;
}

static void recall(uint64_t note, struct wr_speech *speech)
{
	speech->protocol = (uint8_t)(note >> 32);
	speech->icmp_role = (enum wr_icmp_role)(note >> 40 & 0xff);
	speech->icmp_type = (uint8_t)(note >> 48);
	if (wr_is_query(speech)) {
		speech->icmp_id = (uint16_t)note;
		return;
	}
	speech->src_port = (uint16_t)note;
	speech->dst_port = (uint16_t)(note >> 16);
}

static void remember(const struct wr_passage *passage, const struct wr_flow_headers *headers)
{
	struct wr_flow_verdict verdict = { .is_allowed = true };
	struct wr_flow_key key;

	write_fragment_key(passage, headers, &key);
	wr_flows_add(&passage->tables->fragments, wr_flow_hash(&passage->filter->secret, &key),
		     &key, WR_FLOW_FRAGMENTS, &verdict, note_of(&headers->speech), passage->now);
}

/* Only the packets of which the first fragment passed are known. */
enum wr_verdict wr_judge_first_fragment(const struct wr_passage *passage,
					const struct wr_flow_headers *headers)
{
	enum wr_verdict verdict = wr_judge_speech(passage, &headers->speech);

	if (verdict == WR_TAKEN)
		remember(passage, headers);
	return verdict;
}

/* In the old tables too, as flows are (filter.c). */
static bool find_first(const struct wr_passage *passage, const struct wr_flow_key *key,
		       struct wr_flow_entry *ret_entry)
{
	const struct wr_filter_tables *old = atomic_load_explicit(&passage->tables->old,
								  memory_order_acquire);
	const struct wr_flow_table *fragments = &passage->tables->fragments;
	uint64_t hash = wr_flow_hash(&passage->filter->secret, key);

	if (old && !wr_flows_remember(fragments, hash, key))
		fragments = &old->fragments;
	return wr_flows_find(fragments, hash, key, passage->now, ret_entry);
}

/* RFC 1858, RFC 3128: a later fragment must not write over the header of TCP that was
 * judged. */
enum wr_verdict wr_judge_later_fragment(const struct wr_passage *passage,
					const struct wr_flow_headers *headers)
{
	struct wr_speech speech = headers->speech;
	struct wr_flow_entry entry;
	struct wr_flow_key key;

	write_fragment_key(passage, headers, &key);
	if (!find_first(passage, &key, &entry))
		return WR_DROP_FRAGMENT;
	recall(entry.note, &speech);
	if (speech.protocol == WR_PROTO_TCP && headers->fragment_offset < WR_TCP_HEADER_LEN)
		return WR_DROP_INNER;
	return wr_judge_speech(passage, &speech);
}
