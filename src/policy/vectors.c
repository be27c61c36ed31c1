#include "policy/vectors.h"

#include <stdlib.h>
#include <string.h>

static bool reserve(struct wr_vectors *vectors, size_t more)
{
	size_t room = vectors->room ? vectors->room : 1024;
	uint64_t *words;

	while (room - vectors->count < more)
		room *= 2;
	if (room == vectors->room)
		return true;
	words = reallocarray(vectors->words, room, sizeof(*words));
	if (!words || room > UINT32_MAX) {
		vectors->words = words ? words : vectors->words;
		vectors->is_out_of_memory = true;
		return false;
	}
	vectors->words = words;
	vectors->room = room;
	return true;
}

bool wr_vectors_init(struct wr_vectors *vectors, size_t bit_count)
{
	*vectors = (struct wr_vectors){
		.word_count = (uint32_t)((bit_count + 63) / 64),
	};
	vectors->summary_count = (vectors->word_count + 63) / 64;
	vectors->scratch = calloc(vectors->word_count + 1, sizeof(uint64_t));
	vectors->scratch_summary = calloc(vectors->summary_count + 1, sizeof(uint64_t));
	if (!vectors->scratch || !vectors->scratch_summary ||
	    !reserve(vectors, vectors->summary_count))
		return false;
	memset(vectors->words, 0, vectors->summary_count * sizeof(uint64_t));
	vectors->count = vectors->summary_count;
	return true;
}

void wr_vectors_done(struct wr_vectors *vectors)
{
	free(vectors->words);
	free(vectors->scratch);
	free(vectors->scratch_summary);
	*vectors = (struct wr_vectors){ 0 };
}

void wr_vectors_set(struct wr_vectors *vectors, size_t bit)
{
	vectors->scratch[bit / 64] |= UINT64_C(1) << bit % 64;
	vectors->scratch_summary[bit / 4096] |= UINT64_C(1) << bit / 64 % 64;
}

void wr_vectors_set_word(struct wr_vectors *vectors, size_t index, uint64_t word)
{
	if (!word)
		return;
	vectors->scratch[index] |= word;
	vectors->scratch_summary[index / 64] |= UINT64_C(1) << index % 64;
}

void wr_vectors_unite(struct wr_vectors *vectors, uint32_t vector)
{
	const uint64_t *set = vectors->words + vector, *words = set + vectors->summary_count;

	for (uint32_t i = 0; i < vectors->summary_count; i++) {
		vectors->scratch_summary[i] |= set[i];
		for (uint64_t bits = set[i]; bits; bits &= bits - 1)
			vectors->scratch[i * 64 + (uint32_t)__builtin_ctzll(bits)] |= *words++;
	}
}

static bool is_empty(const struct wr_vectors *vectors)
{
	for (uint32_t i = 0; i < vectors->summary_count; i++)
		if (vectors->scratch_summary[i])
			return false;
	return true;
}

/* Writes the summary and the words that are not zero; leaves the scratch all zero. */
static void pack(struct wr_vectors *vectors)
{
	uint64_t *summary = vectors->words + vectors->count;
	uint64_t *words = summary + vectors->summary_count;

	for (uint32_t i = 0; i < vectors->summary_count; i++) {
		summary[i] = vectors->scratch_summary[i];
		vectors->scratch_summary[i] = 0;
		for (uint64_t bits = summary[i]; bits; bits &= bits - 1) {
			uint64_t *word =
				&vectors->scratch[i * 64 + (uint32_t)__builtin_ctzll(bits)];

			*words++ = *word;
			*word = 0;
		}
	}
	vectors->count = (size_t)(words - vectors->words);
}

uint32_t wr_vectors_finish(struct wr_vectors *vectors)
{
	uint32_t start = (uint32_t)vectors->count;

	if (is_empty(vectors))
		return WR_VECTOR_EMPTY;
	if (!reserve(vectors, (size_t)vectors->summary_count + vectors->word_count))
		return WR_VECTOR_EMPTY;
	pack(vectors);
	return start;
}

void wr_vectors_seal(struct wr_vectors *vectors)
{
	uint64_t *words = reallocarray(vectors->words, vectors->count + 1, sizeof(*words));

	if (words)
		vectors->words = words;
	free(vectors->scratch);
	free(vectors->scratch_summary);
	vectors->scratch = vectors->scratch_summary = NULL;
}
