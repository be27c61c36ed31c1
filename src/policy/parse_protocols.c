#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "policy/list.h"
#include "policy/parser.h"

bool wr_is_protocol(struct wr_word word)
{
	return wr_word_is(word, "tcp") || wr_word_is(word, "udp") || wr_word_is(word, "icmp") ||
	       wr_word_is(word, "any");
}

static bool add_ports(struct wr_parser *parser, enum wr_traffic traffic, uint16_t low,
		      uint16_t high)
{
	struct wr_policy *policy = parser->policy;
	struct wr_ports *ports = wr_list_grow(policy->ports, &policy->port_room, policy->port_count,
					      sizeof(*ports));

	if (!ports) {
		parser->is_out_of_memory = true;
		return false;
	}
	policy->ports = ports;
	ports[policy->port_count++] = (struct wr_ports){ traffic, low, high };
	return true;
}

static bool fault_of_ports(struct wr_parser *parser, struct wr_word word)
{
	WR_PARSER_FAULT(parser,
			"'%.*s' are no ports: write numbers from 1 to 65535 and ranges, separated "
			"by commas without blanks, such as 22,80-90",
			WR_FAULT_WORD(word.len), word.text);
	return false;
}

/* "22" or "80-90". */
static bool read_range(const char *text, size_t len, uint64_t *ret_low, uint64_t *ret_high)
{
	const char *dash = len ? memchr(text, '-', len) : NULL;
	size_t low_len = dash ? (size_t)(dash - text) : len;

	if (!wr_number_parse(text, low_len, UINT16_MAX, ret_low))
		return false;
	*ret_high = *ret_low;
	if (dash && !wr_number_parse(dash + 1, len - low_len - 1, UINT16_MAX, ret_high))
		return false;
	return *ret_low > 0 && *ret_low <= *ret_high;
}

/* "22,80-90". */
static bool read_ports(struct wr_parser *parser, enum wr_traffic traffic, struct wr_word word)
{
	const char *at = word.text, *end = word.text + word.len;
	uint64_t low, high;

	for (;;) {
		const char *comma = memchr(at, ',', (size_t)(end - at));

		if (!read_range(at, (size_t)((comma ? comma : end) - at), &low, &high))
			return fault_of_ports(parser, word);
		if (!add_ports(parser, traffic, (uint16_t)low, (uint16_t)high))
			return false;
		if (!comma)
			return true;
		at = comma + 1;
		if (at == end)
			return fault_of_ports(parser, word);
	}
}

static bool begins_with_digit(struct wr_word word)
{
	return word.len && word.text[0] >= '0' && word.text[0] <= '9';
}

/* The ports behind "tcp" or "udp"; without any, all of them. */
static bool read_port_words(struct wr_parser *parser, enum wr_traffic traffic)
{
	if (!begins_with_digit(wr_word_peek(&parser->line)))
		return add_ports(parser, traffic, 0, UINT16_MAX);
	while (begins_with_digit(wr_word_peek(&parser->line)))
		if (!read_ports(parser, traffic, wr_word_next(&parser->line)))
			return false;
	return true;
}

static bool read_protocol(struct wr_parser *parser, struct wr_word word, bool *has_any)
{
	if (wr_word_is(word, "tcp"))
		return read_port_words(parser, WR_TRAFFIC_TCP);
	if (wr_word_is(word, "udp"))
		return read_port_words(parser, WR_TRAFFIC_UDP);
	if (begins_with_digit(wr_word_peek(&parser->line))) {
		WR_PARSER_FAULT(parser, "'%.*s' has no ports: only tcp and udp have",
				WR_FAULT_WORD(word.len), word.text);
		return false;
	}
	*has_any |= wr_word_is(word, "any");
	return wr_word_is(word, "any") || add_ports(parser, WR_TRAFFIC_ICMP, 0, 0);
}

static int compare(const void *a, const void *b)
{
	const struct wr_ports *left = a, *right = b;

	if (left->traffic != right->traffic)
		return left->traffic < right->traffic ? -1 : 1;
	return (left->low > right->low) - (left->low < right->low);
}

/* Sorts what was added since `first`, and makes one of what touches. */
static void tidy(struct wr_policy *policy, size_t first)
{
	size_t count = policy->port_count - first, kept = 0;
	struct wr_ports *ports;

	if (!count)
		return;
	ports = policy->ports + first;
	qsort(ports, count, sizeof(*ports), compare);
	for (size_t i = 1; i < count; i++) {
		struct wr_ports *last = &ports[kept];

		if (ports[i].traffic != last->traffic || ports[i].low > last->high + 1)
			ports[++kept] = ports[i];
		else if (ports[i].high > last->high)
			last->high = ports[i].high;
	}
	policy->port_count = first + kept + 1;
}

static bool fault_of_protocol(struct wr_parser *parser, struct wr_word word)
{
	WR_PARSER_FAULT(parser, "'%.*s' is no protocol: write tcp or udp with ports, icmp, or any",
			WR_FAULT_WORD(word.len), word.text);
	return false;
}

bool wr_parse_protocols(struct wr_parser *parser, bool (*is_end)(struct wr_word word),
			struct wr_rule *rule)
{
	struct wr_policy *policy = parser->policy;
	size_t first = policy->port_count;
	bool has_any = false;

	for (;;) {
		struct wr_word word = wr_word_peek(&parser->line);

		if (!word.len || (is_end && is_end(word)))
			break;
		wr_word_next(&parser->line);
		if (!wr_is_protocol(word))
			return fault_of_protocol(parser, word);
		if (!read_protocol(parser, word, &has_any))
			return false;
	}
	if (has_any)
		policy->port_count = first;
	tidy(policy, first);
	rule->port_first = (uint32_t)first;
	rule->port_count = (uint32_t)(policy->port_count - first);
	return true;
}
