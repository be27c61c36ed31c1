#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aead_backends.h"

#define NONCE_LEN 12

/* OpenSSL's calls fail where memory is short or the algorithm is forbidden; both
 * were settled in context_new(), so afterwards they cannot. */
struct wr_aead_context {
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *evp;
};

static void context_free(struct wr_aead_context *context)
{
	if (!context)
		return;
	EVP_CIPHER_CTX_free(context->evp);      /* wipes the key */
	EVP_CIPHER_free(context->cipher);
	free(context);
}

static bool fetch(struct wr_aead_context *context)
{
	context->cipher = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
	context->evp = EVP_CIPHER_CTX_new();
	return context->cipher && context->evp &&
	       EVP_CipherInit_ex2(context->evp, context->cipher, NULL, NULL, 1, NULL) == 1;
}

static struct wr_aead_context *context_new(void)
{
	struct wr_aead_context *context = calloc(1, sizeof(*context));

	if (context && !fetch(context)) {
		context_free(context);
		return NULL;
	}
	return context;
}

static void set_key(struct wr_aead_context *context, const struct wr_key *key, int is_seal)
{
	int done = EVP_CipherInit_ex2(context->evp, NULL, key->bytes, NULL, is_seal, NULL);

	assert(done == 1);
}

static void set_nonce(struct wr_aead_context *context, uint64_t counter)
{
	uint8_t nonce[NONCE_LEN] = { 0 };
	int done;

	for (unsigned i = 0; i < 8; i++)
		nonce[4 + i] = (uint8_t)(counter >> (8 * i));
	done = EVP_CipherInit_ex2(context->evp, NULL, NULL, nonce, -1, NULL);
	assert(done == 1);
}

/* Not for len 0, which EVP takes for the end of the message. */
static void cipher(struct wr_aead_context *context, const struct wr_aead_job *job)
{
	int len, done;

	if (job->len == 0)
		return;
	done = EVP_CipherUpdate(context->evp, job->dst, &len, job->src, (int)job->len);
	assert(done == 1 && len == (int)job->len);
}

static void seal_one(struct wr_aead_context *context, const struct wr_aead_job *job)
{
	int len, done;

	set_nonce(context, job->counter);
	cipher(context, job);
	done = EVP_CipherFinal_ex(context->evp, job->dst + job->len, &len);
	assert(done == 1);
	done = EVP_CIPHER_CTX_ctrl(context->evp, EVP_CTRL_AEAD_GET_TAG, WR_AEAD_TAG_LEN,
				   job->dst + job->len);
	assert(done == 1);
}

static void open_one(struct wr_aead_context *context, struct wr_aead_job *job)
{
	uint8_t tag[WR_AEAD_TAG_LEN];
	int len, done;

	memcpy(tag, job->src + job->len, sizeof(tag));
	set_nonce(context, job->counter);
	done = EVP_CIPHER_CTX_ctrl(context->evp, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag);
	assert(done == 1);
	cipher(context, job);
	job->is_authentic = EVP_CipherFinal_ex(context->evp, tag, &len) == 1;
}

static void seal(struct wr_aead_context *context, const struct wr_key *key,
		 struct wr_aead_job *jobs, size_t count)
{
	set_key(context, key, 1);
	for (size_t i = 0; i < count; i++)
		seal_one(context, &jobs[i]);
}

static void open(struct wr_aead_context *context, const struct wr_key *key,
		 struct wr_aead_job *jobs, size_t count)
{
	set_key(context, key, 0);
	for (size_t i = 0; i < count; i++)
		open_one(context, &jobs[i]);
}

const struct wr_aead *wr_aead_libcrypto(void)
{
	static const struct wr_aead aead = {
		.name = "libcrypto",
		.context_new = context_new,
		.context_free = context_free,
		.seal = seal,
		.open = open,
	};

	return &aead;
}
