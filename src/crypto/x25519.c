#include <sodium.h>
#include <string.h>

#include "crypto/noise.h"

void wr_x25519_clamp(struct wr_key *private_key)
{
	private_key->bytes[0] &= 248;
	private_key->bytes[31] &= 127;
	private_key->bytes[31] |= 64;
}

struct wr_key wr_x25519_public(const struct wr_key *private_key)
{
	struct wr_key public_key;

	crypto_scalarmult_curve25519_base(public_key.bytes, private_key->bytes);
	return public_key;
}

bool wr_x25519(const struct wr_key *private_key, const struct wr_key *public_key,
	       struct wr_key *ret_shared)
{
	struct wr_key shared;
	bool is_usable = crypto_scalarmult_curve25519(shared.bytes, private_key->bytes,
						      public_key->bytes) == 0;

	if (is_usable)
		*ret_shared = shared;
	wr_wipe(&shared, sizeof(shared));
	return is_usable;
}
