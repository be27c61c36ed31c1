#include <string.h>

#include "policy/passage.h"
#include "wire/packet.h"

/* --- Keys. --- */

/* Two addresses behind one machine may speak to each other. */
static bool is_src_second_by_address(const struct wr_speech *speech)
{
	int order = memcmp(speech->src, speech->dst, wr_ip_bits(speech->family) / 8);

	return order ? order > 0 : speech->src_port > speech->dst_port;
}

static bool is_src_second(const struct wr_flow_packet *flow)
{
	if (wr_is_query(flow->speech))
		return flow->speech->icmp_role == WR_ICMP_REPLY;
	if (flow->src_slot != flow->dst_slot)
		return flow->src_slot > flow->dst_slot;
	return is_src_second_by_address(flow->speech);
}

/* Whole words, which are read again at once. */
static void write_address(uint64_t words[2], enum wr_family family, const uint8_t *bytes)
{
	uint32_t v4;

	if (family == WR_IPV6) {
		memcpy(words, bytes, 16);
		return;
	}
	memcpy(&v4, bytes, sizeof(v4));
	words[0] = v4;
	words[1] = 0;
}

void wr_flow_write_addresses(struct wr_flow_key *key, enum wr_family family, const uint8_t *first,
			     const uint8_t *second)
{
	write_address(&key->words[2], family, first);
	write_address(&key->words[4], family, second);
}

uint64_t wr_flow_describe(uint32_t low, uint8_t protocol, enum wr_family family,
			  enum wr_flow_role role)
{
	return low | (uint64_t)protocol << 32 | (uint64_t)family << 40 | (uint64_t)role << 48;
}

/* A request and its reply have one id; its type tells it from other requests. */
static uint32_t ports_of(const struct wr_flow_packet *flow)
{
	const struct wr_speech *speech = flow->speech;

	if (wr_is_query(speech))
		return speech->icmp_id | (uint32_t)speech->icmp_type << 16;
	return flow->is_from_second ? speech->dst_port | (uint32_t)speech->src_port << 16
				    : speech->src_port | (uint32_t)speech->dst_port << 16;
}

static void write_key(const struct wr_passage *passage, struct wr_flow_packet *flow)
{
	const struct wr_speech *speech = flow->speech;
	uint64_t src = flow->src_slot, dst = flow->dst_slot;
	bool is_second = flow->is_from_second = is_src_second(flow);

	flow->key.words[0] = is_second ? dst | src << 32 : src | dst << 32;
	flow->key.words[1] = wr_flow_describe(ports_of(flow), speech->protocol, speech->family,
					      wr_is_query(speech) ? WR_ROLE_ASKER : WR_ROLE_EITHER);
	wr_flow_write_addresses(&flow->key, speech->family, is_second ? speech->dst : speech->src,
				is_second ? speech->src : speech->dst);
	flow->hash = wr_flow_hash(&passage->filter->secret, &flow->key);
}

void wr_flow_packet_init(struct wr_flow_packet *flow, const struct wr_passage *passage,
			 const struct wr_speech *speech, uint32_t src_slot, uint32_t dst_slot)
{
	flow->speech = speech;
	flow->src_slot = src_slot;
	flow->dst_slot = dst_slot;
	flow->is_opening = (speech->tcp_flags & (WR_TCP_SYN | WR_TCP_ACK)) == WR_TCP_SYN;
	flow->is_tracked = speech->icmp_role == WR_ICMP_NONE ||
			   speech->icmp_role == WR_ICMP_REQUEST;
	write_key(passage, flow);
}

/* --- States. --- */

static enum wr_flow_state tcp_state(enum wr_flow_state state, uint8_t flags, bool is_opener)
{
	if (flags & WR_TCP_RST)
		return WR_FLOW_CLOSED;
	if (flags & WR_TCP_FIN)
		return WR_FLOW_CLOSING;
	if ((flags & (WR_TCP_SYN | WR_TCP_ACK)) == WR_TCP_SYN &&
	    (state == WR_FLOW_CLOSED || state == WR_FLOW_CLOSING))
		return WR_FLOW_OPENING;
	if (state == WR_FLOW_OPENING && !is_opener)
		return WR_FLOW_ANSWERED;
	if (state == WR_FLOW_ANSWERED && is_opener && flags & WR_TCP_ACK)
		return WR_FLOW_ESTABLISHED;
	return state;
}

enum wr_flow_state wr_flow_next_state(const struct wr_flow_packet *flow, enum wr_flow_state state,
				      bool is_opener)
{
	if (flow->speech->protocol == WR_PROTO_TCP)
		return tcp_state(state, flow->speech->tcp_flags, is_opener);
	if (state != WR_FLOW_ASKING || is_opener)
		return state;
	return flow->speech->protocol == WR_PROTO_UDP ? WR_FLOW_TALKING : WR_FLOW_SPEAKING;
}

enum wr_flow_state wr_flow_first_state(const struct wr_flow_packet *flow)
{
	if (flow->speech->protocol == WR_PROTO_TCP)
		return tcp_state(WR_FLOW_OPENING, flow->speech->tcp_flags, true);
	return wr_is_query(flow->speech) ? WR_FLOW_PING : WR_FLOW_ASKING;
}
