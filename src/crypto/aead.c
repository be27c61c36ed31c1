#include "crypto/aead.h"

#include <string.h>

#include "crypto/aead_backends.h"

/* Fastest first; each of them or NULL. */
static const struct wr_aead *(*const backends[])(void) = {
	wr_aead_ipsec_mb,
	wr_aead_libcrypto,
};

const struct wr_aead *const *wr_aead_all(void)
{
	/* Filled with the same values by whoever comes first, its first entry last. */
	static const struct wr_aead *all[WR_ARRAY_LEN(backends) + 1];
	const struct wr_aead *found[WR_ARRAY_LEN(backends)];
	size_t count = 0;

	if (all[0])
		return all;
	for (size_t i = 0; i < WR_ARRAY_LEN(backends); i++) {
		found[count] = backends[i]();
		count += found[count] != NULL;
	}
	while (count-- > 0)
		all[count] = found[count];
	return all;
}

const struct wr_aead *wr_aead_pick(const char *name)
{
	const struct wr_aead *const *all = wr_aead_all();

	for (size_t i = 0; name && all[i]; i++) {
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	}
	return all[0];
}
