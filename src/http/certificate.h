/* Certificates of a server that nobody has certified: a self-signed one, and the pin by
 * which it is known (as HTTP public key pinning had it, RFC 7469).
 *
 * Floor 7.  Any thread. OpenSSL. */
#pragma once

#include "base/base.h"

#define WR_PIN_LEN 44 /* base64 of a SHA-256, without the NUL */

/* Makes an ECDSA P-256 key and a self-signed certificate for the names (DNS names and IP
 * addresses, as texts; the first is its common name too), valid for ten years, and writes
 * both as PEM, mode 0600, each file whole or not at all. 0 or a negative errno
 * (-EINVAL: no names, or one that is longer than 253). */
int wr_certificate_make(const char *cert_file, const char *key_file, const char *const *names,
			size_t count) WR_MUST_CHECK;
/* The pin of the first certificate in the PEM file: base64 of the SHA-256 of its public key
 * (SubjectPublicKeyInfo). 0, -EINVAL where there is none, or a negative errno. */
int wr_certificate_pin(const char *cert_file, char ret_pin[WR_PIN_LEN + 1]) WR_MUST_CHECK;
/* Seconds since 1970 when the first certificate in the PEM file ends. Same result. */
int wr_certificate_expires(const char *cert_file, int64_t *ret_seconds) WR_MUST_CHECK;
