/* Whether the other side of a TLS connection is who it should be.
 *
 * Floor 7.  One thread a connection. */
#pragma once

#include "http/certificate.h"
#include "http/tls.h"

#define WR_WHY_LEN 200

/* Once the handshake is done: 0, or a negative errno with what is wrong in `why` (-EKEYREJECTED:
 * not to be trusted). `pin` NULL: the system's authorities decide. `ret_pin` is what was shown. */
int wr_trust_check(const struct wr_tls *tls, const char *host, const char *pin,
		   char ret_pin[WR_PIN_LEN + 1], char why[WR_WHY_LEN]) WR_MUST_CHECK;
