#include <stdlib.h>

#include "crypto/aead_backends.h"
#include "crypto/chacha20_avx512.h"
#include "crypto/poly1305_avx512.h"

#define BLOCK WR_CHACHA20_BLOCK
#define LANES WR_CHACHA20_LANES

/* RFC 8439 section 2.8: block 0 of a packet makes the key of its tag, those from 1 on
 * hide its text.  A pass makes sixteen blocks, whosever they are; a packet whose
 * blocks do not all fit continues in the next pass, and its text is hashed meanwhile.
 *
 * Measured on a Sapphire Rapids at 2.1 GHz, ns: 16 blocks 240 (504 cycles where
 * 480 are needed for the rounds), 8 blocks 167, 4 blocks 107, a step of 256 bytes
 * of Poly1305 between rounds 14, alone 20. */

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
	bool is_first, is_last;         /* of the packet */
};

struct pass {
	struct wr_chacha20_lanes lanes;
	struct wr_chacha20_stream stream;
	struct work work;               /* before it */
	unsigned used, written;         /* lanes, blocks of the stream */
	/* Of the packet that comes from the pass before, and of that which goes on into
	 * the next. */
	struct wr_poly1305 *from_before, *to_next;
};

/* Nothing secret stays in it when a call returns. */
struct wr_aead_context {
	struct pass passes[2];          /* by turns */
	/* By turns of packets that take more than a pass: two are enough, as one may end
	 * in the pass in which the next begins. */
	struct wr_poly1305 long_polys[2];
	struct wr_poly1305 short_poly;
	unsigned newest;
};

static struct wr_aead_context *context_new(void)
{
	struct wr_aead_context *context = aligned_alloc(alignof(struct wr_aead_context), sizeof(*context));

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

static inline struct run take_run(struct work *work, unsigned lane)
{
	uint32_t left = blocks_of(work->jobs) - work->block;
	struct run run = { .job = work->jobs, .block = work->block, .lane = lane,
			   .is_first = work->block == 0, .is_last = left <= LANES - lane };

	run.count = run.is_last ? left : LANES - lane;
	work->block = run.is_last ? 0 : work->block + run.count;
	work->jobs += run.is_last;
	return run;
}

static inline bool next_run(struct work *work, unsigned lane, struct run *ret_run)
{
	if (lane == LANES || work->jobs == work->end)
		return false;
	*ret_run = take_run(work, lane);
	return true;
}

/* Lanes behind those of the run are set as well. */
static inline void set_lanes(struct wr_chacha20_lanes *lanes, const struct run *run)
{
	const __m512i count = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
	__mmask16 mask = (__mmask16)(0xffff << run->lane);
	__m512i first = _mm512_set1_epi32((int)(run->block - run->lane));
	uint64_t nonce = run->job->counter;

	lanes->block = _mm512_mask_add_epi32(lanes->block, mask, first, count);
	lanes->nonce_low = _mm512_mask_set1_epi32(lanes->nonce_low, mask, (int)(uint32_t)nonce);
	lanes->nonce_high = _mm512_mask_set1_epi32(lanes->nonce_high, mask, (int)(nonce >> 32));
}

static void fill(struct wr_aead_context *context, struct pass *pass, struct work *work)
{
	struct wr_chacha20_lanes lanes = pass->lanes;
	struct run run;

	pass->work = *work;
	pass->from_before = &context->long_polys[context->newest];
	for (pass->used = 0; next_run(work, pass->used, &run); pass->used += run.count) {
		set_lanes(&lanes, &run);
		if (run.is_first && !run.is_last)
			context->newest = !context->newest;
	}
	pass->to_next = &context->long_polys[context->newest];
	pass->lanes = lanes;
}

/* ---- what is done with the lanes ---- */

static inline size_t text_begin(const struct run *run)
{
	return run->is_first ? 0 : (size_t)(run->block - 1) * BLOCK;
}

static inline size_t text_end(const struct run *run)
{
	return run->is_last ? run->job->len : (size_t)(run->block + run->count - 1) * BLOCK;
}

static inline void xor_part(uint8_t *dst, const uint8_t *src, size_t len, __m512i stream)
{
	__mmask64 mask = _bzhi_u64(UINT64_MAX, (unsigned)len);

	_mm512_mask_storeu_epi8(dst, mask, _mm512_xor_si512(stream, _mm512_maskz_loadu_epi8(mask, src)));
}

static inline void xor_text(const struct pass *pass, const struct run *run)
{
	const uint8_t (*stream)[BLOCK] = pass->stream.blocks + run->lane + run->is_first;
	size_t at = text_begin(run), end = text_end(run);
	const uint8_t *src = run->job->src;
	uint8_t *dst = run->job->dst;

	for (; at + BLOCK <= end; at += BLOCK, stream++)
		_mm512_storeu_si512(dst + at, _mm512_xor_si512(_mm512_loadu_si512(src + at),
							       _mm512_load_si512(stream)));
	if (at < end)
		xor_part(dst + at, src + at, end - at, _mm512_load_si512(stream));
}

static inline struct wr_chacha20_aside steps_of(struct wr_poly1305 *poly)
{
	unsigned steps = wr_poly1305_steps(poly);

	return (struct wr_chacha20_aside){
		poly, steps < WR_CHACHA20_STEPS ? steps : WR_CHACHA20_STEPS
	};
}

/* Makes the key stream, and hashes what the pass before left to do. */
static void make(const struct wr_key *key, struct pass *pass, const struct pass *before)
{
	struct wr_chacha20_aside aside = { 0 };

	if (before)
		aside = steps_of(before->from_before);
	if (before && aside.steps == 0)
		aside = steps_of(before->to_next);
	pass->written = wr_chacha20_run(key, &pass->lanes, pass->used, aside, &pass->stream);
}

/* Constant time, and shorter than the call of a library. */
static inline bool are_equal(const uint8_t a[WR_AEAD_TAG_LEN], const uint8_t b[WR_AEAD_TAG_LEN])
{
	uint64_t ours[2], theirs[2];

	memcpy(ours, a, sizeof(ours));
	memcpy(theirs, b, sizeof(theirs));
	return ((ours[0] ^ theirs[0]) | (ours[1] ^ theirs[1])) == 0;
}

/* Where a packet of the pass is hashed. */
static inline struct wr_poly1305 *poly_of(struct wr_aead_context *context, const struct pass *pass,
					  const struct run *run)
{
	if (!run->is_first)
		return pass->from_before;
	return run->is_last ? &context->short_poly : pass->to_next;
}

static inline void wipe(void *memory, size_t len)
{
	for (size_t at = 0; at < len; at += 64)
		_mm512_store_si512((uint8_t *)memory + at, _mm512_setzero_si512());
}

static inline void wipe_pass(struct pass *pass)
{
	wipe(&pass->stream, (size_t)pass->written * BLOCK);
	pass->written = 0;
}

static void wipe_context(struct wr_aead_context *context)
{
	static_assert(sizeof(struct wr_poly1305) % 64 == 0, "whole vectors");
	if (context->passes[1].written)
		wipe(context->long_polys, sizeof(context->long_polys));
	wipe(&context->short_poly, sizeof(context->short_poly));
	wipe_pass(&context->passes[0]);
	wipe_pass(&context->passes[1]);
}

/* ---- seal: a text is hidden, then hashed ---- */

static void hide(struct wr_aead_context *context, struct pass *pass)
{
	struct work work = pass->work;
	struct run run;

	for (unsigned lane = 0; next_run(&work, lane, &run); lane += run.count) {
		struct wr_poly1305 *poly = poly_of(context, pass, &run);

		if (run.is_first)
			wr_poly1305_begin(poly, pass->stream.blocks[lane], run.job->dst, run.job->len);
		xor_text(pass, &run);
		wr_poly1305_provide(poly, text_end(&run));
		if (run.is_first && run.is_last)
			wr_poly1305_finish(poly, run.job->dst + run.job->len);
	}
}

/* The tag of the packet that came from the pass before, if it ended in this one: late,
 * so that most of it was hashed while the next pass was made. */
static void write_tag(struct pass *pass)
{
	struct work work = pass->work;
	struct run run;

	if (work.block && next_run(&work, 0, &run) && run.is_last)
		wr_poly1305_finish(pass->from_before, run.job->dst + run.job->len);
}

static void seal(struct wr_aead_context *context, const struct wr_key *key,
		 struct wr_aead_job *jobs, size_t count)
{
	struct work work = { jobs, jobs + count, 0 };
	struct pass *before = NULL;

	while (work.jobs < work.end) {
		struct pass *pass = &context->passes[before == &context->passes[0]];

		fill(context, pass, &work);
		make(key, pass, before);
		if (before)
			write_tag(before);
		hide(context, pass);
		before = pass;
	}
	if (before)
		write_tag(before);
	wipe_context(context);
}

/* ---- open: a text is hashed, then shown ---- */

static void check(struct wr_poly1305 *poly, struct wr_aead_job *job)
{
	uint8_t tag[WR_AEAD_TAG_LEN];

	wr_poly1305_finish(poly, tag);
	job->is_authentic = are_equal(tag, job->src + job->len);
}

/* The packet that goes on into the next pass, if it begins in this one. */
static void begin_last(struct pass *pass)
{
	struct work work = pass->work;
	struct run run;

	for (unsigned lane = 0; next_run(&work, lane, &run); lane += run.count) {
		if (run.is_first && !run.is_last) {
			wr_poly1305_begin(pass->to_next, pass->stream.blocks[lane], run.job->src,
					  run.job->len);
			wr_poly1305_provide(pass->to_next, run.job->len);
		}
	}
}

/* In place, a text must be hashed before it is shown: all of it if the steps aside
 * have not come that far. */
static void show(struct wr_aead_context *context, struct pass *pass)
{
	struct work work = pass->work;
	struct run run;

	for (unsigned lane = 0; next_run(&work, lane, &run); lane += run.count) {
		struct wr_poly1305 *poly = poly_of(context, pass, &run);

		if (run.is_first && run.is_last) {
			wr_poly1305_begin(poly, pass->stream.blocks[lane], run.job->src, run.job->len);
			wr_poly1305_provide(poly, run.job->len);
		}
		if (!poly->is_finished && (run.is_last || text_end(&run) > poly->hashed))
			check(poly, run.job);
		xor_text(pass, &run);
	}
}

static void open(struct wr_aead_context *context, const struct wr_key *key,
		 struct wr_aead_job *jobs, size_t count)
{
	struct work work = { jobs, jobs + count, 0 };
	struct pass *before = NULL;

	while (work.jobs < work.end) {
		struct pass *pass = &context->passes[before == &context->passes[0]];

		fill(context, pass, &work);
		make(key, pass, before);
		if (before)
			show(context, before);
		begin_last(pass);
		before = pass;
	}
	if (before)
		show(context, before);
	wipe_context(context);
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
