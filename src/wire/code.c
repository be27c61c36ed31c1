#include "wire/code.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "crypto/noise.h"

#define PREFIX_LEN 4
#define BASE64 sodium_base64_VARIANT_URLSAFE_NO_PADDING

static void sum_of(const uint8_t *bytes, size_t len, uint8_t ret_sum[WR_CODE_SUM_LEN])
{
	struct wr_hash hash = wr_hash2((struct wr_bytes){ bytes, len }, (struct wr_bytes){ 0 });

	memcpy(ret_sum, hash.bytes, WR_CODE_SUM_LEN);
	wr_wipe(&hash, sizeof(hash));
}

int wr_code_fail(char ret_why[200], const char *why)
{
	snprintf(ret_why, 200, "%s", why);
	return -EINVAL;
}

static int decode(const struct wr_code *code, const char *text, uint8_t *ret_bytes, size_t size,
		  size_t *ret_len, char ret_why[200])
{
	static const char spaces[] = " \t\r\n";
	const char *begin = text + strspn(text, spaces);
	size_t len = strcspn(begin, spaces);
	int said = 0;

	if (begin[len + strspn(begin + len, spaces)])
		said = snprintf(ret_why, 200, "%s is one word; this has spaces in it",
				code->a_name);
	else if (strncmp(begin, code->prefix, PREFIX_LEN) != 0)
		said = snprintf(ret_why, 200, "this is no %s: one begins with %s (%s prints it)",
				code->name, code->prefix, code->printed_by);
	else if (sodium_base642bin(ret_bytes, size, begin + PREFIX_LEN, len - PREFIX_LEN, NULL,
				   ret_len, NULL, BASE64) != 0)
		said = snprintf(ret_why, 200,
				"the %s is damaged: it has letters that none has, or is too long; "
				"copy it once more",
				code->name);
	return said ? -EINVAL : 0;
}

static bool is_whole(const uint8_t *bytes, size_t len)
{
	uint8_t sum[WR_CODE_SUM_LEN];

	if (len <= WR_CODE_SUM_LEN)
		return false;
	sum_of(bytes, len - WR_CODE_SUM_LEN, sum);
	return memcmp(sum, bytes + len - WR_CODE_SUM_LEN, WR_CODE_SUM_LEN) == 0;
}

int wr_code_read(const struct wr_code *code, const char *text, uint8_t *ret_bytes, size_t size,
		 size_t *ret_len, char ret_why[200])
{
	size_t len = 0;

	if (decode(code, text, ret_bytes, size, &len, ret_why) < 0)
		return -EINVAL;
	if (!is_whole(ret_bytes, len)) {
		snprintf(ret_why, 200, "the %s is cut short or has a typo; copy it once more",
			 code->name);
		return -EINVAL;
	}
	*ret_len = len - WR_CODE_SUM_LEN;
	return 0;
}

void wr_code_write(const struct wr_code *code, uint8_t *bytes, size_t len, char *ret_text,
		   size_t size)
{
	assert(strlen(code->prefix) == PREFIX_LEN);
	sum_of(bytes, len, bytes + len);
	memcpy(ret_text, code->prefix, PREFIX_LEN);
	sodium_bin2base64(ret_text + PREFIX_LEN, size - PREFIX_LEN, bytes, len + WR_CODE_SUM_LEN,
			  BASE64);
}
