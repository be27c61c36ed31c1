#include "crypto/crypto.h"

#include <errno.h>
#include <sodium.h>

#include "base/key.h"

int wr_crypto_start(void)
{
	return sodium_init() < 0 ? -ENOSYS : 0;
}

void wr_random(void *memory, size_t len)
{
	if (len)
		randombytes_buf(memory, len);
}

void wr_random_many(void *memory, size_t len)
{
	uint8_t seed[randombytes_SEEDBYTES];

	randombytes_buf(seed, sizeof(seed));
	randombytes_buf_deterministic(memory, len, seed);
	wr_wipe(seed, sizeof(seed));
}
