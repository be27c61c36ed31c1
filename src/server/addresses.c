#include "server/addresses.h"

#include <errno.h>
#include <string.h>

/* --- Addresses and numbers. --- */

static unsigned host_bits(const struct wr_prefix *range)
{
	return wr_ip_bits(range->ip.family) - range->length;
}

static bool is_inside(const struct wr_prefix *range, const struct wr_ip *ip)
{
	for (unsigned bit = 0; bit < range->length; bit++) {
		unsigned mask = 0x80U >> bit % 8;

		if ((range->ip.bytes[bit / 8] ^ ip->bytes[bit / 8]) & mask)
			return false;
	}
	return range->ip.family == ip->family;
}

bool wr_address_overlaps(const struct wr_prefix *a, const struct wr_prefix *b)
{
	return a->length < b->length ? is_inside(a, &b->ip) : is_inside(b, &a->ip);
}

uint64_t wr_address_host(const struct wr_prefix *range, const struct wr_ip *ip)
{
	size_t len = wr_ip_bits(range->ip.family) / 8;
	uint64_t host = 0;

	if (range->ip.family == WR_FAMILY_NONE || !is_inside(range, ip))
		return WR_HOST_NONE;
	for (size_t i = 0; i < len; i++) {
		if (host >> 56)
			return WR_HOST_NONE;
		host = host << 8 | (ip->bytes[i] ^ range->ip.bytes[i]);
	}
	return host;
}

struct wr_ip wr_address_at(const struct wr_prefix *range, uint64_t host)
{
	struct wr_ip ip = range->ip;

	for (size_t i = wr_ip_bits(ip.family) / 8; i-- && host; host >>= 8)
		ip.bytes[i] |= (uint8_t)host;
	return ip;
}

uint64_t wr_address_last(const struct wr_prefix *range)
{
	unsigned bits = host_bits(range);
	uint64_t last = bits > 62 ? UINT64_C(1) << 62 : (UINT64_C(1) << bits) - 1;

	/* IPv4: the last address of all is broadcast. */
	return range->ip.family == WR_IPV4 && last ? last - 1 : last;
}

bool wr_address_is_for_machine(const struct wr_prefix *range, const struct wr_ip *ip)
{
	uint64_t host = wr_address_host(range, ip);

	if (range->ip.family == WR_FAMILY_NONE || !is_inside(range, ip))
		return false;
	/* IPv6 ranges are wider than a number: everything out there is for machines. */
	return host > WR_HOST_HUB &&
	       (range->ip.family == WR_IPV6 || host <= wr_address_last(range));
}

struct wr_value wr_address_value(const struct wr_ip *ip)
{
	return ip->family == WR_FAMILY_NONE ? WR_N : WR_B(ip->bytes, wr_ip_bits(ip->family) / 8);
}

struct wr_ip wr_address_column(const struct wr_row *row, unsigned column)
{
	struct wr_bytes blob = wr_row_blob(row, column);
	struct wr_ip ip = { .family = WR_FAMILY_NONE };

	if (wr_row_is_null(row, column) || (blob.len != 4 && blob.len != 16))
		return ip;
	ip.family = blob.len == 4 ? WR_IPV4 : WR_IPV6;
	memcpy(ip.bytes, blob.data, blob.len);
	return ip;
}
