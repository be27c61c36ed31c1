#include "policy/flows.h"

#include <string.h>

/* A head: tag, state, and the second in which the flow was used last. 0: free. */
#define HEAD_STATE_SHIFT 32
#define HEAD_TAG_SHIFT 40
#define TAG_SHIFT 16 /* of the hash; its high bits choose the set */
#define TAG_MASK UINT64_C(0xffffff)

/* A guard: how often the key was written (odd: it is being written), the edition of the
 * rules, who opened the flow, and whether it is allowed. */
#define GUARD_ALLOWED UINT64_C(1)
#define GUARD_SECOND UINT64_C(2)
#define GUARD_EDITION_SHIFT 2
#define GUARD_EDITION_MASK ((UINT64_C(1) << 40) - 1)
#define GUARD_COUNT_SHIFT 42
#define GUARD_WRITING (UINT64_C(1) << GUARD_COUNT_SHIFT)

/* Sets in 4 KiB. */
#define PAGE_SETS 8

/* Sets that are looked at for counting: some 300 us. */
#define COUNT_SETS 8192

struct wr_flow_body {
	_Atomic uint64_t guard;
	_Atomic uint64_t key[WR_FLOW_KEY_WORDS];
	_Atomic uint64_t note;
};

struct wr_flow_set {
	_Alignas(WR_CACHE_LINE) _Atomic uint64_t heads[WR_FLOW_WAYS];
	_Alignas(WR_CACHE_LINE) struct wr_flow_body bodies[WR_FLOW_WAYS];
};

_Static_assert(sizeof(struct wr_flow_body) == WR_CACHE_LINE, "an entry is a cache line");

/* RFC 5382 REQ-5: an idle connection is known for 2 h 4 min at least, as keepalives come
 * every 2 h. UDP: as RFC 4787 REQ-5 asks for. The rest as Linux, nf_conntrack. */
const uint32_t wr_flow_lifetimes[WR_FLOW_STATES] = {
	[WR_FLOW_CLOSED] = 10,        [WR_FLOW_FRAGMENTS] = 30, [WR_FLOW_PING] = 30,
	[WR_FLOW_OPENING] = 60,       [WR_FLOW_ASKING] = 180,   [WR_FLOW_ANSWERED] = 60,
	[WR_FLOW_CLOSING] = 120,      [WR_FLOW_TALKING] = 180,  [WR_FLOW_SPEAKING] = 600,
	[WR_FLOW_ESTABLISHED] = 7440,
};

/* --- Heads and guards. --- */

static uint64_t head_of(uint64_t tag, enum wr_flow_state state, uint32_t now)
{
	return tag << HEAD_TAG_SHIFT | (uint64_t)state << HEAD_STATE_SHIFT | now;
}

static enum wr_flow_state state_of(uint64_t head)
{
	return (enum wr_flow_state)(head >> HEAD_STATE_SHIFT & 0xff);
}

/* Threads do not agree on the second: what is used in the next one is new. */
static int32_t age_of(uint64_t head, uint32_t now)
{
	return (int32_t)(now - (uint32_t)head);
}

static bool is_over(uint64_t head, uint32_t now)
{
	return age_of(head, now) > (int32_t)wr_flow_lifetimes[state_of(head)];
}

static uint64_t guard_of(uint64_t before, const struct wr_flow_verdict *verdict)
{
	return (before >> GUARD_COUNT_SHIFT << GUARD_COUNT_SHIFT) |
	       (verdict->edition & GUARD_EDITION_MASK) << GUARD_EDITION_SHIFT |
	       (verdict->is_opened_by_second ? GUARD_SECOND : 0) |
	       (verdict->is_allowed ? GUARD_ALLOWED : 0);
}

static struct wr_flow_verdict verdict_of(uint64_t guard)
{
	return (struct wr_flow_verdict){
		.edition = guard >> GUARD_EDITION_SHIFT & GUARD_EDITION_MASK,
		.is_allowed = guard & GUARD_ALLOWED,
		.is_opened_by_second = guard & GUARD_SECOND,
	};
}

static bool is_same_writing(uint64_t a, uint64_t b)
{
	return (a ^ b) >> GUARD_COUNT_SHIFT == 0;
}

/* --- The table. --- */

uint64_t wr_flow_hash(const struct wr_flow_secret *secret, const struct wr_flow_key *key)
{
	uint64_t hash = secret->words[2 * WR_FLOW_KEY_WORDS];

	for (unsigned i = 0; i < WR_FLOW_KEY_WORDS; i++)
		hash += secret->words[2 * i] * (uint32_t)key->words[i] +
			secret->words[2 * i + 1] * (key->words[i] >> 32);
	return hash;
}

/* Whole cache lines. */
static size_t page_bytes(size_t sets)
{
	size_t bits = WR_CACHE_LINE * 8 * (size_t)PAGE_SETS;

	return (sets + bits - 1) / bits * WR_CACHE_LINE;
}

size_t wr_flows_size(size_t sets)
{
	return sets * sizeof(struct wr_flow_set) + page_bytes(sets);
}

void wr_flows_init(struct wr_flow_table *table, size_t sets, void *memory)
{
	assert(sets >= 2 && (sets & (sets - 1)) == 0);
	table->sets = memory;
	table->set_count = sets;
	table->shift = 64 - (unsigned)__builtin_ctzll(sets);
	table->pages = (_Atomic uint64_t *)(void *)(table->sets + sets);
}

static struct wr_flow_set *set_of(const struct wr_flow_table *table, uint64_t hash)
{
	return &table->sets[hash >> table->shift];
}

static uint64_t tag_of(uint64_t hash)
{
	return hash >> TAG_SHIFT & TAG_MASK;
}

static bool has_key(const struct wr_flow_body *body, const struct wr_flow_key *key)
{
	for (unsigned i = 0; i < WR_FLOW_KEY_WORDS; i++)
		if (atomic_load_explicit(&body->key[i], memory_order_acquire) != key->words[i])
			return false;
	return true;
}

/* True if the entry has this key; then its guard and note as they were then. */
static bool read_body(const struct wr_flow_body *body, const struct wr_flow_key *key,
		      struct wr_flow_entry *ret)
{
	uint64_t before = atomic_load_explicit(&body->guard, memory_order_acquire);

	if (before & GUARD_WRITING || !has_key(body, key))
		return false;
	ret->note = atomic_load_explicit(&body->note, memory_order_acquire);
	ret->guard = atomic_load_explicit(&body->guard, memory_order_relaxed);
	return is_same_writing(before, ret->guard);
}

/* True if entry `way` is the flow's, whether it is over or not. */
static bool read_way(struct wr_flow_set *set, unsigned way, uint64_t tag,
		     const struct wr_flow_key *key, struct wr_flow_entry *ret)
{
	uint64_t head = atomic_load_explicit(&set->heads[way], memory_order_acquire);

	if (head >> HEAD_TAG_SHIFT != tag || state_of(head) == WR_FLOW_FREE ||
	    !read_body(&set->bodies[way], key, ret))
		return false;
	ret->set = set;
	ret->way = way;
	ret->head = head;
	ret->used = (uint32_t)head;
	ret->state = state_of(head);
	ret->verdict = verdict_of(ret->guard);
	return true;
}

static bool find_any(struct wr_flow_set *set, uint64_t tag, const struct wr_flow_key *key,
		     struct wr_flow_entry *ret)
{
	for (unsigned way = 0; way < WR_FLOW_WAYS; way++)
		if (read_way(set, way, tag, key, ret))
			return true;
	return false;
}

bool wr_flows_find(const struct wr_flow_table *table, uint64_t hash, const struct wr_flow_key *key,
		   uint32_t now, struct wr_flow_entry *ret_entry)
{
	struct wr_flow_set *set = set_of(table, hash);
	uint64_t tag = tag_of(hash);

	/* Most sets have one flow or none: it comes along with the heads. */
	__builtin_prefetch(&set->bodies[0]);
	/* Of two entries for one flow that a thread sees, it drops the higher one; who has passed
	 * the lower one by then looks again. */
	return (find_any(set, tag, key, ret_entry) || find_any(set, tag, key, ret_entry)) &&
	       !is_over(ret_entry->head, now);
}

bool wr_flows_remember(const struct wr_flow_table *table, uint64_t hash,
		       const struct wr_flow_key *key)
{
	struct wr_flow_entry entry;

	return find_any(set_of(table, hash), tag_of(hash), key, &entry);
}

void wr_flow_touch(const struct wr_flow_entry *entry, enum wr_flow_state state, uint32_t now)
{
	uint64_t before = entry->head;
	uint32_t used = age_of(before, now) > 0 ? now : (uint32_t)before;
	uint64_t head = head_of(before >> HEAD_TAG_SHIFT, state, used);

	if (head != before)
		atomic_compare_exchange_strong_explicit(&entry->set->heads[entry->way], &before,
							head, memory_order_release,
							memory_order_relaxed);
}

bool wr_flow_judge(struct wr_flow_entry *entry, const struct wr_flow_verdict *verdict)
{
	uint64_t before = entry->guard, guard = guard_of(before, verdict);

	if (!atomic_compare_exchange_strong_explicit(&entry->set->bodies[entry->way].guard, &before,
						     guard, memory_order_acq_rel,
						     memory_order_relaxed))
		return false;
	entry->guard = guard;
	entry->verdict = *verdict;
	return true;
}

/* --- Adding. --- */

/* What an entry is worth: nothing if it is free or over, little if nobody answered; and
 * more, the later it was used. */
static uint64_t worth_of(uint64_t head, uint32_t now)
{
	enum wr_flow_state state = state_of(head);
	uint64_t rank = state <= WR_FLOW_ASKING ? 1 : 2;

	if (state == WR_FLOW_FREE)
		return 0;
	if (is_over(head, now))
		rank = 0;
	return rank << 33 | ((UINT64_C(1) << 32) - (uint64_t)age_of(head, now));
}

/* But for those in `busy`, a bit each. */
static unsigned least_of(const struct wr_flow_set *set, unsigned busy, uint32_t now)
{
	uint64_t least = UINT64_MAX;
	unsigned chosen = 0;

	for (unsigned way = 0; way < WR_FLOW_WAYS; way++) {
		uint64_t head = atomic_load_explicit(&set->heads[way], memory_order_relaxed);
		uint64_t worth = worth_of(head, now);

		if (worth >= least || busy >> way & 1)
			continue;
		least = worth;
		chosen = way;
	}
	return chosen;
}

/* Keeps other writers off; false if one is there. */
static bool claim(struct wr_flow_body *body, uint64_t guard)
{
	return !(guard & GUARD_WRITING) &&
	       atomic_compare_exchange_strong_explicit(&body->guard, &guard, guard + GUARD_WRITING,
						       memory_order_acq_rel, memory_order_relaxed);
}

/* Readers that see one of the words see that the guard is odd, or has moved on. The
 * head comes before the guard: until then no other thread can take the entry. */
static void write_entry(struct wr_flow_set *set, unsigned way, uint64_t head,
			const struct wr_flow_key *key, uint64_t note, uint64_t guard)
{
	struct wr_flow_body *body = &set->bodies[way];

	for (unsigned i = 0; i < WR_FLOW_KEY_WORDS; i++)
		atomic_store_explicit(&body->key[i], key->words[i], memory_order_release);
	atomic_store_explicit(&body->note, note, memory_order_release);
	atomic_store_explicit(&set->heads[way], head, memory_order_release);
	atomic_store_explicit(&body->guard, guard, memory_order_seq_cst);
}

static void drop(struct wr_flow_set *set, unsigned way, uint64_t head)
{
	atomic_compare_exchange_strong_explicit(&set->heads[way], &head, 0, memory_order_release,
						memory_order_relaxed);
}

/* Two threads may add a flow at once. Each then looks for the other's (one of them at
 * least sees it: their guards are in one order for all); the lower one stays. */
static void drop_if_twice(struct wr_flow_set *set, unsigned way, uint64_t head,
			  const struct wr_flow_key *key)
{
	uint64_t tag = head >> HEAD_TAG_SHIFT;
	struct wr_flow_entry other;

	for (unsigned i = 0; i < WR_FLOW_WAYS; i++) {
		if (i == way ||
		    atomic_load_explicit(&set->bodies[i].guard, memory_order_seq_cst) &
			    GUARD_WRITING ||
		    !read_way(set, i, tag, key, &other))
			continue;
		if (i < way)
			drop(set, way, head);
		else
			drop(set, i, other.head);
	}
}

static bool is_used(const struct wr_flow_table *table, size_t page)
{
	uint64_t bits = atomic_load_explicit(&table->pages[page / 64], memory_order_relaxed);

	return bits >> page % 64 & 1;
}

static void mark_used(struct wr_flow_table *table, const struct wr_flow_set *set)
{
	size_t page = (size_t)(set - table->sets) / PAGE_SETS;

	if (!is_used(table, page))
		atomic_fetch_or_explicit(&table->pages[page / 64], UINT64_C(1) << page % 64,
					 memory_order_relaxed);
}

void wr_flows_add(struct wr_flow_table *table, uint64_t hash, const struct wr_flow_key *key,
		  enum wr_flow_state state, const struct wr_flow_verdict *verdict, uint64_t note,
		  uint32_t now)
{
	struct wr_flow_set *set = set_of(table, hash);
	uint64_t head = head_of(tag_of(hash), state, now);
	struct wr_flow_entry entry;
	unsigned busy = 0;

	mark_used(table, set);
	/* Who is writing an entry may be interrupted for long: nobody waits for that. */
	for (unsigned i = 0; i < WR_FLOW_WAYS; i++) {
		bool is_known = find_any(set, tag_of(hash), key, &entry);
		unsigned way = is_known ? entry.way : least_of(set, busy, now);
		struct wr_flow_body *body = &set->bodies[way];
		uint64_t guard = is_known
					 ? entry.guard
					 : atomic_load_explicit(&body->guard, memory_order_acquire);

		if (is_known && !is_over(entry.head, now) && entry.note == note) {
			wr_flow_touch(&entry, entry.state, now);
			return;
		}
		if (!claim(body, guard)) {
			busy |= 1u << way;
			continue;
		}
		write_entry(set, way, head, key, note,
			    guard_of(guard + 2 * GUARD_WRITING, verdict));
		drop_if_twice(set, way, head, key);
		return;
	}
}

/* --- All of it. --- */

static void move_entry(struct wr_flow_table *to, const struct wr_flow_body *body, uint64_t head,
		       const struct wr_flow_secret *secret)
{
	struct wr_flow_verdict verdict = verdict_of(atomic_load(&body->guard));
	struct wr_flow_key key;
	uint64_t hash;

	for (unsigned i = 0; i < WR_FLOW_KEY_WORDS; i++)
		key.words[i] = atomic_load_explicit(&body->key[i], memory_order_acquire);
	hash = wr_flow_hash(secret, &key);
	if (!wr_flows_remember(to, hash, &key))
		wr_flows_add(to, hash, &key, state_of(head), &verdict, atomic_load(&body->note),
			     (uint32_t)head);
}

static void move_set(struct wr_flow_table *to, const struct wr_flow_set *set,
		     const struct wr_flow_secret *secret)
{
	for (unsigned way = 0; way < WR_FLOW_WAYS; way++) {
		uint64_t head = atomic_load(&set->heads[way]);

		if (state_of(head) != WR_FLOW_FREE)
			move_entry(to, &set->bodies[way], head, secret);
	}
}

void wr_flows_move(struct wr_flow_table *to, const struct wr_flow_table *from,
		   const struct wr_flow_secret *secret)
{
	for (size_t i = 0; i < from->set_count; i++)
		if (is_used(from, i / PAGE_SETS))
			move_set(to, &from->sets[i], secret);
}

static size_t count_set(const struct wr_flow_set *set, uint32_t now)
{
	size_t count = 0;

	for (unsigned way = 0; way < WR_FLOW_WAYS; way++) {
		uint64_t head = atomic_load_explicit(&set->heads[way], memory_order_relaxed);

		count += state_of(head) != WR_FLOW_FREE && !is_over(head, now);
	}
	return count;
}

size_t wr_flows_count(const struct wr_flow_table *table, uint32_t now)
{
	size_t step = table->set_count > COUNT_SETS ? table->set_count / COUNT_SETS : 1;
	size_t count = 0;

	for (size_t i = 0; i < table->set_count; i += step)
		if (is_used(table, i / PAGE_SETS))
			count += count_set(&table->sets[i], now);
	return count * step;
}
