#include "base/key.h"

#include <string.h>

/* Keys are turned into text and back without a table or a branch that depends on
 * them: what a cache or a branch predictor remembers tells nothing. */

/* Keeps the compiler from reasoning about `value`, as it would to leave a loop
 * early. */
static inline uint32_t opaque(uint32_t value)
{
	__asm__("" : "+r"(value));
	return value;
}

/* All ones if a <= b, else 0; both below 2^31. */
static inline uint32_t mask_at_most(uint32_t a, uint32_t b)
{
	return ~(0 - opaque((b - a) >> 31));
}

static inline uint32_t mask_between(uint32_t value, uint32_t low, uint32_t high)
{
	return mask_at_most(low, value) & mask_at_most(value, high);
}

bool wr_key_equal(const struct wr_key *a, const struct wr_key *b)
{
	uint32_t difference = 0;

	for (size_t i = 0; i < WR_KEY_LEN; i++)
		difference |= opaque(a->bytes[i] ^ b->bytes[i]);
	return difference == 0;
}

bool wr_key_is_zero(const struct wr_key *key)
{
	static const struct wr_key zero;

	return wr_key_equal(key, &zero);
}

void wr_wipe(void *memory, size_t len)
{
	if (len)
		explicit_bzero(memory, len);
}

/* The value of a hexadecimal digit; *bad becomes non-zero if it is none. */
static uint32_t digit_value(uint32_t digit, uint32_t *bad)
{
	uint32_t is_number = mask_between(digit, '0', '9');
	uint32_t is_lower = mask_between(digit, 'a', 'f');
	uint32_t is_upper = mask_between(digit, 'A', 'F');

	*bad |= ~(is_number | is_lower | is_upper);
	return (is_number & (digit - '0')) | (is_lower & (digit - 'a' + 10)) |
	       (is_upper & (digit - 'A' + 10));
}

bool wr_key_from_hex(const char *text, size_t len, struct wr_key *ret_key)
{
	struct wr_key key;
	uint32_t bad = 0;

	if (len != WR_KEY_HEX_LEN)
		return false;
	for (size_t i = 0; i < WR_KEY_LEN; i++) {
		uint32_t high = digit_value((uint8_t)text[2 * i], &bad);
		uint32_t low = digit_value((uint8_t)text[2 * i + 1], &bad);

		key.bytes[i] = (uint8_t)(high << 4 | low);
	}
	if (!bad)
		*ret_key = key;
	wr_wipe(&key, sizeof(key));
	return !bad;
}

static char hex_digit(uint32_t value)
{
	return (char)('0' + value + (mask_at_most(10, value) & ('a' - '0' - 10)));
}

void wr_key_to_hex(const struct wr_key *key, char ret_text[WR_KEY_HEX_LEN + 1])
{
	for (size_t i = 0; i < WR_KEY_LEN; i++) {
		ret_text[2 * i] = hex_digit(key->bytes[i] >> 4);
		ret_text[2 * i + 1] = hex_digit(key->bytes[i] & 15);
	}
	ret_text[WR_KEY_HEX_LEN] = '\0';
}

/* RFC 4648 section 4: A-Z, a-z, 0-9, +, /. */
static char base64_digit(uint32_t value)
{
	uint32_t digit = 'A' + value;

	digit += mask_at_most(26, value) & ('a' - 'A' - 26);
	digit -= mask_at_most(52, value) & ('a' + 26 - '0');
	digit -= mask_at_most(62, value) & ('0' + 10 - '+');
	digit += mask_at_most(63, value) & ('/' - '+' - 1);
	return (char)digit;
}

static void base64_triple(const uint8_t bytes[3], char ret_text[4])
{
	uint32_t triple = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];

	for (unsigned i = 0; i < 4; i++)
		ret_text[i] = base64_digit(triple >> (18 - 6 * i) & 63);
}

void wr_key_to_base64(const struct wr_key *key, char ret_text[WR_KEY_BASE64_LEN + 1])
{
	uint8_t last[3] = { key->bytes[30], key->bytes[31], 0 };

	for (size_t i = 0; i < 10; i++)
		base64_triple(key->bytes + 3 * i, ret_text + 4 * i);
	base64_triple(last, ret_text + 40);
	ret_text[43] = '=';
	ret_text[44] = '\0';
	wr_wipe(last, sizeof(last));
}

/* The value of a digit of base64; 64 for what is none. */
static unsigned base64_value(char digit)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = digit ? strchr(digits, digit) : NULL;

	return found ? (unsigned)(found - digits) : 64;
}

bool wr_key_from_base64(const char *text, struct wr_key *ret_key)
{
	struct wr_key key;
	unsigned held = 0, bits = 0;
	size_t len = 0;

	if (strlen(text) != WR_KEY_BASE64_LEN || text[WR_KEY_BASE64_LEN - 1] != '=')
		return false;
	for (size_t i = 0; i < WR_KEY_BASE64_LEN - 1; i++) {
		unsigned value = base64_value(text[i]);

		if (value > 63)
			return false;
		held = (held << 6 | value) & 0xffff;
		bits += 6;
		if (bits >= 8)
			key.bytes[len++] = (uint8_t)(held >> (bits -= 8));
	}
	/* 258 bits: the last two are not of the key. */
	if (held & 3)
		return false;
	*ret_key = key;
	return true;
}
