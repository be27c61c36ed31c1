#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aead_backends.h"
#include "crypto/chacha20_avx512.h"
#include "crypto/poly1305_avx512.h"

#define BLOCK WR_CHACHA20_BLOCK
#define LANES WR_CHACHA20_LANES

/* RFC 8439 section 2.8: block 0 of a packet makes the key of its tag, those from 1 on
 * hide its text.  A pass makes up to 24 blocks, whosever they are: a packet of 1472
 * bytes, twelve of 64, or whatever comes next.  What does not fit goes on in the next
 * pass. */

/* The packets that are left; `block` is the next of the first. */
struct work {
	struct wr_aead_job *jobs, *end;
	uint32_t block;
};

/* Consecutive blocks of a packet, in consecutive lanes of a pass. */
struct run {
	struct wr_aead_job *job;
	uint32_t block;
	unsigned lane, count;
	bool is_first, is_last; /* of the packet */
};

/* Nothing secret stays in it when a call returns. */
struct wr_aead_context {
	struct wr_chacha20_lanes lanes;
	struct wr_chacha20_stream stream;
	struct wr_poly1305 poly;
};

static struct wr_aead_context *context_new(void)
{
	struct wr_aead_context *context = aligned_alloc(alignof(struct wr_aead_context),
							sizeof(*context));

	if (context)
		memset(context, 0, sizeof(*context));
	return context;
}

static void context_free(struct wr_aead_context *context)
{
	free(context);
}

/* ---- who gets which lane ---- */

static inline uint32_t blocks_of(const struct wr_aead_job *job)
{
	return 1 + job->len / BLOCK + (job->len % BLOCK != 0);
}

static inline bool next_run(struct work *work, unsigned lane, struct run *ret_run)
{
	uint32_t left, count;

	if (lane == LANES || work->jobs == work->end)
		return false;
	left = blocks_of(work->jobs) - work->block;
	count = left < LANES - lane ? left : LANES - lane;
	*ret_run = (struct run){
		.job = work->jobs,
		.block = work->block,
		.lane = lane,
		.count = count,
		.is_first = work->block == 0,
		.is_last = left == count,
	};
	work->block = left == count ? 0 : work->block + count;
	work->jobs += left == count;
	return true;
}

/* Writes the whole vector: after a write of parts, a read of all has to wait. */
static inline void set_masked(uint32_t lanes[16], __mmask16 mask, __m512i value)
{
	_mm512_store_si512(lanes, _mm512_mask_mov_epi32(_mm512_load_si512(lanes), mask, value));
}

/* Sets the lanes behind the run's as well: the next run comes after. */
static inline void set_lanes(struct wr_chacha20_lanes *lanes, const struct run *run)
{
	const __m512i count = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1,
					       0);
	uint32_t mask = UINT32_MAX << run->lane, block = run->block - run->lane;
	uint64_t nonce = run->job->counter;

	for (unsigned i = 0; i < 2; i++, mask >>= 16, block += 16) {
		__m512i blocks = _mm512_add_epi32(_mm512_set1_epi32((int)block), count);

		set_masked(lanes->block[i], (__mmask16)mask, blocks);
		set_masked(lanes->nonce_low[i], (__mmask16)mask, _mm512_set1_epi32((int)nonce));
		set_masked(lanes->nonce_high[i], (__mmask16)mask,
			   _mm512_set1_epi32((int)(nonce >> 32)));
	}
}

/* Returns how many lanes are used. */
static unsigned fill(struct wr_chacha20_lanes *lanes, struct work work)
{
	struct run run;
	unsigned used = 0;

	for (; next_run(&work, used, &run); used += run.count)
		set_lanes(lanes, &run);
	return used;
}

/* ---- what is done with the lanes ---- */

static inline void xor_block(uint8_t *dst, const uint8_t *src, const uint8_t block[BLOCK])
{
	_mm512_storeu_si512(dst,
			    _mm512_xor_si512(_mm512_loadu_si512(src), _mm512_load_si512(block)));
}

static inline void xor_part(uint8_t *dst, const uint8_t *src, const uint8_t block[BLOCK],
			    size_t len)
{
	__mmask64 mask = _bzhi_u64(UINT64_MAX, (unsigned)len);
	__m512i text = _mm512_maskz_loadu_epi8(mask, src);

	_mm512_mask_storeu_epi8(dst, mask, _mm512_xor_si512(text, _mm512_load_si512(block)));
}

static inline void xor_text(const struct wr_chacha20_stream *stream, const struct run *run)
{
	const uint8_t(*block)[BLOCK] = stream->blocks + run->lane + run->is_first;
	size_t at = run->is_first ? 0 : (size_t)(run->block - 1) * BLOCK;
	size_t end = run->is_last ? run->job->len : (size_t)(run->block + run->count - 1) * BLOCK;
	const uint8_t *src = run->job->src;
	uint8_t *dst = run->job->dst;

	for (; end - at >= BLOCK; at += BLOCK, block++)
		xor_block(dst + at, src + at, *block);
	if (at < end)
		xor_part(dst + at, src + at, *block, end - at);
}

static inline void begin_tag(struct wr_aead_context *context, const struct run *run)
{
	wr_poly1305_avx512_begin(&context->poly, context->stream.blocks[run->lane], run->job->len);
}

static void seal_run(struct wr_aead_context *context, const struct run *run)
{
	const struct wr_aead_job *job = run->job;

	if (run->is_first)
		begin_tag(context, run);
	xor_text(&context->stream, run);
	if (run->is_last)
		wr_poly1305_avx512_finish(&context->poly, job->dst, job->len, job->dst + job->len);
}

/* Constant time, and shorter than the call of a library. */
static inline bool are_equal(const uint8_t a[WR_AEAD_TAG_LEN], const uint8_t b[WR_AEAD_TAG_LEN])
{
	uint64_t ours[2], theirs[2];

	memcpy(ours, a, sizeof(ours));
	memcpy(theirs, b, sizeof(theirs));
	return ((ours[0] ^ theirs[0]) | (ours[1] ^ theirs[1])) == 0;
}

/* All of the text is hashed before some of it is shown: it may be in place. */
static void open_run(struct wr_aead_context *context, const struct run *run)
{
	struct wr_aead_job *job = run->job;
	uint8_t tag[WR_AEAD_TAG_LEN];

	if (run->is_first) {
		begin_tag(context, run);
		wr_poly1305_avx512_finish(&context->poly, job->src, job->len, tag);
		job->is_authentic = are_equal(tag, job->src + job->len);
	}
	xor_text(&context->stream, run);
}

/* Whole vectors; the compiler cannot know that nobody reads them. */
static inline void wipe(void *memory, size_t len)
{
	static_assert(sizeof(struct wr_poly1305) % 64 == 0, "whole vectors");
	for (size_t at = 0; at < len; at += 64)
		_mm512_store_si512((uint8_t *)memory + at, _mm512_setzero_si512());
}

typedef void (*run_fn)(struct wr_aead_context *context, const struct run *run);

static inline void for_all(struct wr_aead_context *context, const struct wr_key *key,
			   struct work work, run_fn do_run)
{
	unsigned written, most = 0;

	while (work.jobs < work.end) {
		unsigned used = fill(&context->lanes, work);
		struct run run;

		written = wr_chacha20_avx512(key, &context->lanes, used, &context->stream);
		most = written > most ? written : most;
		for (unsigned lane = 0; next_run(&work, lane, &run); lane += run.count)
			do_run(context, &run);
	}
	wipe(&context->stream, (size_t)most * BLOCK);
	wipe(&context->poly, sizeof(context->poly));
}

static void seal(struct wr_aead_context *context, const struct wr_key *key,
		 struct wr_aead_job *jobs, size_t count)
{
	for_all(context, key, (struct work){ jobs, jobs + count, 0 }, seal_run);
}

static void open(struct wr_aead_context *context, const struct wr_key *key,
		 struct wr_aead_job *jobs, size_t count)
{
	for_all(context, key, (struct work){ jobs, jobs + count, 0 }, open_run);
}

const struct wr_aead *wr_aead_avx512(void)
{
	static const struct wr_aead aead = {
		.name = "avx512",
		.context_new = context_new,
		.context_free = context_free,
		.seal = seal,
		.open = open,
	};

	if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
	    !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512ifma") ||
	    !__builtin_cpu_supports("avx512vbmi2") || !__builtin_cpu_supports("bmi2"))
		return NULL;
	return &aead;
}
