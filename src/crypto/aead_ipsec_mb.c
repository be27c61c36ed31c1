#include <intel-ipsec-mb.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aead_backends.h"

#define NONCE_LEN 12

struct wr_aead_context { IMB_MGR *manager; };

static void context_free(struct wr_aead_context *context)
{
	if (!context)
		return;
	if (context->manager) {
		wr_wipe(context->manager->jobs, sizeof(context->manager->jobs));
		free_mb_mgr(context->manager);
	}
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
	return context;
}

static void write_nonce(uint64_t counter, uint8_t ret[NONCE_LEN])
{
	memset(ret, 0, 4);
	memcpy(ret + 4, &counter, 8);
}

static IMB_JOB *next_job(IMB_MGR *manager, const struct wr_key *key, const struct wr_aead_job *from,
			 const uint8_t *nonce, uint8_t *tag)
{
	IMB_JOB *job = IMB_GET_NEXT_JOB(manager);

	memset(job, 0, sizeof(*job));
	job->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
	job->hash_alg = IMB_AUTH_CHACHA20_POLY1305;
	job->enc_keys = key->bytes;
	job->dec_keys = key->bytes;
	job->key_len_in_bytes = WR_KEY_LEN;
	job->src = from->src;
	job->dst = from->dst;
	job->msg_len_to_cipher_in_bytes = from->len;
	job->msg_len_to_hash_in_bytes = from->len;
	job->iv = nonce;
	job->iv_len_in_bytes = NONCE_LEN;
	job->auth_tag_output = tag;
	job->auth_tag_output_len_in_bytes = WR_AEAD_TAG_LEN;
	return job;
}

static void submit(IMB_MGR *manager, IMB_JOB *job)
{
	IMB_JOB *done = IMB_SUBMIT_JOB_NOCHECK(manager);

	/* This algorithm has no lanes that wait for company. */
	assert(done == job && done->status == IMB_STATUS_COMPLETED);
}

static void seal(struct wr_aead_context *context, const struct wr_key *key,
		 struct wr_aead_job *jobs, size_t count)
{
	uint8_t nonce[NONCE_LEN];

	for (size_t i = 0; i < count; i++) {
		IMB_JOB *job = next_job(context->manager, key, &jobs[i], nonce,
					jobs[i].dst + jobs[i].len);

		write_nonce(jobs[i].counter, nonce);
		job->cipher_direction = IMB_DIR_ENCRYPT;
		job->chain_order = IMB_ORDER_CIPHER_HASH;
		submit(context->manager, job);
	}
}

static void open(struct wr_aead_context *context, const struct wr_key *key,
		 struct wr_aead_job *jobs, size_t count)
{
	uint8_t nonce[NONCE_LEN], tag[WR_AEAD_TAG_LEN], want[WR_AEAD_TAG_LEN];

	for (size_t i = 0; i < count; i++) {
		IMB_JOB *job = next_job(context->manager, key, &jobs[i], nonce, tag);

		memcpy(want, jobs[i].src + jobs[i].len, sizeof(want));
		write_nonce(jobs[i].counter, nonce);
		job->cipher_direction = IMB_DIR_DECRYPT;
		job->chain_order = IMB_ORDER_HASH_CIPHER;
		submit(context->manager, job);
		jobs[i].is_authentic = sodium_memcmp(tag, want, sizeof(tag)) == 0;
	}
	wr_wipe(tag, sizeof(tag));
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

	if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("bmi2") ||
	    !__builtin_cpu_supports("aes") || !__builtin_cpu_supports("pclmul"))
		return NULL;
	return &aead;
}
