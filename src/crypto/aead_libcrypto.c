#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/aead_backends.h"

#define NONCE_LEN 12

/* OpenSSL's calls fail where memory is short or the algorithm is forbidden; both
 * were settled in context_new(), so afterwards they cannot. */
struct wr_aead_context {
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *seal, *open;
	uint8_t tag[WR_AEAD_TAG_LEN];
	OSSL_PARAM tag_param[2]; /* names `tag`: half the time of EVP_CIPHER_CTX_ctrl() */
};

static void context_free(struct wr_aead_context *context)
{
	if (!context)
		return;
	EVP_CIPHER_CTX_free(context->seal); /* wipe their keys */
	EVP_CIPHER_CTX_free(context->open);
	EVP_CIPHER_free(context->cipher);
	free(context);
}

static bool fetch(struct wr_aead_context *context)
{
	context->cipher = EVP_CIPHER_fetch(NULL, "ChaCha20-Poly1305", NULL);
	context->seal = EVP_CIPHER_CTX_new();
	context->open = EVP_CIPHER_CTX_new();
	return context->cipher && context->seal && context->open &&
	       EVP_EncryptInit_ex2(context->seal, context->cipher, NULL, NULL, NULL) == 1 &&
	       EVP_DecryptInit_ex2(context->open, context->cipher, NULL, NULL, NULL) == 1;
}

static struct wr_aead_context *context_new(void)
{
	struct wr_aead_context *context = calloc(1, sizeof(*context));

	if (!context)
		return NULL;
	if (!fetch(context)) {
		context_free(context);
		return NULL;
	}
	context->tag_param[0] = OSSL_PARAM_construct_octet_string(
		OSSL_CIPHER_PARAM_AEAD_TAG, context->tag, sizeof(context->tag));
	context->tag_param[1] = OSSL_PARAM_construct_end();
	return context;
}

static void write_nonce(uint64_t counter, uint8_t ret[NONCE_LEN])
{
	memset(ret, 0, 4);
	for (unsigned i = 0; i < 8; i++)
		ret[4 + i] = (uint8_t)(counter >> (8 * i));
}

static void seal_one(struct wr_aead_context *context, const struct wr_aead_job *job)
{
	uint8_t nonce[NONCE_LEN];
	int len, done;

	write_nonce(job->counter, nonce);
	done = EVP_EncryptInit_ex2(context->seal, NULL, NULL, nonce, NULL);
	/* A length of 0 would be taken for the end of the message. */
	if (job->len)
		done &= EVP_EncryptUpdate(context->seal, job->dst, &len, job->src, (int)job->len);
	done &= EVP_EncryptFinal_ex(context->seal, job->dst + job->len, &len);
	done &= EVP_CIPHER_CTX_get_params(context->seal, context->tag_param);
	assert(done == 1);
	memcpy(job->dst + job->len, context->tag, sizeof(context->tag));
}

static void open_one(struct wr_aead_context *context, struct wr_aead_job *job)
{
	uint8_t nonce[NONCE_LEN];
	int len, done;

	write_nonce(job->counter, nonce);
	memcpy(context->tag, job->src + job->len, sizeof(context->tag));
	done = EVP_DecryptInit_ex2(context->open, NULL, NULL, nonce, NULL);
	done &= EVP_CIPHER_CTX_set_params(context->open, context->tag_param);
	if (job->len)
		done &= EVP_DecryptUpdate(context->open, job->dst, &len, job->src, (int)job->len);
	assert(done == 1);
	job->is_authentic = EVP_DecryptFinal_ex(context->open, context->tag, &len) == 1;
}

static void seal(struct wr_aead_context *context, const struct wr_key *key,
		 struct wr_aead_job *jobs, size_t count)
{
	int done = EVP_EncryptInit_ex2(context->seal, NULL, key->bytes, NULL, NULL);

	assert(done == 1);
	for (size_t i = 0; i < count; i++)
		seal_one(context, &jobs[i]);
}

static void open(struct wr_aead_context *context, const struct wr_key *key,
		 struct wr_aead_job *jobs, size_t count)
{
	int done = EVP_DecryptInit_ex2(context->open, NULL, key->bytes, NULL, NULL);

	assert(done == 1);
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
