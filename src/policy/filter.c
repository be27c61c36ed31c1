#include "policy/filter.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/noise.h"
#include "policy/passage.h"

/* Gossip (wire/frame.h) and pulses (mesh/paths.h). */
#define CHATTER_FIRST 51818
#define CHATTER_LAST 51819

/* --- Asking the rules. --- */

static struct wr_ip ip_of(enum wr_family family, const uint8_t *bytes)
{
	struct wr_ip ip = { .family = family };

	memcpy(ip.bytes, bytes, wr_ip_bits(family) / 8);
	return ip;
}

/* May the sender of this packet (or, reversed, its receiver) open the flow? */
static bool may_open(const struct wr_passage *passage, const struct wr_flow_packet *flow,
		     bool is_reversed)
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

/* In the old tables: goes over to the new ones now. What the new ones know by now is as
 * they know it, over or not. */
static bool find_old(const struct wr_passage *passage, const struct wr_filter_tables *old,
		     const struct wr_flow_packet *flow, struct wr_flow_entry *ret_entry)
{
	struct wr_flow_table *flows = &passage->tables->flows;
	struct wr_flow_entry moved;

	if (wr_flows_remember(flows, flow->hash, &flow->key))
		return wr_flows_find(flows, flow->hash, &flow->key, passage->now, ret_entry);
	if (!wr_flows_find(&old->flows, flow->hash, &flow->key, passage->now, ret_entry))
		return false;
	wr_flows_add(flows, flow->hash, &flow->key, ret_entry->state, &ret_entry->verdict,
		     ret_entry->note, ret_entry->used);
	if (wr_flows_find(flows, flow->hash, &flow->key, passage->now, &moved))
		*ret_entry = moved;
	return true;
}

/* The old tables are looked for first: if they have gone, all is in the new ones. */
static bool find(const struct wr_passage *passage, const struct wr_flow_packet *flow,
		 struct wr_flow_entry *ret_entry)
{
	const struct wr_filter_tables *old = atomic_load_explicit(&passage->tables->old,
								  memory_order_acquire);

	if (wr_flows_find(&passage->tables->flows, flow->hash, &flow->key, passage->now, ret_entry))
		return true;
	return old && find_old(passage, old, flow, ret_entry);
}

static struct wr_flow_verdict opened_by_sender(const struct wr_passage *passage,
					       const struct wr_flow_packet *flow)
{
	return (struct wr_flow_verdict){
		.edition = passage->edition,
		.is_allowed = true,
		.is_opened_by_second = flow->is_from_second,
	};
}

/* What members say to each other all the time, pulses and gossip, has one port at both ends. Where
 * the rules let either side begin nothing has to be remembered of it: with each of thousands of
 * members it would take a page of the table. */
static bool is_chatter(const struct wr_passage *passage, const struct wr_flow_packet *flow)
{
	const struct wr_speech *speech = flow->speech;

	return speech->protocol == IPPROTO_UDP && speech->src_port == speech->dst_port &&
	       speech->src_port >= CHATTER_FIRST && speech->src_port <= CHATTER_LAST &&
	       may_open(passage, flow, true);
}

static enum wr_verdict open_flow(const struct wr_passage *passage,
				 const struct wr_flow_packet *flow)
{
	struct wr_flow_verdict verdict = opened_by_sender(passage, flow);

	if (!may_open(passage, flow, false))
		return WR_DROP_POLICY;
	if (flow->is_tracked && !is_chatter(passage, flow))
		wr_flows_add(&passage->tables->flows, flow->hash, &flow->key,
			     wr_flow_first_state(flow), &verdict, 0, passage->now);
	return WR_TAKEN;
}

/* The other side opens what was this one's: judged for itself. */
static enum wr_verdict reopen_flow(const struct wr_passage *passage,
				   const struct wr_flow_packet *flow, struct wr_flow_entry *entry)
{
	struct wr_flow_verdict verdict = opened_by_sender(passage, flow);

	if (!may_open(passage, flow, false))
		return WR_DROP_POLICY;
	if (wr_flow_judge(entry, &verdict))
		wr_flow_touch(entry, wr_flow_first_state(flow), passage->now);
	return WR_TAKEN;
}

/* Is a known flow allowed? The rules are asked if they have changed since. */
static bool is_allowed(const struct wr_passage *passage, const struct wr_flow_packet *flow,
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

static enum wr_verdict judge_flow(const struct wr_passage *passage,
				  const struct wr_flow_packet *flow)
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
	wr_flow_touch(&entry, wr_flow_next_state(flow, entry.state, is_opener), passage->now);
	return WR_TAKEN;
}

enum wr_verdict wr_judge_speech(const struct wr_passage *passage, const struct wr_speech *speech)
{
	struct wr_flow_packet flow;

	wr_flow_packet_init(&flow, passage, speech, passage->src_slot, passage->dst_slot);
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
static enum wr_verdict judge_error(const struct wr_passage *passage,
				   const struct wr_flow_headers *headers)
{
	struct wr_flow_entry entry;
	struct wr_flow_packet flow;

	if (!headers->has_quoted || !is_about_receiver(headers))
		return WR_DROP_POLICY;
	wr_flow_packet_init(&flow, passage, &headers->quoted, passage->dst_slot, passage->src_slot);
	if (!find(passage, &flow, &entry) || !is_allowed(passage, &flow, &entry))
		return WR_DROP_POLICY;
	return WR_TAKEN;
}

/* --- The whole. --- */

enum wr_verdict wr_filter_judge_by(struct wr_filter *filter, const struct wr_ruleset *ruleset,
				   const uint8_t *ip, uint32_t len, uint32_t src_slot,
				   uint32_t dst_slot, struct wr_instant now)
{
	struct wr_passage passage = {
		.filter = filter,
		.ruleset = ruleset,
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
		return wr_judge_speech(&passage, &headers.speech);
	return headers.fragment == WR_FRAGMENT_FIRST ? wr_judge_first_fragment(&passage, &headers)
						     : wr_judge_later_fragment(&passage, &headers);
}

enum wr_verdict wr_filter_judge(struct wr_filter *filter, const uint8_t *ip, uint32_t len,
				uint32_t src_slot, uint32_t dst_slot, struct wr_instant now)
{
	return wr_filter_judge_by(filter,
				  atomic_load_explicit(&filter->ruleset, memory_order_acquire), ip,
				  len, src_slot, dst_slot, now);
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
	const struct wr_filter_tables *tables = atomic_load_explicit(&filter->tables,
								     memory_order_acquire);
	const struct wr_filter_tables *old = atomic_load_explicit(&tables->old,
								  memory_order_acquire);
	uint32_t seconds = (uint32_t)(now.ns / 1000000000);

	return wr_flows_count(&tables->flows, seconds) +
	       (old ? wr_flows_count(&old->flows, seconds) : 0);
}
