#include "mesh/enforce_ranges.h"

#include <stdio.h>
#include <stdlib.h>

void wr_ranges_add(struct wr_ranges *ranges, wr_address start, wr_address last)
{
	if (ranges->count == ranges->room) {
		size_t room = ranges->room ? ranges->room * 2 : 64;
		struct wr_range *items = reallocarray(ranges->items, room, sizeof(*items));

		if (!items) {
			ranges->is_out_of_memory = true;
			return;
		}
		ranges->items = items;
		ranges->room = room;
	}
	ranges->items[ranges->count++] = (struct wr_range){ start, last };
}

static int compare_ranges(const void *a, const void *b)
{
	const struct wr_range *left = a, *right = b;

	return (left->start > right->start) - (left->start < right->start);
}

void wr_ranges_tidy(struct wr_ranges *ranges)
{
	size_t kept = 0;

	if (!ranges->count)
		return;
	qsort(ranges->items, ranges->count, sizeof(struct wr_range), compare_ranges);
	for (size_t i = 1; i < ranges->count; i++) {
		struct wr_range *last = &ranges->items[kept], *next = &ranges->items[i];

		/* The last address of all has none behind it. */
		if (next->start > last->last && next->start - last->last > 1)
			ranges->items[++kept] = *next;
		else if (next->last > last->last)
			last->last = next->last;
	}
	ranges->count = kept + 1;
}

static void print_address(FILE *out, enum wr_family family, wr_address address)
{
	char text[WR_ENDPOINT_TEXT_LEN];
	struct wr_ip ip = { .family = family };

	for (unsigned i = wr_ip_bits(family) / 8; i-- > 0; address >>= 8)
		ip.bytes[i] = (uint8_t)address;
	wr_ip_format(&ip, text);
	fputs(text, out);
}

static void print_ranges(FILE *out, enum wr_family family, const struct wr_ranges *ranges)
{
	for (size_t i = 0; i < ranges->count; i++) {
		const struct wr_range *range = &ranges->items[i];

		fputs(i ? ", " : "", out);
		print_address(out, family, range->start);
		if (range->last == range->start)
			continue;
		fputs("-", out);
		print_address(out, family, range->last);
	}
}

bool wr_ranges_has_wide(const struct wr_ranges *ranges)
{
	for (size_t i = 0; i < ranges->count; i++)
		if (ranges->items[i].last != ranges->items[i].start)
			return true;
	return false;
}

char *wr_ranges_text(enum wr_family family, const struct wr_ranges *ranges)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	print_ranges(out, family, ranges);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

void wr_ranges_add_prefix(struct wr_ranges *ranges, const struct wr_prefix *prefix)
{
	unsigned host_bits = wr_ip_bits(prefix->ip.family) - prefix->length;
	wr_address start = wr_address_of(prefix->ip.family, prefix->ip.bytes);
	wr_address hosts = host_bits == 128 ? 0 : (wr_address)1 << host_bits;

	wr_ranges_add(ranges, start, start + (hosts - 1));
}
