#include <intel-ipsec-mb.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aead_backends.h"

#define NONCE_LEN 12

/* Measured with 1420 bytes on a Sapphire Rapids at 2.2 GHz, ns a packet: jobs 705,
 * jobs with all fields written anew 723, bursts of jobs 720, the direct functions
 * 897. */
struct wr_aead_context {
	IMB_MGR *manager;
	uint8_t nonce[NONCE_LEN];
	uint8_t tag[WR_AEAD_TAG_LEN];
};

/* The manager hands its jobs out in turn and leaves in them what was there: what
 * never changes is written once. */
static void prepare_jobs(struct wr_aead_context *context)
{
	for (size_t i = 0; i < IMB_MAX_JOBS; i++) {
		context->manager->jobs[i] = (IMB_JOB){
			.cipher_mode = IMB_CIPHER_CHACHA20_POLY1305,
			.hash_alg = IMB_AUTH_CHACHA20_POLY1305,
			.key_len_in_bytes = WR_KEY_LEN,
			.iv = context->nonce,
			.iv_len_in_bytes = NONCE_LEN,
			.auth_tag_output_len_in_bytes = WR_AEAD_TAG_LEN,
		};
	}
}

/* The library wipes the keystream and the one-time keys that it makes; the jobs
 * have pointers only. */
static void context_free(struct wr_aead_context *context)
{
	if (!context)
		return;
	if (context->manager)
		free_mb_mgr(context->manager);
	free(context);
}

static struct wr_aead_context *context_new(void)
{
	struct wr_aead_context *context = calloc(1, sizeof(*context));

	if (!context)
		return NULL;
	context->manager = alloc_mb_mgr(0);
	if (context->manager)
		init_mb_mgr_auto(context->manager, NULL);
	if (!context->manager || imb_get_errno(context->manager)) {
		context_free(context);
		return NULL;
	}
	prepare_jobs(context);
	return context;
}

static void set_nonce(struct wr_aead_context *context, uint64_t counter)
{
	memcpy(context->nonce + 4, &counter, sizeof(counter));
}

static void run(struct wr_aead_context *context, const struct wr_key *key,
		const struct wr_aead_job *from, uint8_t *tag, IMB_CIPHER_DIRECTION direction,
		IMB_CHAIN_ORDER order)
{
	IMB_JOB *job = IMB_GET_NEXT_JOB(context->manager), *done;

	job->enc_keys = key->bytes;
	job->dec_keys = key->bytes;
	job->src = from->src;
	job->dst = from->dst;
	job->msg_len_to_cipher_in_bytes = from->len;
	job->msg_len_to_hash_in_bytes = from->len;
	job->auth_tag_output = tag;
	job->cipher_direction = direction;
	job->chain_order = order;
	set_nonce(context, from->counter);
	done = IMB_SUBMIT_JOB_NOCHECK(context->manager);
	/* This algorithm has no lanes that wait for company. */
	assert(done == job && done->status == IMB_STATUS_COMPLETED);
}

static void seal(struct wr_aead_context *context, const struct wr_key *key,
		 struct wr_aead_job *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		run(context, key, &jobs[i], jobs[i].dst + jobs[i].len, IMB_DIR_ENCRYPT,
		    IMB_ORDER_CIPHER_HASH);
}

/* Constant time, and shorter than the call of a library. */
static bool are_equal(const uint8_t a[WR_AEAD_TAG_LEN], const uint8_t b[WR_AEAD_TAG_LEN])
{
	uint64_t ours[2], theirs[2];

	memcpy(ours, a, sizeof(ours));
	memcpy(theirs, b, sizeof(theirs));
	return ((ours[0] ^ theirs[0]) | (ours[1] ^ theirs[1])) == 0;
}

static void open(struct wr_aead_context *context, const struct wr_key *key,
		 struct wr_aead_job *jobs, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		run(context, key, &jobs[i], context->tag, IMB_DIR_DECRYPT, IMB_ORDER_HASH_CIPHER);
		jobs[i].is_authentic = are_equal(context->tag, jobs[i].src + jobs[i].len);
	}
	wr_wipe(context->tag, sizeof(context->tag));
}

const struct wr_aead *wr_aead_ipsec_mb(void)
{
	static const struct wr_aead aead = {
		.name = "ipsec-mb",
		.context_new = context_new,
		.context_free = context_free,
		.seal = seal,
		.open = open,
	};

	/* What the library wants for its AVX2 code, and AVX2: below it, libcrypto is as
	 * fast. */
	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2") ||
	    !__builtin_cpu_supports("aes") || !__builtin_cpu_supports("pclmul"))
		return NULL;
	return &aead;
}
