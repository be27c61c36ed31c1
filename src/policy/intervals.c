#include "policy/intervals.h"

#include <stdlib.h>

/* A prefix as the addresses from `start` to `last`. */
struct span {
	wr_address start, last;
	size_t prefix;
	struct wr_interval rules;
};

struct builder {
	struct span *spans;
	size_t count;
	struct span **around; /* those that hold the present address, widest first */
	size_t depth;
	struct wr_intervals *intervals;
};

wr_address wr_address_of(enum wr_family family, const uint8_t *bytes)
{
	wr_address address = 0;

	for (unsigned i = 0; i < wr_ip_bits(family) / 8; i++)
		address = address << 8 | bytes[i];
	return address;
}

const struct wr_interval *wr_intervals_find(const struct wr_intervals *intervals,
					    wr_address address)
{
	size_t low = 0, high = intervals->count;

	if (!high)
		return NULL;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (intervals->items[middle].start <= address)
			low = middle;
		else
			high = middle;
	}
	return &intervals->items[low];
}

static struct span span_of(const struct wr_prefix *prefix, size_t number)
{
	unsigned host_bits = wr_ip_bits(prefix->ip.family) - prefix->length;
	struct span span = {
		.start = wr_address_of(prefix->ip.family, prefix->ip.bytes),
		.prefix = number,
	};
	wr_address hosts = host_bits == 128 ? 0 : (wr_address)1 << host_bits;

	span.last = span.start + (hosts - 1);
	return span;
}

static int compare(const void *a, const void *b)
{
	const struct span *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	return (left->last < right->last) - (left->last > right->last);
}

/* From `start` on the rules of the innermost span hold. */
static void add(struct builder *builder, wr_address start)
{
	struct wr_intervals *intervals = builder->intervals;
	struct wr_interval *last = intervals->count ? &intervals->items[intervals->count - 1]
						    : NULL;

	if (!last || last->start != start)
		last = &intervals->items[intervals->count++];
	*last = (struct wr_interval){ .start = start };
	if (!builder->depth)
		return;
	last->src = builder->around[builder->depth - 1]->rules.src;
	last->dst = builder->around[builder->depth - 1]->rules.dst;
}

/* Spans that end before `address` are left. */
static void leave(struct builder *builder, wr_address address)
{
	while (builder->depth && builder->around[builder->depth - 1]->last < address)
		add(builder, builder->around[--builder->depth]->last + 1);
}

static void sweep(struct builder *builder, wr_interval_rules rules_of, void *context)
{
	add(builder, 0);
	for (size_t i = 0; i < builder->count; i++) {
		struct span *span = &builder->spans[i];
		const struct wr_interval *around;

		leave(builder, span->start);
		around = builder->depth ? &builder->around[builder->depth - 1]->rules : NULL;
		rules_of(context, span->prefix, around, &span->rules);
		builder->around[builder->depth++] = span;
		add(builder, span->start);
	}
	/* What ends with the last address of all has nothing behind it. */
	while (builder->depth) {
		wr_address next = builder->around[--builder->depth]->last + 1;

		if (next)
			add(builder, next);
	}
}

bool wr_intervals_build(struct wr_intervals *intervals, enum wr_family family,
			const struct wr_prefix *prefixes, size_t count, wr_interval_rules rules_of,
			void *context)
{
	struct builder builder = { .intervals = intervals };
	bool is_done;

	*intervals = (struct wr_intervals){ 0 };
	builder.spans = calloc(count + 1, sizeof(*builder.spans));
	builder.around = calloc(count + 1, sizeof(struct span *));
	intervals->items = calloc(2 * count + 1, sizeof(*intervals->items));
	is_done = builder.spans && builder.around && intervals->items;
	if (is_done) {
		for (size_t i = 0; i < count; i++)
			if (prefixes[i].ip.family == family)
				builder.spans[builder.count++] = span_of(&prefixes[i], i);
		qsort(builder.spans, builder.count, sizeof(*builder.spans), compare);
		if (builder.count)
			sweep(&builder, rules_of, context);
	}
	free(builder.spans);
	free(builder.around);
	return is_done;
}
