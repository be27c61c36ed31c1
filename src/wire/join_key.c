#include "wire/join_key.h"

#include <sodium.h>
#include <string.h>

#include "base/key.h"
#include "base/reader.h"
#include "wire/code.h"

#define FORMAT 1
#define FLAG_PLAIN 1
#define FLAG_PIN 2
#define HEAD_LEN (2 + 32 + WR_JOIN_SECRET_LEN)
#define ADDRESS_LEN_MAX (sizeof(((struct wr_join_key *)0)->address) - 1)
#define BYTES_MAX (HEAD_LEN + ADDRESS_LEN_MAX)

static_assert(WR_CODE_TEXT_LEN(BYTES_MAX) <= WR_JOIN_KEY_TEXT_LEN, "the longest fits");

static const struct wr_code code = { "wrj_", "a join key", "join key", "`warren key create`" };

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
	uint8_t bytes[BYTES_MAX + WR_CODE_SUM_LEN];
	size_t len; /* without the checksum */
};

static bool is_all_zero(const uint8_t *bytes, size_t len)
{
	return sodium_is_zero(bytes, len) == 1;
}

static int read_key(const struct bytes *bytes, struct wr_join_key *key, char ret_why[200])
{
	struct wr_reader reader = wr_reader_of((struct wr_bytes){ bytes->bytes, bytes->len });
	uint8_t format = wr_read_u8(&reader), flags = wr_read_u8(&reader);
	size_t address_len = bytes->len > HEAD_LEN ? bytes->len - HEAD_LEN : 0;

	if (format != FORMAT || flags & ~(FLAG_PLAIN | FLAG_PIN))
		return wr_code_fail(ret_why,
				    "the join key is of a later version; use a newer warren");
	key->is_plain = flags & FLAG_PLAIN;
	key->has_pin = flags & FLAG_PIN;
	wr_read_into(&reader, key->pin, sizeof(key->pin));
	wr_read_into(&reader, key->secret, sizeof(key->secret));
	wr_read_into(&reader, key->address, address_len);
	/* Each key has one way to be written. */
	if (reader.bad || memchr(key->address, 0, address_len) ||
	    !wr_join_address_is_good(key->address) ||
	    (!key->has_pin && !is_all_zero(key->pin, sizeof(key->pin))))
		return wr_code_fail(ret_why,
				    "the join key names no address of a server; make a new one");
	return 0;
}

int wr_join_key_parse(const char *text, struct wr_join_key *ret_key, char ret_why[200])
{
	struct wr_join_key key = { 0 };
	struct bytes bytes = { .len = 0 };
	int status = wr_code_read(&code, text, bytes.bytes, sizeof(bytes.bytes), &bytes.len,
				  ret_why);

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
	wr_code_write(&code, bytes.bytes, bytes.len, ret_text, WR_JOIN_KEY_TEXT_LEN);
	wr_wipe(&bytes, sizeof(bytes));
}
