#include "zeroconf/crowd.h"

#include <string.h>

/* A host has all of a /64; but link-local ones are of many hosts. */
static bool is_one_source(const struct wr_ip *a, const struct wr_ip *b)
{
	bool is_v4 = a->family == WR_IPV4;
	bool is_link_local = a->bytes[0] == 0xfe && (a->bytes[1] & 0xc0) == 0x80;
	size_t len = is_v4 ? 4 : is_link_local ? 16 : 8;

	return a->family == b->family && a->family != WR_FAMILY_NONE &&
	       memcmp(a->bytes, b->bytes, len) == 0;
}

static size_t crowd_of(const struct wr_crowd_guest *guests, size_t count, const struct wr_ip *from)
{
	size_t crowd = 0;

	for (size_t i = 0; i < count; i++)
		crowd += is_one_source(&guests[i].from, from);
	return crowd;
}

/* Gives way before the other, of sources with as many guests. */
static bool goes_before(const struct wr_crowd_guest *guest, const struct wr_crowd_guest *other)
{
	if (guest->has_shaken != other->has_shaken)
		return other->has_shaken;
	return guest->since.ns < other->since.ns;
}

int wr_crowd_yield(const struct wr_crowd_guest *guests, size_t count, const struct wr_ip *from)
{
	size_t own = crowd_of(guests, count, from), most = 0;
	const struct wr_crowd_guest *chosen = NULL;

	for (size_t i = 0; i < count; i++) {
		size_t crowd = crowd_of(guests, count, &guests[i].from);

		if (!crowd || crowd < own + guests[i].has_shaken)
			continue;
		if (crowd > most || (crowd == most && goes_before(&guests[i], chosen))) {
			most = crowd;
			chosen = &guests[i];
		}
	}
	return chosen ? (int)(chosen - guests) : -1;
}
