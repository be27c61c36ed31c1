#include "wire/join_key.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/key.h"
#include "base/reader.h"
#include "crypto/noise.h"

#define PREFIX "wrj_"
#define PREFIX_LEN 4
#define FORMAT 1
#define FLAG_PLAIN 1
#define FLAG_PIN 2
#define HEAD_LEN (2 + 32 + WR_JOIN_SECRET_LEN)
#define SUM_LEN 4
#define ADDRESS_LEN_MAX (sizeof(((struct wr_join_key *)0)->address) - 1)
#define BYTES_MAX (HEAD_LEN + ADDRESS_LEN_MAX + SUM_LEN)
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

/* --- The address. --- */

static bool is_host(const char *host, size_t len)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_";

	if (len > 2 && host[0] == '[' && host[len - 1] == ']')
		return strspn(host + 1, "0123456789abcdefABCDEF:.") == len - 2;
	return len > 0 && strspn(host, letters) == len;
}

/* One to five digits, without a zero before them: 1 to 65535. */
static bool is_port(const char *text)
{
	size_t len = strspn(text, "0123456789");
	unsigned long port = 0;

	if (len == 0 || len > 5 || text[len] || text[0] == '0')
		return false;
	for (size_t i = 0; i < len; i++)
		port = 10 * port + (unsigned long)(text[i] - '0');
	return port <= UINT16_MAX;
}

bool wr_join_address_is_good(const char *address)
{
	const char *colon = strrchr(address, ':');

	return colon && strlen(address) <= ADDRESS_LEN_MAX &&
	       is_host(address, (size_t)(colon - address)) && is_port(colon + 1);
}

/* --- Parse. --- */

struct bytes {
	uint8_t bytes[BYTES_MAX];
	size_t len;
};

static void sum_of(const uint8_t *bytes, size_t len, uint8_t ret_sum[SUM_LEN])
{
	struct wr_hash hash = wr_hash2((struct wr_bytes){ bytes, len }, (struct wr_bytes){ 0 });

	memcpy(ret_sum, hash.bytes, SUM_LEN);
	wr_wipe(&hash, sizeof(hash));
}

static int fail(char ret_why[200], const char *why)
{
	snprintf(ret_why, 200, "%s", why);
	return -EINVAL;
}

static int decode(const char *text, struct bytes *ret_bytes, char ret_why[200])
{
	static const char spaces[] = " \t\r\n";
	const char *begin = text + strspn(text, spaces);
	size_t len = strcspn(begin, spaces);

	if (begin[len + strspn(begin + len, spaces)])
		return fail(ret_why, "a join key is one word; this has spaces in it");
	if (strncmp(begin, PREFIX, PREFIX_LEN) != 0)
		return fail(ret_why, "this is no join key: one begins with " PREFIX
				     " (`warren key create` prints it)");
	if (sodium_base642bin(ret_bytes->bytes, sizeof(ret_bytes->bytes), begin + PREFIX_LEN,
			      len - PREFIX_LEN, NULL, &ret_bytes->len, NULL, BASE64) != 0)
		return fail(ret_why, "the join key is damaged: it has letters that none has, or is "
				     "too long; copy it once more");
	return 0;
}

static bool is_whole(const struct bytes *bytes)
{
	uint8_t sum[SUM_LEN];

	if (bytes->len <= HEAD_LEN + SUM_LEN)
		return false;
	sum_of(bytes->bytes, bytes->len - SUM_LEN, sum);
	return memcmp(sum, bytes->bytes + bytes->len - SUM_LEN, SUM_LEN) == 0;
}

static bool is_all_zero(const uint8_t *bytes, size_t len)
{
	return sodium_is_zero(bytes, len) == 1;
}

/* `bytes` are whole. */
static int read_key(const struct bytes *bytes, struct wr_join_key *key, char ret_why[200])
{
	struct wr_reader reader = wr_reader_of((struct wr_bytes){ bytes->bytes, bytes->len });
	uint8_t format = wr_read_u8(&reader), flags = wr_read_u8(&reader);
	size_t address_len = bytes->len - HEAD_LEN - SUM_LEN;

	if (format != FORMAT || flags & ~(FLAG_PLAIN | FLAG_PIN))
		return fail(ret_why, "the join key is of a later version; use a newer warren");
	key->is_plain = flags & FLAG_PLAIN;
	key->has_pin = flags & FLAG_PIN;
	wr_read_into(&reader, key->pin, sizeof(key->pin));
	wr_read_into(&reader, key->secret, sizeof(key->secret));
	wr_read_into(&reader, key->address, address_len);
	/* Each key has one way to be written. */
	if (reader.bad || memchr(key->address, 0, address_len) ||
	    !wr_join_address_is_good(key->address) ||
	    (!key->has_pin && !is_all_zero(key->pin, sizeof(key->pin))))
		return fail(ret_why, "the join key names no address of a server; make a new one");
	return 0;
}

int wr_join_key_parse(const char *text, struct wr_join_key *ret_key, char ret_why[200])
{
	struct wr_join_key key = { 0 };
	struct bytes bytes = { .len = 0 };
	int status = decode(text, &bytes, ret_why);

	if (!status && !is_whole(&bytes))
		status = fail(ret_why, "the join key is cut short or has a typo; copy it once "
				       "more");
	if (!status)
		status = read_key(&bytes, &key, ret_why);
	if (!status)
		*ret_key = key;
	wr_wipe(&bytes, sizeof(bytes));
	wr_wipe(&key, sizeof(key));
	return status;
}

/* --- Format. --- */

void wr_join_key_format(const struct wr_join_key *key, char ret_text[WR_JOIN_KEY_TEXT_LEN])
{
	size_t address_len = strlen(key->address);
	struct bytes bytes = { .len = HEAD_LEN + address_len };
	uint8_t *at = bytes.bytes;

	assert(wr_join_address_is_good(key->address));
	*at++ = FORMAT;
	*at++ = (uint8_t)((key->is_plain ? FLAG_PLAIN : 0) | (key->has_pin ? FLAG_PIN : 0));
	if (key->has_pin)
		memcpy(at, key->pin, sizeof(key->pin));
	at += sizeof(key->pin);
	memcpy(at, key->secret, sizeof(key->secret));
	memcpy(at + sizeof(key->secret), key->address, address_len);
	sum_of(bytes.bytes, bytes.len, bytes.bytes + bytes.len);
	bytes.len += SUM_LEN;
	memcpy(ret_text, PREFIX, PREFIX_LEN);
	sodium_bin2base64(ret_text + PREFIX_LEN, WR_JOIN_KEY_TEXT_LEN - PREFIX_LEN, bytes.bytes,
			  bytes.len, BASE64);
	wr_wipe(&bytes, sizeof(bytes));
}
