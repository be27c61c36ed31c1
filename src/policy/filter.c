#include "policy/filter.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/noise.h"
#include "policy/compiled.h"
#include "policy/tables.h"
#include "wire/flow.h"
#include "wire/packet.h"

/* What the sides of a key mean. */
enum role {
	ROLE_EITHER, /* sides in the order of their slots; either may open */
	ROLE_ASKER,  /* the first side asks, and only it */
	ROLE_SENDER  /* of a packet in fragments */
};

/* One packet on its way through. */
struct passage {
	struct wr_filter *filter;
	const struct wr_ruleset *ruleset;
	struct wr_filter_tables *tables;
	uint64_t edition;
	uint32_t now; /* seconds */
	uint32_t src_slot, dst_slot;
};

/* What one packet says about its flow. */
struct flow {
	const struct wr_speech *speech;
	uint32_t src_slot, dst_slot;
	struct wr_flow_key key;
	uint64_t hash;
	bool is_from_second; /* of the key's sides */
	bool is_opening;     /* asks for a new flow, whatever was before */
	bool is_tracked;
};

/* --- Keys. --- */

static bool is_query(const struct wr_speech *speech)
{
	return speech->icmp_role == WR_ICMP_REQUEST || speech->icmp_role == WR_ICMP_REPLY;
}

/* Two addresses behind one machine may speak to each other. */
static bool is_src_second_by_address(const struct wr_speech *speech)
{
	int order = memcmp(speech->src, speech->dst, wr_ip_bits(speech->family) / 8);

	return order ? order > 0 : speech->src_port > speech->dst_port;
}

static bool is_src_second(const struct flow *flow)
{
	if (is_query(flow->speech))
		return flow->speech->icmp_role == WR_ICMP_REPLY;
	if (flow->src_slot != flow->dst_slot)
		return flow->src_slot > flow->dst_slot;
	return is_src_second_by_address(flow->speech);
}

static void write_addresses(struct wr_flow_key *key, enum wr_family family, const uint8_t *first,
			    const uint8_t *second)
{
	if (family == WR_IPV4) {
		memcpy(&key->words[2], first, 4);
		memcpy(&key->words[4], second, 4);
	} else {
		memcpy(&key->words[2], first, 16);
		memcpy(&key->words[4], second, 16);
	}
}

static uint64_t describe(uint32_t low, uint8_t protocol, enum wr_family family, enum role role)
{
	return low | (uint64_t)protocol << 32 | (uint64_t)family << 40 | (uint64_t)role << 48;
}

/* A request and its reply have one id; its type tells it from other requests. */
static uint32_t ports_of(const struct flow *flow)
{
	const struct wr_speech *speech = flow->speech;

	if (is_query(speech))
		return speech->icmp_id | (uint32_t)speech->icmp_type << 16;
	return flow->is_from_second ? speech->dst_port | (uint32_t)speech->src_port << 16
				    : speech->src_port | (uint32_t)speech->dst_port << 16;
}

static void write_key(const struct passage *passage, struct flow *flow)
{
	const struct wr_speech *speech = flow->speech;
	uint64_t src = flow->src_slot, dst = flow->dst_slot;
	bool is_second = flow->is_from_second = is_src_second(flow);

	flow->key.words[0] = is_second ? dst | src << 32 : src | dst << 32;
	flow->key.words[1] = describe(ports_of(flow), speech->protocol, speech->family,
				      is_query(speech) ? ROLE_ASKER : ROLE_EITHER);
	write_addresses(&flow->key, speech->family, is_second ? speech->dst : speech->src,
			is_second ? speech->src : speech->dst);
	flow->hash = wr_flow_hash(&passage->filter->secret, &flow->key);
}

static struct flow flow_of(const struct passage *passage, const struct wr_speech *speech,
			   uint32_t src_slot, uint32_t dst_slot)
{
	struct flow flow = {
		.speech = speech,
		.src_slot = src_slot,
		.dst_slot = dst_slot,
		.is_opening = (speech->tcp_flags & (WR_TCP_SYN | WR_TCP_ACK)) == WR_TCP_SYN,
		.is_tracked = speech->icmp_role == WR_ICMP_NONE ||
			      speech->icmp_role == WR_ICMP_REQUEST,
	};

	write_key(passage, &flow);
	return flow;
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

/* After this packet of a known flow. */
static enum wr_flow_state next_state(const struct flow *flow, enum wr_flow_state state,
				     bool is_opener)
{
	if (flow->speech->protocol == WR_PROTO_TCP)
		return tcp_state(state, flow->speech->tcp_flags, is_opener);
	if (state != WR_FLOW_ASKING || is_opener)
		return state;
	return flow->speech->protocol == WR_PROTO_UDP ? WR_FLOW_TALKING : WR_FLOW_SPEAKING;
}

static enum wr_flow_state first_state(const struct flow *flow)
{
	if (flow->speech->protocol == WR_PROTO_TCP)
		return tcp_state(WR_FLOW_OPENING, flow->speech->tcp_flags, true);
	return is_query(flow->speech) ? WR_FLOW_PING : WR_FLOW_ASKING;
}

/* --- Asking the rules. --- */

static struct wr_ip ip_of(enum wr_family family, const uint8_t *bytes)
{
	struct wr_ip ip = { .family = family };

	memcpy(ip.bytes, bytes, wr_ip_bits(family) / 8);
	return ip;
}

/* May the sender of this packet (or, reversed, its receiver) open the flow? */
static bool may_open(const struct passage *passage, const struct flow *flow, bool is_reversed)
{
	const struct wr_speech *speech = flow->speech;
	struct wr_ip src = ip_of(speech->family, speech->src);
	struct wr_ip dst = ip_of(speech->family, speech->dst);
	struct wr_opening opening = {
		.src = is_reversed ? dst : src,
		.dst = is_reversed ? src : dst,
		.protocol = speech->protocol,
		.src_port = is_reversed ? speech->dst_port : speech->src_port,
		.dst_port = is_reversed ? speech->src_port : speech->dst_port,
	};

	return wr_ruleset_allows(passage->ruleset, is_reversed ? flow->dst_slot : flow->src_slot,
				 is_reversed ? flow->src_slot : flow->dst_slot, &opening);
}

/* --- Flows. --- */

/* In the old tables: goes over to the new ones now. What the new ones know to be over
 * is over. */
static bool find_old(const struct passage *passage, const struct flow *flow,
		     struct wr_flow_entry *ret_entry)
{
	const struct wr_filter_tables *old =
		atomic_load_explicit(&passage->tables->old, memory_order_acquire);
	struct wr_flow_table *flows = &passage->tables->flows;
	struct wr_flow_entry moved;

	if (!old || wr_flows_remember(flows, flow->hash, &flow->key) ||
	    !wr_flows_find(&old->flows, flow->hash, &flow->key, passage->now, ret_entry))
		return false;
	wr_flows_add(flows, flow->hash, &flow->key, ret_entry->state, &ret_entry->verdict,
		     ret_entry->note, ret_entry->used);
	if (wr_flows_find(flows, flow->hash, &flow->key, passage->now, &moved))
		*ret_entry = moved;
	return true;
}

static bool find(const struct passage *passage, const struct flow *flow,
		 struct wr_flow_entry *ret_entry)
{
	return wr_flows_find(&passage->tables->flows, flow->hash, &flow->key, passage->now,
			     ret_entry) ||
	       find_old(passage, flow, ret_entry);
}

static struct wr_flow_verdict opened_by_sender(const struct passage *passage,
					       const struct flow *flow)
{
	return (struct wr_flow_verdict){
		.edition = passage->edition,
		.is_allowed = true,
		.is_opened_by_second = flow->is_from_second,
	};
}

static enum wr_verdict open_flow(const struct passage *passage, const struct flow *flow)
{
	struct wr_flow_verdict verdict = opened_by_sender(passage, flow);

	if (!may_open(passage, flow, false))
		return WR_DROP_POLICY;
	if (flow->is_tracked)
		wr_flows_add(&passage->tables->flows, flow->hash, &flow->key, first_state(flow),
			     &verdict, 0, passage->now);
	return WR_TAKEN;
}

/* The other side opens what was this one's: judged for itself. */
static enum wr_verdict reopen_flow(const struct passage *passage, const struct flow *flow,
				   struct wr_flow_entry *entry)
{
	struct wr_flow_verdict verdict = opened_by_sender(passage, flow);

	if (!may_open(passage, flow, false))
		return WR_DROP_POLICY;
	if (wr_flow_judge(entry, &verdict))
		wr_flow_touch(entry, first_state(flow), passage->now);
	return WR_TAKEN;
}

/* Is a known flow allowed? The rules are asked if they have changed since. */
static bool is_allowed(const struct passage *passage, const struct flow *flow,
		       struct wr_flow_entry *entry)
{
	bool is_opener = flow->is_from_second == entry->verdict.is_opened_by_second;
	struct wr_flow_verdict verdict = entry->verdict;

	if (entry->verdict.edition == passage->edition)
		return entry->verdict.is_allowed;
	verdict.edition = passage->edition;
	verdict.is_allowed = may_open(passage, flow, !is_opener);
	/* Another thread may be ahead, with newer rules. */
	if (entry->verdict.edition < passage->edition)
		wr_flow_judge(entry, &verdict);
	return verdict.is_allowed;
}

static enum wr_verdict judge_flow(const struct passage *passage, const struct flow *flow)
{
	struct wr_flow_entry entry;
	bool is_opener;

	if (!find(passage, flow, &entry))
		return open_flow(passage, flow);
	is_opener = flow->is_from_second == entry.verdict.is_opened_by_second;
	if (flow->is_opening && !is_opener)
		return reopen_flow(passage, flow, &entry);
	if (!is_allowed(passage, flow, &entry))
		return WR_DROP_POLICY;
	wr_flow_touch(&entry, next_state(flow, entry.state, is_opener), passage->now);
	return WR_TAKEN;
}

static enum wr_verdict judge_speech(const struct passage *passage, const struct wr_speech *speech)
{
	struct flow flow = flow_of(passage, speech, passage->src_slot, passage->dst_slot);

	return judge_flow(passage, &flow);
}

/* --- ICMP errors. --- */

static bool is_about_receiver(const struct wr_flow_headers *headers)
{
	return memcmp(headers->quoted.src, headers->speech.dst,
		      wr_ip_bits(headers->speech.family) / 8) == 0;
}

/* An error goes back to who sent the packet that it quotes, and passes if the flow of that
 * packet is known, between these two machines, and allowed. */
static enum wr_verdict judge_error(const struct passage *passage,
				   const struct wr_flow_headers *headers)
{
	struct wr_flow_entry entry;
	struct flow flow;

	if (!headers->has_quoted || !is_about_receiver(headers))
		return WR_DROP_POLICY;
	flow = flow_of(passage, &headers->quoted, passage->dst_slot, passage->src_slot);
	if (!find(passage, &flow, &entry) || !is_allowed(passage, &flow, &entry))
		return WR_DROP_POLICY;
	return WR_TAKEN;
}

/* --- Fragments. --- */

/* IPv6 tells packets by addresses and id only: RFC 8200 section 4.5. */
static void write_fragment_key(const struct passage *passage,
			       const struct wr_flow_headers *headers, struct wr_flow_key *key)
{
	const struct wr_speech *speech = &headers->speech;
	uint8_t protocol = speech->family == WR_IPV4 ? speech->protocol : 0;

	*key = (struct wr_flow_key){ 0 };
	key->words[0] = passage->src_slot | (uint64_t)passage->dst_slot << 32;
	key->words[1] = describe(headers->fragment_id, protocol, speech->family, ROLE_SENDER);
	write_addresses(key, speech->family, speech->src, speech->dst);
}

/* What a later fragment does not say. */
static uint64_t note_of(const struct wr_speech *speech)
{
	uint32_t ports = is_query(speech) ? speech->icmp_id
					  : speech->src_port | (uint32_t)speech->dst_port << 16;

	return ports | (uint64_t)speech->protocol << 32 | (uint64_t)speech->icmp_role << 40 |
	       (uint64_t)speech->icmp_type << 48;
}

static void recall(uint64_t note, struct wr_speech *speech)
{
	speech->protocol = (uint8_t)(note >> 32);
	speech->icmp_role = (enum wr_icmp_role)(note >> 40 & 0xff);
	speech->icmp_type = (uint8_t)(note >> 48);
	if (is_query(speech)) {
		speech->icmp_id = (uint16_t)note;
		return;
	}
	speech->src_port = (uint16_t)note;
	speech->dst_port = (uint16_t)(note >> 16);
}

static void remember(const struct passage *passage, const struct wr_flow_headers *headers)
{
	struct wr_flow_verdict verdict = { .is_allowed = true };
	struct wr_flow_key key;

	write_fragment_key(passage, headers, &key);
	wr_flows_add(&passage->tables->fragments, wr_flow_hash(&passage->filter->secret, &key),
		     &key, WR_FLOW_FRAGMENTS, &verdict, note_of(&headers->speech), passage->now);
}

/* Only the packets of which the first fragment passed are known. */
static enum wr_verdict judge_first(const struct passage *passage,
				   const struct wr_flow_headers *headers)
{
	enum wr_verdict verdict = judge_speech(passage, &headers->speech);

	if (verdict == WR_TAKEN)
		remember(passage, headers);
	return verdict;
}

static bool find_first(const struct passage *passage, const struct wr_flow_key *key,
		       struct wr_flow_entry *ret_entry)
{
	uint64_t hash = wr_flow_hash(&passage->filter->secret, key);
	const struct wr_filter_tables *old;

	if (wr_flows_find(&passage->tables->fragments, hash, key, passage->now, ret_entry))
		return true;
	old = atomic_load_explicit(&passage->tables->old, memory_order_acquire);
	return old && !wr_flows_remember(&passage->tables->fragments, hash, key) &&
	       wr_flows_find(&old->fragments, hash, key, passage->now, ret_entry);
}

/* RFC 1858, RFC 3128: a later fragment must not write over the header of TCP that was
 * judged. */
static enum wr_verdict judge_later(const struct passage *passage,
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
	return judge_speech(passage, &speech);
}

/* --- The whole. --- */

enum wr_verdict wr_filter_judge(struct wr_filter *filter, const uint8_t *ip, uint32_t len,
				uint32_t src_slot, uint32_t dst_slot, struct wr_instant now)
{
	struct passage passage = {
		.filter = filter,
		.ruleset = atomic_load_explicit(&filter->ruleset, memory_order_acquire),
		.tables = atomic_load_explicit(&filter->tables, memory_order_acquire),
		.now = (uint32_t)(now.ns / 1000000000),
		.src_slot = src_slot,
		.dst_slot = dst_slot,
	};
	struct wr_flow_headers headers;

	if (!wr_flow_read((struct wr_bytes){ ip, len }, &headers))
		return WR_DROP_INNER;
	passage.edition = atomic_load_explicit(&passage.ruleset->edition, memory_order_acquire);
	if (headers.speech.icmp_role == WR_ICMP_ERROR)
		return judge_error(&passage, &headers);
	if (headers.fragment == WR_FRAGMENT_WHOLE)
		return judge_speech(&passage, &headers.speech);
	return headers.fragment == WR_FRAGMENT_FIRST ? judge_first(&passage, &headers)
						      : judge_later(&passage, &headers);
}

/* --- The owner's. --- */

static void fill_secret(struct wr_flow_secret *secret, const uint8_t bytes[16])
{
	struct wr_siphash_key key;

	_Static_assert(sizeof(key) == 16, "all of it is used");
	memcpy(&key, bytes, sizeof(key));
	for (uint8_t i = 0; i < WR_ARRAY_LEN(secret->words); i++)
		secret->words[i] = wr_siphash(&key, (struct wr_bytes){ &i, 1 });
}

struct wr_filter *wr_filter_new(size_t machines, const uint8_t secret[16],
				struct wr_ruleset *ruleset)
{
	struct wr_filter *filter = calloc(1, sizeof(*filter));
	struct wr_filter_tables *tables = wr_tables_new(machines);

	if (!filter || !tables) {
		wr_tables_free(tables);
		free(filter);
		return NULL;
	}
	fill_secret(&filter->secret, secret);
	atomic_init(&filter->tables, tables);
	atomic_init(&filter->ruleset, ruleset);
	return filter;
}

struct wr_filter *wr_filter_free(struct wr_filter *filter)
{
	if (!filter)
		return NULL;
	/* Those are freed when their grace period has ended. */
	if (filter->moving)
		filter->moving->filter = NULL;
	wr_tables_free(filter->moved);
	wr_tables_free(atomic_load_explicit(&filter->tables, memory_order_relaxed));
	wr_ruleset_free(atomic_load_explicit(&filter->ruleset, memory_order_relaxed));
	free(filter);
	return NULL;
}

static void free_ruleset(struct wr_retired *retired)
{
	wr_ruleset_free(WR_CONTAINER_OF(retired, struct wr_ruleset, retired));
}

void wr_filter_set_ruleset(struct wr_filter *filter, struct wr_ruleset *ruleset,
			   struct wr_retire_list *retire)
{
	struct wr_ruleset *old = wr_filter_ruleset(filter);
	uint64_t edition = atomic_load_explicit(&old->edition, memory_order_relaxed);

	assert(ruleset != old);
	atomic_store_explicit(&ruleset->edition, edition + 1, memory_order_relaxed);
	atomic_store_explicit(&filter->ruleset, ruleset, memory_order_release);
	wr_retire(retire, &old->retired, free_ruleset);
	wr_tables_hand_over(filter, retire);
}

struct wr_ruleset *wr_filter_ruleset(struct wr_filter *filter)
{
	return atomic_load_explicit(&filter->ruleset, memory_order_relaxed);
}

size_t wr_filter_flow_count(const struct wr_filter *filter, struct wr_instant now)
{
	const struct wr_filter_tables *tables =
		atomic_load_explicit(&filter->tables, memory_order_acquire);
	const struct wr_filter_tables *old =
		atomic_load_explicit(&tables->old, memory_order_acquire);
	uint32_t seconds = (uint32_t)(now.ns / 1000000000);

	return wr_flows_count(&tables->flows, seconds) +
	       (old ? wr_flows_count(&old->flows, seconds) : 0);
}
