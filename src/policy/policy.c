#include "policy/policy.h"

#include <stdlib.h>

#include "policy/parsed.h"

struct wr_policy *wr_policy_free(struct wr_policy *policy)
{
	if (!policy)
		return NULL;
	wr_symbols_done(&policy->selectors);
	free(policy->refs);
	free(policy->ports);
	free(policy->rules.items);
	free(policy->tests.items);
	free(policy->direct);
	free(policy->text);
	free(policy);
	return NULL;
}

enum wr_topology wr_policy_topology(const struct wr_policy *policy)
{
	return policy->topology;
}

size_t wr_policy_rule_count(const struct wr_policy *policy)
{
	return policy->rules.count;
}

struct wr_bytes wr_policy_text(const struct wr_policy *policy)
{
	return (struct wr_bytes){ (const uint8_t *)policy->text, policy->text_len };
}

static size_t length_of_line(const char *at, const char *end)
{
	const char *line = at;

	while (line < end && *line != '\n' && *line != '\r')
		line++;
	return (size_t)(line - at);
}

struct wr_bytes wr_policy_line(const struct wr_policy *policy, unsigned line)
{
	struct wr_lines lines = wr_lines_of(wr_policy_text(policy));
	struct wr_line found;

	while (wr_lines_next(&lines, &found))
		if (found.number == line)
			return (struct wr_bytes){ (const uint8_t *)found.at,
						  length_of_line(found.at, lines.end) };
	return (struct wr_bytes){ NULL, 0 };
}

static bool is_behind(const struct wr_ports *ports, enum wr_traffic traffic, uint16_t port)
{
	return ports->traffic < traffic || (ports->traffic == traffic && ports->high < port);
}

bool wr_rule_has_port(const struct wr_rule *rule, const struct wr_ports *ports,
		      enum wr_traffic traffic, uint16_t port)
{
	size_t low = rule->port_first, high = low + rule->port_count;

	if (!rule->port_count)
		return true;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (is_behind(&ports[middle], traffic, port))
			low = middle + 1;
		else if (ports[middle].traffic == traffic && ports[middle].low <= port)
			return true;
		else
			high = middle;
	}
	return false;
}
