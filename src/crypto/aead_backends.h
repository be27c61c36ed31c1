/* The implementations behind wr_aead_pick().
 *
 * Floor 1, inside. */
#pragma once

#include "crypto/aead.h"

/* NULL where this CPU lacks the vectors that make it worth while. */
const struct wr_aead *wr_aead_ipsec_mb(void);
const struct wr_aead *wr_aead_libcrypto(void);
