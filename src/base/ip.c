#include "base/ip.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"

static int address_family(enum wr_family family)
{
	return family == WR_IPV4 ? AF_INET : AF_INET6;
}

bool wr_ip_equal(const struct wr_ip *a, const struct wr_ip *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool wr_endpoint_equal_remote(const struct wr_endpoint *a, const struct wr_endpoint *b)
{
	return a->port == b->port && a->scope == b->scope && wr_ip_equal(&a->ip, &b->ip);
}

bool wr_endpoint_equal(const struct wr_endpoint *a, const struct wr_endpoint *b)
{
	return wr_endpoint_equal_remote(a, b) && a->interface == b->interface &&
	       wr_ip_equal(&a->local, &b->local);
}

bool wr_ip_parse(const char *text, size_t len, struct wr_ip *ret_ip)
{
	char terminated[INET6_ADDRSTRLEN];
	struct wr_ip ip = { 0 };

	if (len == 0 || len >= sizeof(terminated) || memchr(text, '\0', len))
		return false;
	memcpy(terminated, text, len);
	terminated[len] = '\0';
	ip.family = memchr(text, ':', len) ? WR_IPV6 : WR_IPV4;
	if (inet_pton(address_family(ip.family), terminated, ip.bytes) != 1)
		return false;
	*ret_ip = ip;
	return true;
}

static void clear_host_bits(struct wr_prefix *prefix)
{
	for (unsigned i = 0; i < sizeof(prefix->ip.bytes); i++) {
		unsigned kept = prefix->length > 8 * i ? prefix->length - 8 * i : 0;

		if (kept < 8)
			prefix->ip.bytes[i] &= (uint8_t)(0xff00 >> kept);
	}
}

bool wr_prefix_parse(const char *text, size_t len, struct wr_prefix *ret_prefix)
{
	const char *slash = len ? memchr(text, '/', len) : NULL;
	size_t ip_len = slash ? (size_t)(slash - text) : len;
	struct wr_prefix prefix = { 0 };
	uint64_t length;

	if (!wr_ip_parse(text, ip_len, &prefix.ip))
		return false;
	length = wr_ip_bits(prefix.ip.family);
	if (slash && !wr_number_parse(slash + 1, len - ip_len - 1, length, &length))
		return false;
	prefix.length = (uint8_t)length;
	clear_host_bits(&prefix);
	*ret_prefix = prefix;
	return true;
}

static bool port_parse(const char *text, size_t len, struct wr_endpoint *endpoint)
{
	uint64_t port;

	if (!wr_number_parse(text, len, UINT16_MAX, &port))
		return false;
	endpoint->port = (uint16_t)port;
	return true;
}

/* "2001:db8::1" or "fe80::1%3". */
static bool scoped_ip_parse(const char *text, size_t len, struct wr_endpoint *endpoint)
{
	const char *percent = len ? memchr(text, '%', len) : NULL;
	size_t ip_len = percent ? (size_t)(percent - text) : len;
	uint64_t scope = 0;

	if (percent && !wr_number_parse(percent + 1, len - ip_len - 1, UINT32_MAX, &scope))
		return false;
	endpoint->scope = (uint32_t)scope;
	return wr_ip_parse(text, ip_len, &endpoint->ip) && endpoint->ip.family == WR_IPV6;
}

static bool ipv6_endpoint_parse(const char *text, size_t len, struct wr_endpoint *endpoint)
{
	const char *bracket = memchr(text, ']', len);
	size_t inner_len;

	if (!bracket)
		return false;
	inner_len = (size_t)(bracket - text) - 1;
	if (len < inner_len + 3 || bracket[1] != ':')
		return false;
	return scoped_ip_parse(text + 1, inner_len, endpoint) &&
	       port_parse(bracket + 2, len - inner_len - 3, endpoint);
}

static bool ipv4_endpoint_parse(const char *text, size_t len, struct wr_endpoint *endpoint)
{
	const char *colon = memchr(text, ':', len);
	size_t ip_len;

	if (!colon)
		return false;
	ip_len = (size_t)(colon - text);
	return wr_ip_parse(text, ip_len, &endpoint->ip) &&
	       port_parse(colon + 1, len - ip_len - 1, endpoint);
}

bool wr_endpoint_parse(const char *text, size_t len, struct wr_endpoint *ret_endpoint)
{
	struct wr_endpoint endpoint = { 0 };

	if (len == 0)
		return false;
	if (text[0] == '[' ? !ipv6_endpoint_parse(text, len, &endpoint)
			   : !ipv4_endpoint_parse(text, len, &endpoint))
		return false;
	*ret_endpoint = endpoint;
	return true;
}

size_t wr_ip_format(const struct wr_ip *ip, char ret_text[WR_ENDPOINT_TEXT_LEN])
{
	assert(ip->family == WR_IPV4 || ip->family == WR_IPV6);
	inet_ntop(address_family(ip->family), ip->bytes, ret_text, WR_ENDPOINT_TEXT_LEN);
	return strlen(ret_text);
}

/* Appends to the `len` characters that are there already. */
static size_t WR_PRINTF(3, 4) append(char *text, size_t len, const char *format, ...)
{
	va_list arguments;
	int added;

	va_start(arguments, format);
	added = vsnprintf(text + len, WR_ENDPOINT_TEXT_LEN - len, format, arguments);
	va_end(arguments);
	assert(added >= 0 && (size_t)added < WR_ENDPOINT_TEXT_LEN - len);
	return len + (size_t)added;
}

size_t wr_prefix_format(const struct wr_prefix *prefix, char ret_text[WR_ENDPOINT_TEXT_LEN])
{
	return append(ret_text, wr_ip_format(&prefix->ip, ret_text), "/%u", prefix->length);
}

size_t wr_endpoint_format(const struct wr_endpoint *endpoint, char ret_text[WR_ENDPOINT_TEXT_LEN])
{
	char ip[WR_ENDPOINT_TEXT_LEN];
	size_t len;

	wr_ip_format(&endpoint->ip, ip);
	if (endpoint->ip.family == WR_IPV4)
		return append(ret_text, 0, "%s:%u", ip, endpoint->port);
	len = append(ret_text, 0, "[%s", ip);
	if (endpoint->scope)
		len = append(ret_text, len, "%%%u", endpoint->scope);
	return append(ret_text, len, "]:%u", endpoint->port);
}
