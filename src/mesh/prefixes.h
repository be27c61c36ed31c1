/* Prefixes: what lies in what, and in which order.
 *
 * Floor 7.  Pure; any thread. */
#pragma once

#include "base/base.h"
#include "base/ip.h"

/* Some of both, or none. */
struct wr_families {
	bool v4, v6;
};
static inline bool wr_families_have(struct wr_families families, enum wr_family family)
{
	return family == WR_IPV4 ? families.v4 : family == WR_IPV6 && families.v6;
}

/* The address alone. */
struct wr_prefix wr_prefix_of(const struct wr_ip *ip);
bool wr_prefix_equal(const struct wr_prefix *a, const struct wr_prefix *b);
/* True if all of `inner` lies in `outer` (equal ones too). Family none holds nothing. */
bool wr_prefix_holds(const struct wr_prefix *outer, const struct wr_prefix *inner);
bool wr_prefix_holds_ip(const struct wr_prefix *outer, const struct wr_ip *ip);
bool wr_prefix_overlaps(const struct wr_prefix *a, const struct wr_prefix *b);
/* By family, address, length: as strcmp(). */
int wr_prefix_compare(const struct wr_prefix *a, const struct wr_prefix *b);
/* For qsort() of prefixes. */
int wr_prefix_compare_any(const void *a, const void *b);
/* Sorts them and takes out those that are there twice; how many are left. */
size_t wr_prefix_sort(struct wr_prefix *prefixes, size_t count);
