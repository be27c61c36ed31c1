/* A table of flows that are open, written and read by any number of threads without
 * locks and without allocating.
 *
 * Sets of seven entries. A set's first cache line has a head for each entry: tag, state
 * and when it was used; then follows a cache line an entry with its key and its
 * verdict. So a known flow costs two cache misses, and is written at most once a second.
 * When a set is full, what has ended goes first, then what was never answered, then the
 * oldest.
 *
 * An entry's guard counts how often its key was written; a reader that sees it change, or
 * sees it odd, does not take the entry for what it looked for. All words are atomic.
 *
 * Floor 3.  Any thread, under a grace period, but for _new and _free.
 * Source: Boehm, "Can Seqlocks Get Along With Programming Language Memory Models?" (2012);
 * for the hash Lemire and Kaser, "Strongly Universal String Hashing is Fast" (2014). */
#pragma once

#include <stdatomic.h>

#include "base/base.h"
#include "base/ip.h"

#define WR_FLOW_WAYS 7
#define WR_FLOW_KEY_WORDS 6

/* What a flow is told by, the same for both directions. */
struct wr_flow_key {
	/* Slots; ports, protocol, family and role; two addresses. */
	uint64_t words[WR_FLOW_KEY_WORDS];
};

/* Those up to WR_FLOW_ASKING are given up before the others. */
enum wr_flow_state {
	WR_FLOW_FREE,
	WR_FLOW_CLOSED,    /* TCP: reset */
	WR_FLOW_FRAGMENTS, /* of one packet */
	WR_FLOW_PING,      /* ICMP request */
	WR_FLOW_OPENING,   /* TCP: not answered */
	WR_FLOW_ASKING,    /* UDP and other protocols: not answered */
	WR_FLOW_ANSWERED,  /* TCP: answered, and not yet confirmed */
	WR_FLOW_CLOSING,   /* TCP: one side has ended it */
	WR_FLOW_TALKING,   /* UDP: answered */
	WR_FLOW_SPEAKING,  /* other protocols: answered */
	WR_FLOW_ESTABLISHED,
	WR_FLOW_STATES
};

/* Seconds for which a flow is known after its last packet. */
extern const uint32_t wr_flow_lifetimes[WR_FLOW_STATES];

/* What was decided about a flow, and by which edition of the rules. */
struct wr_flow_verdict {
	uint64_t edition;
	bool is_allowed;
	bool is_opened_by_second; /* of the key's two sides */
};

struct wr_flow_set;

struct wr_flow_table {
	struct wr_flow_set *sets;
	size_t set_count;
	unsigned shift; /* of the hash, for the set */
	/* A bit for each page of sets: something was written there once. So counting and
	 * moving do not look at, and do not bring into memory, what never was used. */
	_Atomic uint64_t *pages;
};

/* Secret numbers of the hash, one for each 32 bits of a key, and one more. */
struct wr_flow_secret {
	uint64_t words[2 * WR_FLOW_KEY_WORDS + 1];
};

/* An entry that was found, as it was then. */
struct wr_flow_entry {
	struct wr_flow_set *set;
	unsigned way;
	uint64_t head, guard;
	uint64_t note;
	uint32_t used; /* seconds */
	enum wr_flow_state state;
	struct wr_flow_verdict verdict;
};

uint64_t wr_flow_hash(const struct wr_flow_secret *secret, const struct wr_flow_key *key);

/* Bytes for so many sets, a power of two, 2 at least; a multiple of a cache line. */
size_t wr_flows_size(size_t sets);
/* `memory` is all zero, aligned to a cache line, and is not touched before it is used. */
void wr_flows_init(struct wr_flow_table *table, size_t sets, void *memory);

/* False if the flow is not known, or has not been used for its lifetime. `now` is in
 * seconds. */
bool wr_flows_find(const struct wr_flow_table *table, uint64_t hash, const struct wr_flow_key *key,
		   uint32_t now, struct wr_flow_entry *ret_entry);
/* True if the flow is known, even if it is over. */
bool wr_flows_remember(const struct wr_flow_table *table, uint64_t hash,
		       const struct wr_flow_key *key);
/* The entry is used now, and in this state. Nothing happens if it is another flow's by
 * now. */
void wr_flow_touch(const struct wr_flow_entry *entry, enum wr_flow_state state, uint32_t now);
/* A new verdict. False, and nothing has changed, if another thread was quicker. */
bool wr_flow_judge(struct wr_flow_entry *entry, const struct wr_flow_verdict *verdict);
/* Adds a flow, unless it is known with the same note (which is the caller's). It is not
 * added if seven other threads are just writing here. */
void wr_flows_add(struct wr_flow_table *table, uint64_t hash, const struct wr_flow_key *key,
		  enum wr_flow_state state, const struct wr_flow_verdict *verdict, uint64_t note,
		  uint32_t now);

/* Adds all flows of `from` (which no other thread writes any more) to `to`, unless they
 * are there: what is there is newer. */
void wr_flows_move(struct wr_flow_table *to, const struct wr_flow_table *from,
		   const struct wr_flow_secret *secret);
/* How many are open, about: of a large table a part is counted. */
size_t wr_flows_count(const struct wr_flow_table *table, uint32_t now);
