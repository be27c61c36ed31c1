/* 32-byte keys and their text forms; secrets are compared in constant time and
 * wiped.
 *
 * Floor 0. */
#pragma once

#include "base/base.h"

#define WR_KEY_LEN 32
#define WR_KEY_HEX_LEN 64    /* without the terminating NUL */
#define WR_KEY_BASE64_LEN 44 /* without the terminating NUL */

struct wr_key {
	uint8_t bytes[WR_KEY_LEN];
};

/* Constant time. */
bool wr_key_equal(const struct wr_key *a, const struct wr_key *b);
/* Constant time. */
bool wr_key_is_zero(const struct wr_key *key);

/* Overwrites memory in a way that the compiler cannot leave out. */
void wr_wipe(void *memory, size_t len);

/* True if `text` (not NUL-terminated, `len` bytes) is exactly 64 hexadecimal
 * digits; constant time in the digits' values. */
bool wr_key_from_hex(const char *text, size_t len, struct wr_key *ret_key) WR_MUST_CHECK;
/* Writes 64 lower-case digits and a NUL; constant time in the key. */
void wr_key_to_hex(const struct wr_key *key, char ret_text[WR_KEY_HEX_LEN + 1]);
/* Writes 44 characters and a NUL. */
void wr_key_to_base64(const struct wr_key *key, char ret_text[WR_KEY_BASE64_LEN + 1]);
/* True if the NUL-terminated text is a key in base64, written the one way there is. Not constant
 * time: for public keys. */
bool wr_key_from_base64(const char *text, struct wr_key *ret_key) WR_MUST_CHECK;
