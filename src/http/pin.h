/* The pin of a certificate that OpenSSL holds (http/certificate.h has it of a file).
 *
 * Floor 7.  Any thread. */
#pragma once

#include <openssl/x509.h>

#include "http/certificate.h"

/* 0 or -EINVAL. */
int wr_pin_of(X509 *certificate, char ret_pin[WR_PIN_LEN + 1]) WR_MUST_CHECK;
