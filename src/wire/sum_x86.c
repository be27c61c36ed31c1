#include <immintrin.h>

#include "wire/sum_blocks.h"

/* Even and odd words of one vector, added to 64-bit lanes. */
__attribute__((target("avx2"))) static inline __m256i add(__m256i sum, const uint8_t *at)
{
	__m256i words = _mm256_loadu_si256((const __m256i *)(const void *)at);
	__m256i even = _mm256_and_si256(words, _mm256_set1_epi64x(UINT32_MAX));
	__m256i odd = _mm256_srli_epi64(words, 32);

	return _mm256_add_epi64(sum, _mm256_add_epi64(even, odd));
}

__attribute__((target("avx2"))) static uint64_t sum_avx2(const uint8_t *at, size_t blocks)
{
	__m256i low = _mm256_setzero_si256(), high = _mm256_setzero_si256();
	uint64_t lanes[4];

	for (; blocks > 0; blocks--, at += WR_SUM_BLOCK) {
		low = add(low, at);
		high = add(high, at + WR_SUM_BLOCK / 2);
	}
	_mm256_storeu_si256((__m256i *)(void *)lanes, _mm256_add_epi64(low, high));
	return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

/* Every x86-64 has SSE2. */
static uint64_t sum_sse2(const uint8_t *at, size_t blocks)
{
	const __m128i low_words = _mm_set1_epi64x(UINT32_MAX);
	__m128i sum = _mm_setzero_si128();
	uint64_t lanes[2];

	for (size_t i = 0; i < blocks * WR_SUM_BLOCK; i += sizeof(sum)) {
		__m128i words = _mm_loadu_si128((const __m128i *)(const void *)(at + i));

		sum = _mm_add_epi64(sum, _mm_and_si128(words, low_words));
		sum = _mm_add_epi64(sum, _mm_srli_epi64(words, 32));
	}
	_mm_storeu_si128((__m128i *)(void *)lanes, sum);
	return lanes[0] + lanes[1];
}

uint64_t wr_sum_blocks(const uint8_t *at, size_t blocks)
{
	return __builtin_cpu_supports("avx2") ? sum_avx2(at, blocks) : sum_sse2(at, blocks);
}
