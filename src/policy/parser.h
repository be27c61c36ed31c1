/* Reading a policy: what its parts share.
 *
 * Floor 3. */
#pragma once

#include "policy/faults.h"
#include "policy/parsed.h"
#include "policy/words.h"

struct wr_parser {
	struct wr_policy *policy;
	struct wr_policy_faults *faults;
	struct wr_symbols groups; /* all of the text, sorted */
	struct wr_line line;      /* what is left of the one that is read */
	unsigned topology_line, default_line;
	bool is_out_of_memory;
};

/* Adds a fault of the present line. */
#define WR_PARSER_FAULT(parser, ...) \
	wr_faults_add((parser)->faults, (parser)->line.number, __VA_ARGS__)

/* Reads selectors up to the line's end, "->", or a word that `is_end` knows. False
 * after a fault, or if there was none (which then is a fault that names `what`). */
bool wr_parse_selectors(struct wr_parser *parser, const char *what,
			bool (*is_end)(struct wr_word word), struct wr_side *ret_side);
/* True for labels: a to z, 0 to 9 and "-" within, 63 characters at most. */
bool wr_is_label(struct wr_word word);

/* "tcp", "udp", "icmp" or "any". */
bool wr_is_protocol(struct wr_word word);
/* Reads protocols with their ports, if there are any, up to the line's end or `is_end`,
 * into a rule. False after a fault. */
bool wr_parse_protocols(struct wr_parser *parser, bool (*is_end)(struct wr_word word),
			struct wr_rule *rule);
