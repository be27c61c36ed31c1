#include <string.h>

#include "policy/list.h"
#include "policy/parser.h"

/* RFC 1035 section 2.3.1; tags may be longer words of the same kind. */
#define LABEL_MAX 63

static bool is_lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool wr_is_label(struct wr_word word)
{
	if (!word.len || word.len > LABEL_MAX || word.text[0] == '-' ||
	    word.text[word.len - 1] == '-')
		return false;
	for (size_t i = 0; i < word.len; i++)
		if (!is_lower_or_digit(word.text[i]) && word.text[i] != '-')
			return false;
	return true;
}

/* Labels, and capitals, "_" and "." within. */
static bool is_tag(struct wr_word word)
{
	if (!word.len || word.len > LABEL_MAX)
		return false;
	for (size_t i = 0; i < word.len; i++) {
		char c = word.text[i];

		if (!is_lower_or_digit(c) && !(c >= 'A' && c <= 'Z') && !strchr("-_.", c))
			return false;
	}
	return true;
}

static bool fault_of_name(struct wr_parser *parser, const char *what, struct wr_word word)
{
	WR_PARSER_FAULT(parser,
			"'%.*s' is no name of a %s: use a to z, 0 to 9 and '-' within, at most %d "
			"characters",
			WR_FAULT_WORD(word.len), word.text, what, LABEL_MAX);
	return false;
}

static bool read_machine(struct wr_parser *parser, struct wr_word word, struct wr_selector *ret)
{
	if (!wr_is_label(word))
		return fault_of_name(parser, "machine", word);
	*ret = wr_selector_named(WR_SELECT_MACHINE, word, parser->line.number);
	return true;
}

static bool read_tag(struct wr_parser *parser, struct wr_word word, struct wr_selector *ret)
{
	if (!is_tag(word))
		return fault_of_name(parser, "tag", word);
	*ret = wr_selector_named(WR_SELECT_TAG, word, parser->line.number);
	return true;
}

/* A prefix with bits behind its length is more likely a slip than meant. */
static bool has_host_bits(struct wr_word word, const struct wr_prefix *prefix)
{
	const char *slash = memchr(word.text, '/', word.len);
	struct wr_ip ip;

	return slash && wr_ip_parse(word.text, (size_t)(slash - word.text), &ip) &&
	       !wr_ip_equal(&ip, &prefix->ip);
}

static bool read_prefix(struct wr_parser *parser, struct wr_word word, struct wr_selector *ret)
{
	char text[WR_ENDPOINT_TEXT_LEN];
	struct wr_prefix prefix;

	if (!wr_prefix_parse(word.text, word.len, &prefix)) {
		WR_PARSER_FAULT(
			parser,
			"'%.*s' is no selector: write a machine's name, tag:NAME, a group, * "
			"or a prefix such as 10.0.0.0/8 or fd00::/8",
			WR_FAULT_WORD(word.len), word.text);
		return false;
	}
	if (has_host_bits(word, &prefix)) {
		wr_prefix_format(&prefix, text);
		WR_PARSER_FAULT(
			parser,
			"'%.*s' has bits behind its length: write %s, or the address without "
			"a length",
			WR_FAULT_WORD(word.len), word.text, text);
		return false;
	}
	*ret = wr_selector_of_prefix(&prefix, parser->line.number);
	return true;
}

/* A group, or else a machine. */
static bool read_name(struct wr_parser *parser, struct wr_word word, struct wr_selector *ret)
{
	struct wr_selector group = wr_selector_named(WR_SELECT_GROUP, word, parser->line.number);

	if (wr_symbols_find(&parser->groups, &group) == WR_SYMBOL_NONE)
		return read_machine(parser, word, ret);
	*ret = group;
	return true;
}

static bool read_selector(struct wr_parser *parser, struct wr_word word, struct wr_selector *ret)
{
	struct wr_word name;

	if (wr_word_is(word, "*")) {
		*ret = wr_selector_named(WR_SELECT_ALL, (struct wr_word){ word.text, 0 },
					 parser->line.number);
		return true;
	}
	if (wr_word_after(word, "tag:", &name))
		return read_tag(parser, name, ret);
	if (wr_word_after(word, "machine:", &name))
		return read_machine(parser, name, ret);
	if (memchr(word.text, '.', word.len) || memchr(word.text, ':', word.len) ||
	    memchr(word.text, '/', word.len))
		return read_prefix(parser, word, ret);
	return read_name(parser, word, ret);
}

/* A reference is the place of its selector, which sorting moves: wr_policy_parse(). */
static bool add_ref(struct wr_parser *parser, const struct wr_selector *selector)
{
	struct wr_policy *policy = parser->policy;
	uint32_t *refs = wr_list_grow(policy->refs, &policy->ref_room, policy->ref_count,
				      sizeof(*refs));

	if (refs)
		policy->refs = refs;
	if (!refs || !wr_symbols_add(&policy->selectors, selector)) {
		parser->is_out_of_memory = true;
		return false;
	}
	refs[policy->ref_count++] = (uint32_t)policy->selectors.count - 1;
	return true;
}

static bool is_over(struct wr_word word, bool (*is_end)(struct wr_word word))
{
	return !word.len || wr_word_is(word, "->") || (is_end && is_end(word));
}

bool wr_parse_selectors(struct wr_parser *parser, const char *what,
			bool (*is_end)(struct wr_word word), struct wr_side *ret_side)
{
	struct wr_side side = { (uint32_t)parser->policy->ref_count, 0 };
	struct wr_selector selector;

	for (; !is_over(wr_word_peek(&parser->line), is_end); side.count++)
		if (!read_selector(parser, wr_word_next(&parser->line), &selector) ||
		    !add_ref(parser, &selector))
			return false;
	if (!side.count) {
		WR_PARSER_FAULT(parser, "%s: name machines, tags (tag:NAME), groups, prefixes or *",
				what);
		return false;
	}
	*ret_side = side;
	return true;
}
