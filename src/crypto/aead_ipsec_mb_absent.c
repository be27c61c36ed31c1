/* For machines that intel-ipsec-mb does not know. */
#include "crypto/aead_backends.h"

const struct wr_aead *wr_aead_ipsec_mb(void)
{
	return NULL;
}
