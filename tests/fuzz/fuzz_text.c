/* Addresses, prefixes, endpoints, numbers and keys as text: what is taken is
 * written as a text that is taken for the same. */
#include <ctype.h>

#include "base/ip.h"
#include "base/key.h"
#include "base/number.h"
#include "fuzz.h"

static void check_ip(const char *text, size_t len)
{
	char again[WR_ENDPOINT_TEXT_LEN];
	struct wr_ip ip, same;

	if (!wr_ip_parse(text, len, &ip))
		return;
	FUZZ_CHECK(wr_ip_parse(again, wr_ip_format(&ip, again), &same));
	FUZZ_CHECK(wr_ip_equal(&ip, &same));
}

static void check_prefix(const char *text, size_t len)
{
	char again[WR_ENDPOINT_TEXT_LEN];
	struct wr_prefix prefix, same;

	if (!wr_prefix_parse(text, len, &prefix))
		return;
	FUZZ_CHECK(prefix.length <= wr_ip_bits(prefix.ip.family));
	FUZZ_CHECK(wr_prefix_parse(again, wr_prefix_format(&prefix, again), &same));
	FUZZ_CHECK(prefix.length == same.length && wr_ip_equal(&prefix.ip, &same.ip));
}

static void check_endpoint(const char *text, size_t len)
{
	char again[WR_ENDPOINT_TEXT_LEN];
	struct wr_endpoint endpoint, same;

	if (!wr_endpoint_parse(text, len, &endpoint))
		return;
	FUZZ_CHECK(wr_endpoint_parse(again, wr_endpoint_format(&endpoint, again), &same));
	FUZZ_CHECK(wr_endpoint_equal(&endpoint, &same));
}

static void check_number(const char *text, size_t len)
{
	uint64_t number, same;
	char again[32];

	if (!wr_number_parse(text, len, UINT64_MAX, &number))
		return;
	snprintf(again, sizeof(again), "%llu", (unsigned long long)number);
	FUZZ_CHECK(wr_number_parse(again, strlen(again), number, &same));
	FUZZ_CHECK(number == same);
	FUZZ_CHECK(number == 0 || !wr_number_parse(text, len, number - 1, &same));
}

static void check_key(const char *text, size_t len)
{
	char again[WR_KEY_HEX_LEN + 1];
	struct wr_key key;

	if (!wr_key_from_hex(text, len, &key))
		return;
	wr_key_to_hex(&key, again);
	FUZZ_CHECK(len == WR_KEY_HEX_LEN);
	for (size_t i = 0; i < len; i++)
		FUZZ_CHECK(again[i] == tolower((unsigned char)text[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;

	check_ip(text, size);
	check_prefix(text, size);
	check_endpoint(text, size);
	check_number(text, size);
	check_key(text, size);
	return 0;
}
