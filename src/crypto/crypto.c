#include "crypto/crypto.h"

#include <errno.h>
#include <sodium.h>

int wr_crypto_start(void)
{
	return sodium_init() < 0 ? -ENOSYS : 0;
}

void wr_random(void *memory, size_t len)
{
	if (len)
		randombytes_buf(memory, len);
}
