#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"

#define PORTS 65536

/* Where intervals of one protocol begin. */
struct limits {
	bool is_limit[PORTS];
	uint16_t starts[WR_PORT_INTERVALS];
	uint32_t count;
};

static void find_limits(struct limits *limits, const struct wr_policy *policy,
			enum wr_traffic traffic)
{
	limits->is_limit[0] = true;
	for (size_t i = 0; i < policy->rules.count; i++) {
		const struct wr_rule *rule = &policy->rules.items[i];

		for (uint32_t j = 0; j < rule->port_count; j++) {
			const struct wr_ports *ports = &policy->ports[rule->port_first + j];

			if (ports->traffic != traffic)
				continue;
			limits->is_limit[ports->low] = true;
			if (ports->high < PORTS - 1)
				limits->is_limit[ports->high + 1] = true;
		}
	}
}

/* The first limit from `port` on, or PORTS. */
static size_t next_limit(const struct limits *limits, size_t port)
{
	const bool *found = port < PORTS ? memchr(limits->is_limit + port, true, PORTS - port)
					 : NULL;

	return found ? (size_t)(found - limits->is_limit) : PORTS;
}

/* All limits, or every second, third, ... if there are too many. */
static void choose_starts(struct limits *limits)
{
	size_t count = 0, seen = 0, step;

	for (size_t i = 0; i < PORTS; i = next_limit(limits, i + 1))
		count++;
	step = (count + WR_PORT_INTERVALS - 1) / WR_PORT_INTERVALS;
	for (size_t i = 0; i < PORTS; i = next_limit(limits, i + 1))
		if (seen++ % step == 0)
			limits->starts[limits->count++] = (uint16_t)i;
}

/* The interval of a port. */
static uint32_t interval_of(const struct limits *limits, uint16_t port)
{
	uint32_t low = 0, high = limits->count;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (limits->starts[middle] <= port)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* A row of bits for each interval. */
static void fill_rows(uint64_t *rows, size_t row_len, const struct limits *limits,
		      const struct wr_policy *policy, enum wr_traffic traffic)
{
	for (size_t i = 0; i < policy->rules.count; i++) {
		const struct wr_rule *rule = &policy->rules.items[i];

		for (uint32_t j = 0; j < rule->port_count; j++) {
			const struct wr_ports *ports = &policy->ports[rule->port_first + j];

			if (ports->traffic != traffic)
				continue;
			for (uint32_t at = interval_of(limits, ports->low),
				      last = interval_of(limits, ports->high);
			     at <= last; at++)
				rows[at * row_len + i / 64] |= UINT64_C(1) << i % 64;
		}
	}
}

static uint32_t pack_row(struct wr_vectors *vectors, const uint64_t *row, size_t row_len,
			 uint32_t also)
{
	wr_vectors_unite(vectors, also);
	for (size_t i = 0; i < row_len; i++)
		wr_vectors_set_word(vectors, i, row[i]);
	return wr_vectors_finish(vectors);
}

static bool write_intervals(struct wr_compiler *compiler, const struct limits *limits,
			    enum wr_traffic traffic)
{
	struct wr_ruleset *ruleset = compiler->ruleset;
	struct wr_port_intervals *intervals = &ruleset->intervals[traffic];
	size_t row_len = ruleset->vectors.word_count;
	uint64_t *rows = calloc(limits->count * row_len + 1, sizeof(*rows));

	intervals->starts = calloc(limits->count, sizeof(*intervals->starts));
	intervals->rules = calloc(limits->count, sizeof(*intervals->rules));
	if (rows && intervals->starts && intervals->rules) {
		intervals->count = limits->count;
		memcpy(intervals->starts, limits->starts, limits->count * sizeof(uint16_t));
		fill_rows(rows, row_len, limits, compiler->policy, traffic);
		for (uint32_t i = 0; i < limits->count; i++)
			intervals->rules[i] = pack_row(&ruleset->vectors, rows + i * row_len,
						       row_len, ruleset->other);
	}
	free(rows);
	return intervals->count > 0;
}

static bool compile_traffic(struct wr_compiler *compiler, enum wr_traffic traffic)
{
	struct limits *limits = calloc(1, sizeof(*limits));
	bool is_done = limits != NULL;

	if (limits) {
		find_limits(limits, compiler->policy, traffic);
		choose_starts(limits);
		is_done = write_intervals(compiler, limits, traffic);
	}
	free(limits);
	return is_done;
}

/* Rules about everything, and those about ICMP. */
static void compile_others(struct wr_compiler *compiler)
{
	struct wr_ruleset *ruleset = compiler->ruleset;
	const struct wr_policy *policy = compiler->policy;

	for (size_t i = 0; i < policy->rules.count; i++)
		if (wr_rule_has_port(&policy->rules.items[i], policy->ports, WR_TRAFFIC_OTHER, 0))
			wr_vectors_set(&ruleset->vectors, i);
	ruleset->other = wr_vectors_finish(&ruleset->vectors);
	for (size_t i = 0; i < policy->rules.count; i++)
		if (wr_rule_has_port(&policy->rules.items[i], policy->ports, WR_TRAFFIC_ICMP, 0))
			wr_vectors_set(&ruleset->vectors, i);
	ruleset->icmp = wr_vectors_finish(&ruleset->vectors);
	for (size_t i = 0; i < policy->rules.count; i++)
		if (!policy->rules.items[i].is_allowed)
			wr_vectors_set(&ruleset->vectors, i);
	ruleset->denying = wr_vectors_finish(&ruleset->vectors);
}

bool wr_compile_ports(struct wr_compiler *compiler)
{
	compile_others(compiler);
	return compile_traffic(compiler, WR_TRAFFIC_TCP) &&
	       compile_traffic(compiler, WR_TRAFFIC_UDP);
}
