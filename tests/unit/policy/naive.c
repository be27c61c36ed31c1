#include "naive.h"

#include <string.h>

/* --- Rules. --- */

static bool is_inside(const struct wr_ip *ip, const struct wr_prefix *prefix)
{
	if (ip->family != prefix->ip.family)
		return false;
	for (unsigned bit = 0; bit < prefix->length; bit++) {
		uint8_t mask = (uint8_t)(0x80 >> bit % 8);

		if ((ip->bytes[bit / 8] ^ prefix->ip.bytes[bit / 8]) & mask)
			return false;
	}
	return true;
}

static bool is_own(const struct naive *naive, uint32_t slot, const struct wr_ip *ip)
{
	const struct naive_machine *machine = &naive->machines[slot];

	return wr_ip_equal(ip, ip->family == WR_IPV4 ? &machine->v4 : &machine->v6);
}

static bool side_matches(const struct naive *naive, const struct naive_side *side, uint32_t slot,
			 const struct wr_ip *ip, bool is_denying)
{
	bool is_machine = is_denying || is_own(naive, slot, ip);

	for (size_t i = 0; i < side->count; i++) {
		const struct naive_selector *selector = &side->selectors[i];

		switch (selector->kind) {
		case NAIVE_ALL:
			if (is_machine)
				return true;
			break;
		case NAIVE_MACHINE:
			if (is_machine && selector->number == slot)
				return true;
			break;
		case NAIVE_TAG:
			if (is_machine && naive->machines[slot].tags[selector->number])
				return true;
			break;
		case NAIVE_GROUP:
			if (side_matches(naive, &naive->policy.groups[selector->number], slot, ip,
					 is_denying))
				return true;
			break;
		case NAIVE_PREFIX:
			if (is_inside(ip, &selector->prefix))
				return true;
			break;
		}
	}
	return false;
}

static bool ports_match(const struct naive_rule *rule, const struct naive_packet *opening)
{
	bool is_v4 = opening->src.family == WR_IPV4;

	for (size_t i = 0; i < rule->port_count; i++) {
		const struct naive_ports *ports = &rule->ports[i];
		uint8_t protocol = ports->protocol;

		if (protocol == WR_PROTO_ICMP && !is_v4)
			protocol = WR_PROTO_ICMPV6;
		if (protocol != opening->protocol)
			continue;
		if (ports->protocol == WR_PROTO_ICMP ||
		    (ports->low <= opening->dst_port && opening->dst_port <= ports->high))
			return true;
	}
	return rule->port_count == 0;
}

bool naive_why(const struct naive *naive, const struct naive_packet *opening, unsigned *ret_line)
{
	const struct naive_policy *policy = &naive->policy;

	*ret_line = 0;
	if (!naive->machines[opening->src_slot].is_there ||
	    !naive->machines[opening->dst_slot].is_there)
		return false;
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct naive_rule *rule = &policy->rules[i];

		*ret_line = rule->line;
		if (side_matches(naive, &rule->src, opening->src_slot, &opening->src,
				 !rule->is_allowed) &&
		    side_matches(naive, &rule->dst, opening->dst_slot, &opening->dst,
				 !rule->is_allowed) &&
		    ports_match(rule, opening))
			return rule->is_allowed;
	}
	*ret_line = policy->default_line;
	return policy->is_allowed_by_default;
}

static bool allows(const struct naive *naive, const struct naive_packet *opening)
{
	unsigned line;

	return naive_why(naive, opening, &line);
}

/* --- Flows. --- */

static bool is_icmp(const struct naive_packet *packet)
{
	return packet->protocol == WR_PROTO_ICMP || packet->protocol == WR_PROTO_ICMPV6;
}

static bool is_request(const struct naive_packet *packet)
{
	return is_icmp(packet) &&
	       (packet->icmp_type == ICMP4_REQUEST || packet->icmp_type == ICMP6_REQUEST);
}

static bool is_reply(const struct naive_packet *packet)
{
	return is_icmp(packet) &&
	       (packet->icmp_type == ICMP4_REPLY || packet->icmp_type == ICMP6_REPLY);
}

static bool is_syn(const struct naive_packet *packet)
{
	return packet->tcp_flags & WR_TCP_SYN && !(packet->tcp_flags & WR_TCP_ACK);
}

static bool is_between(const struct naive_packet *a, uint32_t src_slot, const struct wr_ip *src,
		       uint16_t src_port, uint32_t dst_slot, const struct wr_ip *dst,
		       uint16_t dst_port)
{
	return a->src_slot == src_slot && a->dst_slot == dst_slot && wr_ip_equal(&a->src, src) &&
	       wr_ip_equal(&a->dst, dst) && a->src_port == src_port && a->dst_port == dst_port;
}

static bool goes_with(const struct naive_packet *opening, const struct naive_packet *packet)
{
	return is_between(opening, packet->src_slot, &packet->src, packet->src_port,
			  packet->dst_slot, &packet->dst, packet->dst_port);
}

static bool goes_against(const struct naive_packet *opening, const struct naive_packet *packet)
{
	return is_between(opening, packet->dst_slot, &packet->dst, packet->dst_port,
			  packet->src_slot, &packet->src, packet->src_port);
}

static bool is_of_flow(const struct naive_packet *opening, const struct naive_packet *packet)
{
	if (opening->protocol != packet->protocol)
		return false;
	if (!is_icmp(packet))
		return goes_with(opening, packet) || goes_against(opening, packet);
	if (opening->icmp_id != packet->icmp_id)
		return false;
	return (is_request(packet) && goes_with(opening, packet)) ||
	       (is_reply(packet) && goes_against(opening, packet));
}

static bool is_open(const struct naive *naive, const struct naive_flow *flow)
{
	return naive->now <= flow->used + flow->lifetime;
}

/* The last place is for a new one. */
static struct naive_flow *find(struct naive *naive, const struct naive_packet *packet)
{
	for (size_t i = 0; i < naive->flow_count; i++)
		if (is_of_flow(&naive->flows[i].opening, packet))
			return &naive->flows[i];
	return &naive->flows[naive->flow_count];
}

static bool is_known(const struct naive *naive, const struct naive_flow *flow)
{
	return flow < naive->flows + naive->flow_count && is_open(naive, flow);
}

static void use(struct naive *naive, struct naive_flow *flow, const struct naive_packet *packet)
{
	bool is_opener = goes_with(&flow->opening, packet);

	flow->used = naive->now;
	if (packet->protocol == WR_PROTO_TCP) {
		bool has_ended = flow->lifetime == 10 || flow->lifetime == 120;

		if (packet->tcp_flags & WR_TCP_RST) {
			flow->lifetime = 10;
		} else if (packet->tcp_flags & WR_TCP_FIN) {
			flow->lifetime = 120;
		} else if (is_syn(packet) && has_ended) {
			flow->lifetime = 60;
			flow->is_answered = flow->is_established = false;
		} else if (!has_ended && !flow->is_answered && !is_opener) {
			flow->is_answered = true;
		} else if (!has_ended && flow->is_answered && is_opener &&
			   packet->tcp_flags & WR_TCP_ACK) {
			flow->lifetime = 7440;
		}
	} else if (!is_icmp(packet) && packet->protocol != WR_PROTO_UDP && !is_opener) {
		flow->lifetime = 600;
	}
}

static void open_flow(struct naive *naive, struct naive_flow *flow,
		      const struct naive_packet *packet)
{
	uint32_t lifetime = packet->protocol == WR_PROTO_TCP ? 60 : is_icmp(packet) ? 30 : 180;

	if (flow == &naive->flows[naive->flow_count]) {
		assert(naive->flow_count < NAIVE_FLOWS - 1);
		naive->flow_count++;
	}
	if (packet->tcp_flags & WR_TCP_RST)
		lifetime = 10;
	else if (packet->tcp_flags & WR_TCP_FIN)
		lifetime = 120;
	*flow = (struct naive_flow){ .opening = *packet, .used = naive->now, .lifetime = lifetime };
}

enum wr_verdict naive_judge(struct naive *naive, const struct naive_packet *packet)
{
	struct naive_flow *flow = find(naive, packet);
	bool is_known_flow = is_known(naive, flow);
	bool opens = !is_known_flow || (is_syn(packet) && goes_against(&flow->opening, packet));

	if (!opens) {
		if (!allows(naive, &flow->opening))
			return WR_DROP_POLICY;
		use(naive, flow, packet);
		return WR_TAKEN;
	}
	if (!allows(naive, packet))
		return WR_DROP_POLICY;
	if (!is_icmp(packet) || is_request(packet))
		open_flow(naive, flow, packet);
	return WR_TAKEN;
}

enum wr_verdict naive_judge_error(struct naive *naive, uint32_t src_slot, uint32_t dst_slot,
				  const struct naive_packet *about)
{
	/* The quoted packet tells addresses only; the machines are those of the error, and two
	 * of them may claim one address. */
	struct naive_packet quoted = *about;
	struct naive_flow *flow;

	quoted.src_slot = dst_slot;
	quoted.dst_slot = src_slot;
	flow = find(naive, &quoted);
	if (!is_known(naive, flow))
		return WR_DROP_POLICY;
	return allows(naive, &flow->opening) ? WR_TAKEN : WR_DROP_POLICY;
}

/* --- Fragments. --- */

static struct naive_fragment *find_fragment(struct naive *naive, const struct naive_packet *packet,
					    uint32_t id)
{
	for (size_t i = 0; i < naive->fragment_count; i++) {
		const struct naive_packet *first = &naive->fragments[i].first;

		if (naive->fragments[i].id == id && first->src_slot == packet->src_slot &&
		    first->dst_slot == packet->dst_slot && wr_ip_equal(&first->src, &packet->src) &&
		    wr_ip_equal(&first->dst, &packet->dst) &&
		    (packet->src.family == WR_IPV6 || first->protocol == packet->protocol))
			return &naive->fragments[i];
	}
	return &naive->fragments[naive->fragment_count];
}

enum wr_verdict naive_judge_first(struct naive *naive, const struct naive_packet *packet,
				  uint32_t id)
{
	enum wr_verdict verdict = naive_judge(naive, packet);
	struct naive_fragment *fragment = find_fragment(naive, packet, id);
	struct naive_fragment is = { .first = *packet, .id = id, .seen = naive->now };

	if (verdict != WR_TAKEN)
		return verdict;
	if (fragment == &naive->fragments[naive->fragment_count]) {
		assert(naive->fragment_count < NAIVE_FRAGMENTS - 1);
		naive->fragment_count++;
	}
	*fragment = is;
	return verdict;
}

enum wr_verdict naive_judge_later(struct naive *naive, const struct naive_packet *packet,
				  uint32_t id, uint32_t offset)
{
	struct naive_fragment *fragment = find_fragment(naive, packet, id);
	struct naive_packet first = fragment->first;

	if (fragment == &naive->fragments[naive->fragment_count] ||
	    naive->now > fragment->seen + 30)
		return WR_DROP_FRAGMENT;
	if (first.protocol == WR_PROTO_TCP && offset < 20)
		return WR_DROP_INNER;
	first.tcp_flags = 0;
	return naive_judge(naive, &first);
}

size_t naive_count(const struct naive *naive)
{
	size_t count = 0;

	for (size_t i = 0; i < naive->flow_count; i++)
		count += is_open(naive, &naive->flows[i]);
	return count;
}
