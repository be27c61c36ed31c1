/* Sets of rules as bits, one a rule in the order of the policy, so that the first rule
 * that stands in several sets is found by a few ANDs.
 *
 * Most sets are small: words that are zero are left out, and a summary (one bit a
 * word) says which are there. A set is known by where it begins in one array.
 *
 * Floor 3.  One thread builds; then any thread reads.
 * Source: Lakshman and Stiliadis, "High-Speed Policy-based Packet Forwarding Using
 * Efficient Multi-dimensional Range Matching" (1998); Baboescu and Varghese, "Scalable
 * Packet Classification" (2001), for the summary. */
#pragma once

#include "base/base.h"

#define WR_VECTOR_EMPTY 0u

struct wr_vectors {
	uint64_t *words;
	size_t count, room;
	uint32_t word_count;    /* of a set, if it were written out */
	uint32_t summary_count; /* words at the beginning of each set */
	/* The set that is being built, written out. */
	uint64_t *scratch, *scratch_summary;
	bool is_out_of_memory; /* sticks; sets are empty from then on */
};

/* For sets of up to `bit_count` rules. False where memory is short; then wr_vectors_done()
 * is due all the same. */
bool wr_vectors_init(struct wr_vectors *vectors, size_t bit_count) WR_MUST_CHECK;
void wr_vectors_done(struct wr_vectors *vectors);

/* Into the set that is being built. */
void wr_vectors_set(struct wr_vectors *vectors, size_t bit);
/* 64 rules at once. */
void wr_vectors_set_word(struct wr_vectors *vectors, size_t index, uint64_t word);
void wr_vectors_unite(struct wr_vectors *vectors, uint32_t vector);
/* The set that was built, and begins an empty one. */
uint32_t wr_vectors_finish(struct wr_vectors *vectors);
/* Nothing more will be built. */
void wr_vectors_seal(struct wr_vectors *vectors);

/* Word `index`, written out, of a set. */
static inline uint64_t wr_vector_word(const uint64_t *set, uint32_t summary_count, uint32_t index)
{
	uint32_t group = index / 64;
	uint64_t bit = UINT64_C(1) << index % 64;
	uint32_t rank = summary_count;

	if (!(set[group] & bit))
		return 0;
	for (uint32_t i = 0; i < group; i++)
		rank += (uint32_t)__builtin_popcountll(set[i]);
	return set[rank + (uint32_t)__builtin_popcountll(set[group] & (bit - 1))];
}
