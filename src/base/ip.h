/* IP addresses, prefixes and UDP endpoints as values.
 *
 * Floor 0.  IPv4 and IPv6 never share bytes: each has its own length, told by
 * `family`. */
#pragma once

#include "base/base.h"

enum wr_family {
	WR_FAMILY_NONE = 0,
	WR_IPV4 = 4,
	WR_IPV6 = 6
};

struct wr_ip {
	enum wr_family family;
	uint8_t bytes[16]; /* network order; 4 used for IPv4, the rest zero */
};

struct wr_prefix {
	struct wr_ip ip; /* bits past `length` are zero */
	uint8_t length;  /* 0..32 or 0..128 */
};

/* Where a datagram goes to or comes from, and the local side of it: answers
 * leave from the address that was asked.  `local` and `interface` are what
 * IP_PKTINFO said; WR_FAMILY_NONE and 0 let the kernel choose. */
struct wr_endpoint {
	struct wr_ip ip;
	uint16_t port;  /* host order */
	uint32_t scope; /* IPv6 link-local: interface index; else 0 */
	struct wr_ip local;
	uint32_t interface;
};

/* Space for any text form below, with brackets, scope, port and NUL. */
#define WR_ENDPOINT_TEXT_LEN 80

static inline unsigned wr_ip_bits(enum wr_family family)
{
	return family == WR_IPV4 ? 32 : 128;
}

bool wr_ip_equal(const struct wr_ip *a, const struct wr_ip *b);
/* Remote address, port and scope are equal; the local side is not compared. */
bool wr_endpoint_equal_remote(const struct wr_endpoint *a, const struct wr_endpoint *b);
/* Remote and local side are equal. */
bool wr_endpoint_equal(const struct wr_endpoint *a, const struct wr_endpoint *b);

/* Parsers take exactly `len` bytes of text without a NUL, accept nothing before
 * or after, resolve no names, and leave *ret untouched on failure. */
bool wr_ip_parse(const char *text, size_t len, struct wr_ip *ret_ip) WR_MUST_CHECK;
/* "10.0.0.0/8", "fd00::/8", or an address alone (whole length); host bits are
 * cleared. */
bool wr_prefix_parse(const char *text, size_t len, struct wr_prefix *ret_prefix) WR_MUST_CHECK;
/* "192.0.2.1:51820", "[2001:db8::1]:51820", "[fe80::1%3]:51820" (a scope is an
 * interface index: floor 0 cannot look names up). */
bool wr_endpoint_parse(const char *text, size_t len, struct wr_endpoint *ret_endpoint)
	WR_MUST_CHECK;

/* Formatters write a NUL-terminated text and return its length. */
size_t wr_ip_format(const struct wr_ip *ip, char ret_text[WR_ENDPOINT_TEXT_LEN]);
size_t wr_prefix_format(const struct wr_prefix *prefix, char ret_text[WR_ENDPOINT_TEXT_LEN]);
size_t wr_endpoint_format(const struct wr_endpoint *endpoint, char ret_text[WR_ENDPOINT_TEXT_LEN]);
