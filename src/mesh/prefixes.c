#include "mesh/prefixes.h"

#include <stdlib.h>
#include <string.h>

struct wr_prefix wr_prefix_of(const struct wr_ip *ip)
{
	return (struct wr_prefix){ .ip = *ip, .length = (uint8_t)wr_ip_bits(ip->family) };
}

bool wr_prefix_equal(const struct wr_prefix *a, const struct wr_prefix *b)
{
	return a->length == b->length && wr_ip_equal(&a->ip, &b->ip);
}

bool wr_prefix_holds_ip(const struct wr_prefix *outer, const struct wr_ip *ip)
{
	unsigned whole = outer->length / 8, rest = outer->length % 8;

	if (outer->ip.family == WR_FAMILY_NONE || outer->ip.family != ip->family)
		return false;
	if (memcmp(outer->ip.bytes, ip->bytes, whole) != 0)
		return false;
	return !rest || ((outer->ip.bytes[whole] ^ ip->bytes[whole]) >> (8 - rest)) == 0;
}

bool wr_prefix_holds(const struct wr_prefix *outer, const struct wr_prefix *inner)
{
	return outer->length <= inner->length && wr_prefix_holds_ip(outer, &inner->ip);
}

bool wr_prefix_overlaps(const struct wr_prefix *a, const struct wr_prefix *b)
{
	return wr_prefix_holds(a, b) || wr_prefix_holds(b, a);
}

int wr_prefix_compare(const struct wr_prefix *a, const struct wr_prefix *b)
{
	int order;

	if (a->ip.family != b->ip.family)
		return a->ip.family < b->ip.family ? -1 : 1;
	order = memcmp(a->ip.bytes, b->ip.bytes, sizeof(a->ip.bytes));
	return order ? order : (int)a->length - (int)b->length;
}

int wr_prefix_compare_any(const void *a, const void *b)
{
	return wr_prefix_compare(a, b);
}

size_t wr_prefix_sort(struct wr_prefix *prefixes, size_t count)
{
	size_t kept = 0;

	if (count)
		qsort(prefixes, count, sizeof(*prefixes), wr_prefix_compare_any);
	for (size_t i = 0; i < count; i++) {
		if (!kept || !wr_prefix_equal(&prefixes[kept - 1], &prefixes[i]))
			prefixes[kept++] = prefixes[i];
	}
	return kept;
}
