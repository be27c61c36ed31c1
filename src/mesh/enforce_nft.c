/* The rules as an nftables script.
 *
 * What arrives is judged as it is on the wire: behind connection tracking and before any NAT of the
 * host; what leaves, behind it. A known flow is judged by what opened it, each packet of it: so
 * what a new script does not allow stops at once. */
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/map.h"
#include "mesh/enforce_hosts.h"
#include "policy/intervals.h"
#include "policy/terms.h"

#define FAMILIES 2

/* --- Names. --- */

static bool is_plain(const char *interface)
{
	size_t len = strlen(interface);

	if (!len || len >= IF_NAMESIZE)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)interface[i]) && !strchr("-_.:@=+", interface[i]))
			return false;
	return true;
}

bool wr_enforce_table(const char *interface, char ret_name[WR_ENFORCE_TABLE_LEN])
{
	if (!is_plain(interface))
		return false;
	snprintf(ret_name, WR_ENFORCE_TABLE_LEN, "warren-%s", interface);
	for (char *at = ret_name; *at; at++)
		if (!isalnum((unsigned char)*at) && !strchr("-_.", *at))
			*at = '_';
	return true;
}

/* --- Ranges of addresses. --- */

struct range {
	wr_address start, last;
};

struct ranges {
	struct range *items;
	size_t count, room;
	bool is_out_of_memory;
};

static void add_range(struct ranges *ranges, wr_address start, wr_address last)
{
	if (ranges->count == ranges->room) {
		size_t room = ranges->room ? ranges->room * 2 : 64;
		struct range *items = reallocarray(ranges->items, room, sizeof(*items));

		if (!items) {
			ranges->is_out_of_memory = true;
			return;
		}
		ranges->items = items;
		ranges->room = room;
	}
	ranges->items[ranges->count++] = (struct range){ start, last };
}

static int compare_ranges(const void *a, const void *b)
{
	const struct range *left = a, *right = b;

	return (left->start > right->start) - (left->start < right->start);
}

/* Sorted, and what touches is one. */
static void tidy(struct ranges *ranges)
{
	size_t kept = 0;

	if (!ranges->count)
		return;
	qsort(ranges->items, ranges->count, sizeof(struct range), compare_ranges);
	for (size_t i = 1; i < ranges->count; i++) {
		struct range *last = &ranges->items[kept], *next = &ranges->items[i];

		/* The last address of all has none behind it. */
		if (next->start > last->last && next->start - last->last > 1)
			ranges->items[++kept] = *next;
		else if (next->last > last->last)
			last->last = next->last;
	}
	ranges->count = kept + 1;
}

static enum wr_family family_of(unsigned index)
{
	return index == 0 ? WR_IPV4 : WR_IPV6;
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

static void print_ranges(FILE *out, enum wr_family family, const struct ranges *ranges)
{
	for (size_t i = 0; i < ranges->count; i++) {
		const struct range *range = &ranges->items[i];

		fputs(i ? ", " : "", out);
		print_address(out, family, range->start);
		if (range->last == range->start)
			continue;
		fputs("-", out);
		print_address(out, family, range->last);
	}
}

static bool has_wide(const struct ranges *ranges)
{
	for (size_t i = 0; i < ranges->count; i++)
		if (ranges->items[i].last != ranges->items[i].start)
			return true;
	return false;
}

/* --- Sets: each once, whatever asks for it. --- */

struct set {
	unsigned number;
	enum wr_family family;
	char text[]; /* its elements */
};

/* Three ways in which a packet and the rules meet. */
enum style {
	HEADER,   /* by its own addresses: what opens, and what is of no flow */
	ORIGINAL, /* by how its flow was opened from there */
	MIRRORED, /* by how its flow was opened from here, as its answers look */
	STYLES
};

struct script {
	const struct wr_enforce_hosts *hosts;
	struct wr_intervals owners[FAMILIES]; /* `src`: a host's place and one more */
	struct wr_map sets;                   /* by hash of the text */
	struct wr_map sides; /* those that were asked for: by hash of their words */
	unsigned set_count;
	FILE *set_lines;
	FILE *chains[STYLES];
	bool is_out_of_memory;
};

static uint64_t hash_of(enum wr_family family, const char *text)
{
	/* FNV-1a. */
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ family;

	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
	return hash;
}

static const struct set *find_set(const struct script *script, enum wr_family family,
				  const char *text, uint64_t *ret_hash)
{
	for (*ret_hash = hash_of(family, text);; ++*ret_hash) {
		const struct set *set = wr_map_get(&script->sets, *ret_hash);

		if (!set || (set->family == family && strcmp(set->text, text) == 0))
			return set;
	}
}

static void print_set(FILE *out, const char *name, enum wr_family family, bool is_wide,
		      const char *elements)
{
	fprintf(out, "\tset %s {\n\t\ttype %s\n", name,
		family == WR_IPV4 ? "ipv4_addr" : "ipv6_addr");
	if (is_wide)
		fputs("\t\tflags interval\n", out);
	if (*elements)
		fprintf(out, "\t\telements = { %s }\n", elements);
	fputs("\t}\n", out);
}

static char *text_of_ranges(enum wr_family family, const struct ranges *ranges)
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

static const struct set *new_set(struct script *script, enum wr_family family, const char *text,
				 uint64_t hash, bool is_wide)
{
	struct set *set = malloc(sizeof(*set) + strlen(text) + 1);
	char name[24];

	if (!set || !wr_map_put(&script->sets, hash, set)) {
		free(set);
		script->is_out_of_memory = true;
		return NULL;
	}
	set->number = ++script->set_count;
	set->family = family;
	strcpy(set->text, text);
	snprintf(name, sizeof(name), "s%u", set->number);
	print_set(script->set_lines, name, family, is_wide, text);
	return set;
}

/* The number of the set with these addresses; 0 if there are none, or no memory is. */
static unsigned set_of(struct script *script, enum wr_family family, struct ranges *ranges)
{
	const struct set *set = NULL;
	uint64_t hash;
	char *text;

	tidy(ranges);
	if (!ranges->count && !ranges->is_out_of_memory)
		return 0;
	text = ranges->is_out_of_memory ? NULL : text_of_ranges(family, ranges);
	if (!text) {
		script->is_out_of_memory = true;
		return 0;
	}
	set = find_set(script, family, text, &hash);
	if (!set)
		set = new_set(script, family, text, hash, has_wide(ranges));
	free(text);
	return set ? set->number : 0;
}

/* --- Whom a side names. --- */

static bool is_named(const struct wr_enforce_host *host, const struct wr_term *term)
{
	const char *name = (const char *)term->name.data;

	if (term->kind == WR_TERM_ALL)
		return true;
	if (term->kind == WR_TERM_MACHINE)
		return strlen(host->name) == term->name.len &&
		       memcmp(host->name, name, term->name.len) == 0;
	for (size_t i = 0; term->kind == WR_TERM_TAG && i < host->tag_count; i++)
		if (strlen(host->tags[i]) == term->name.len &&
		    memcmp(host->tags[i], name, term->name.len) == 0)
			return true;
	return false;
}

static bool is_any_named(const struct wr_enforce_host *host, const struct wr_term *terms,
			 size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_named(host, &terms[i]))
			return true;
	return false;
}

static void add_own(struct ranges *ranges, enum wr_family family,
		    const struct wr_enforce_host *host)
{
	const struct wr_ip *ip = family == WR_IPV4 ? &host->v4 : &host->v6;
	wr_address address;

	if (ip->family != family)
		return;
	address = wr_address_of(family, ip->bytes);
	add_range(ranges, address, address);
}

static wr_address last_address(enum wr_family family)
{
	return family == WR_IPV4 ? (wr_address)UINT32_MAX : ~(wr_address)0;
}

/* All that is owned by hosts of which `is_wanted` is true: by place and one more. */
static void add_owned(const struct script *script, unsigned family, const bool *is_wanted,
		      struct ranges *ranges)
{
	const struct wr_intervals *owners = &script->owners[family];

	for (size_t i = 0; i < owners->count; i++) {
		const struct wr_interval *at = &owners->items[i];
		wr_address last = i + 1 < owners->count ? at[1].start - 1
							: last_address(family_of(family));

		if (is_wanted[at->src])
			add_range(ranges, at->start, last);
	}
}

static void add_prefix(struct ranges *ranges, const struct wr_prefix *prefix)
{
	unsigned host_bits = wr_ip_bits(prefix->ip.family) - prefix->length;
	wr_address start = wr_address_of(prefix->ip.family, prefix->ip.bytes);
	wr_address hosts = host_bits == 128 ? 0 : (wr_address)1 << host_bits;

	add_range(ranges, start, start + (hosts - 1));
}

/* What is denied holds for what is behind a machine too; what is allowed does not. */
static unsigned new_side(struct script *script, unsigned family, bool is_allowed,
			 const struct wr_term *terms, size_t count)
{
	const struct wr_enforce_hosts *hosts = script->hosts;
	bool *is_wanted = calloc(hosts->count + 1, sizeof(*is_wanted));
	struct ranges ranges = { 0 };
	unsigned set;

	if (!is_wanted) {
		script->is_out_of_memory = true;
		return 0;
	}
	for (size_t i = 0; i < hosts->count; i++) {
		is_wanted[i + 1] = is_any_named(&hosts->items[i], terms, count);
		if (is_allowed && is_wanted[i + 1])
			add_own(&ranges, family_of(family), &hosts->items[i]);
	}
	if (!is_allowed)
		add_owned(script, family, is_wanted, &ranges);
	for (size_t i = 0; i < count; i++)
		if (terms[i].kind == WR_TERM_PREFIX &&
		    terms[i].prefix.ip.family == family_of(family))
			add_prefix(&ranges, &terms[i].prefix);
	set = set_of(script, family_of(family), &ranges);
	free(ranges.items);
	free(is_wanted);
	return set;
}

/* A side that was asked for before; most are, many times. */
struct side {
	unsigned set;
	char words[];
};

static void print_term(FILE *out, const struct wr_term *term)
{
	char text[WR_ENDPOINT_TEXT_LEN] = "";

	if (term->kind == WR_TERM_PREFIX)
		wr_prefix_format(&term->prefix, text);
	fprintf(out, " %u:%.*s%s", term->kind, (int)term->name.len,
		term->name.len ? (const char *)term->name.data : "", text);
}

static char *words_of(unsigned family, bool is_allowed, const struct wr_term *terms, size_t count)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fprintf(out, "%u %u", family, is_allowed);
	for (size_t i = 0; i < count; i++)
		print_term(out, &terms[i]);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static const struct side *find_side(const struct script *script, const char *side_words,
				    uint64_t *ret_hash)
{
	for (*ret_hash = hash_of(WR_FAMILY_NONE, side_words);; ++*ret_hash) {
		const struct side *side = wr_map_get(&script->sides, *ret_hash);

		if (!side || strcmp(side->words, side_words) == 0)
			return side;
	}
}

static void keep_side(struct script *script, const char *side_words, uint64_t hash, unsigned set)
{
	struct side *side = malloc(sizeof(*side) + strlen(side_words) + 1);

	if (!side || !wr_map_put(&script->sides, hash, side)) {
		free(side);
		script->is_out_of_memory = true;
		return;
	}
	side->set = set;
	strcpy(side->words, side_words);
}

/* The number of the set that a side names; 0 for nobody. */
static unsigned set_of_side(struct script *script, unsigned family, bool is_allowed,
			    const struct wr_term *terms, size_t count)
{
	char *side_words = words_of(family, is_allowed, terms, count);
	const struct side *side;
	uint64_t hash;
	unsigned set;

	if (!side_words) {
		script->is_out_of_memory = true;
		return 0;
	}
	side = find_side(script, side_words, &hash);
	set = side ? side->set : new_side(script, family, is_allowed, terms, count);
	if (!side)
		keep_side(script, side_words, hash, set);
	free(side_words);
	return set;
}

/* --- Rules. --- */

/* What nft wants to know before it takes the port of a flow for a number; true for all that has
 * ports, and for the ICMP errors about it. */
#define PORT_IS_NUMBER "meta l4proto { 1, 6, 17, 58 } "

struct words {
	const char *src, *dst, *protocol, *port;
};

static const struct words words[STYLES][FAMILIES] = {
	[HEADER] = { { "ip saddr", "ip daddr", "meta l4proto", "th dport" },
		     { "ip6 saddr", "ip6 daddr", "meta l4proto", "th dport" } },
	[ORIGINAL] = { { "ct original ip saddr", "ct original ip daddr", "ct original protocol",
			 PORT_IS_NUMBER "ct original proto-dst" },
		       { "ct original ip6 saddr", "ct original ip6 daddr", "ct original protocol",
			 PORT_IS_NUMBER "ct original proto-dst" } },
	[MIRRORED] = { { "ct reply ip daddr", "ct reply ip saddr", "ct reply protocol",
			 PORT_IS_NUMBER "ct reply proto-src" },
		       { "ct reply ip6 daddr", "ct reply ip6 saddr", "ct reply protocol",
			 PORT_IS_NUMBER "ct reply proto-src" } },
};

struct line {
	unsigned family, src, dst;
	const struct wr_rule_terms *rule;
};

static unsigned number_of(enum wr_terms_protocol protocol, unsigned family)
{
	static const unsigned numbers[][FAMILIES] = {
		[WR_TERMS_TCP] = { 6, 6 }, [WR_TERMS_UDP] = { 17, 17 }, [WR_TERMS_ICMP] = { 1, 58 }
	};

	return numbers[protocol][family];
}

static bool is_all(const struct wr_terms_ports *ports)
{
	return ports->protocol == WR_TERMS_ICMP || (ports->low == 0 && ports->high == UINT16_MAX);
}

static void print_ports(FILE *out, const struct wr_terms_ports *ports, size_t count)
{
	fputs(" { ", out);
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "%s%u", i ? ", " : "", ports[i].low);
		if (ports[i].high > ports[i].low)
			fprintf(out, "-%u", ports[i].high);
	}
	fputs(" }", out);
}

/* `count` ports of one protocol, or none: all protocols. */
static void print_rule(const struct script *script, const struct line *line,
		       const struct wr_terms_ports *ports, size_t count)
{
	for (unsigned style = 0; style < STYLES; style++) {
		const struct words *say = &words[style][line->family];
		FILE *out = script->chains[style];

		fprintf(out, "\t\t%s @s%u %s @s%u", say->src, line->src, say->dst, line->dst);
		if (count)
			fprintf(out, " %s %u", say->protocol,
				number_of(ports->protocol, line->family));
		if (count && !is_all(ports)) {
			fprintf(out, " %s", say->port);
			print_ports(out, ports, count);
		}
		fputs(line->rule->is_allowed ? " accept\n" : " drop\n", out);
	}
}

static size_t same_protocol(const struct wr_terms_ports *ports, size_t count)
{
	size_t same = 1;

	while (same < count && ports[same].protocol == ports->protocol)
		same++;
	return same;
}

static void print_protocols(const struct script *script, const struct line *line)
{
	const struct wr_rule_terms *rule = line->rule;

	if (!rule->port_count)
		print_rule(script, line, NULL, 0);
	for (size_t i = 0; i < rule->port_count;) {
		size_t count = same_protocol(rule->ports + i, rule->port_count - i);

		print_rule(script, line, rule->ports + i, count);
		i += count;
	}
}

static int add_rule(void *context, const struct wr_rule_terms *rule)
{
	struct script *script = context;

	for (unsigned family = 0; family < FAMILIES; family++) {
		struct line line = {
			.family = family,
			.src = set_of_side(script, family, rule->is_allowed, rule->src,
					   rule->src_count),
			.dst = set_of_side(script, family, rule->is_allowed, rule->dst,
					   rule->dst_count),
			.rule = rule,
		};

		if (line.src && line.dst)
			print_protocols(script, &line);
	}
	return script->is_out_of_memory ? -ENOMEM : 0;
}

/* --- Whose addresses are whose. --- */

static void take_owner(void *context, size_t prefix, const struct wr_interval *around,
		       struct wr_interval *ret_interval)
{
	const uint32_t *owners = context;

	(void)around;
	ret_interval->src = owners[prefix];
}

static bool find_owners(struct script *script)
{
	const struct wr_enforce_hosts *hosts = script->hosts;
	size_t count = 0, at = 0;
	struct wr_prefix *prefixes;
	uint32_t *owners;
	bool is_done;

	for (size_t i = 0; i < hosts->count; i++)
		count += hosts->items[i].prefix_count;
	prefixes = calloc(count + 1, sizeof(*prefixes));
	owners = calloc(count + 1, sizeof(*owners));
	is_done = prefixes && owners;
	for (size_t i = 0; is_done && i < hosts->count; i++)
		for (size_t j = 0; j < hosts->items[i].prefix_count; j++, at++) {
			prefixes[at] = hosts->items[i].prefixes[j];
			owners[at] = (uint32_t)i + 1;
		}
	for (unsigned i = 0; is_done && i < FAMILIES; i++)
		is_done = wr_intervals_build(&script->owners[i], family_of(i), prefixes, count,
					     take_owner, owners);
	free(prefixes);
	free(owners);
	return is_done;
}

static void print_owned(struct script *script, unsigned family, bool is_ours)
{
	const struct wr_enforce_hosts *hosts = script->hosts;
	bool *is_wanted = calloc(hosts->count + 1, sizeof(*is_wanted));
	struct ranges ranges = { 0 };
	char name[16], *text;

	if (is_wanted) {
		for (size_t i = 0; i < hosts->count; i++)
			is_wanted[i + 1] = (hosts->items[i].slot == WR_ENFORCE_SELF) == is_ours;
		add_owned(script, family, is_wanted, &ranges);
		tidy(&ranges);
	}
	text = is_wanted && !ranges.is_out_of_memory ? text_of_ranges(family_of(family), &ranges)
						     : NULL;
	script->is_out_of_memory |= !text;
	snprintf(name, sizeof(name), "%s%u", is_ours ? "ours" : "others", family ? 6 : 4);
	if (text)
		print_set(script->set_lines, name, family_of(family), true, text);
	free(text);
	free(ranges.items);
	free(is_wanted);
}

/* --- The whole. --- */

/* `table` and `interface`, thrice. Behind connection tracking (-200) and before the host's NAT
 * (-100); behind NAT (100). */
static const char bases[] = "\tchain arriving {\n"
			    "\t\ttype filter hook prerouting priority -150; policy accept;\n"
			    "\t\tiifname \"%s\" goto arrive\n"
			    "\t}\n"
			    "\tchain leaving {\n"
			    "\t\ttype filter hook postrouting priority 150; policy accept;\n"
			    "\t\toifname \"%s\" goto leave\n"
			    "\t}\n";

static const char closed[] = "\tchain arrive {\n\t\tdrop\n\t}\n"
			     "\tchain leave {\n\t\tdrop\n\t}\n";

/* A SYN opens, whatever was there before. An ICMP error is of a flow that is known, or of none. A
 * flow that was opened from there has one of others
 * first. */
static const char open_chains[] =
	"\tchain arrive {\n"
	"\t\tip saddr @others4 ip daddr @ours4 goto judge\n"
	"\t\tip6 saddr @others6 ip6 daddr @ours6 goto judge\n"
	"\t\tdrop\n"
	"\t}\n"
	"\tchain leave {\n"
	"\t\tip saddr @ours4 ip daddr @others4 goto judge\n"
	"\t\tip6 saddr @ours6 ip6 daddr @others6 goto judge\n"
	"\t\tdrop\n"
	"\t}\n"
	"\tchain judge {\n"
	"\t\ttcp flags & (syn | ack) == syn goto by_header\n"
	"\t\tct state invalid,untracked icmp type { 3, 4, 5, 11, 12 } drop\n"
	"\t\tct state invalid,untracked icmpv6 type 0-127 drop\n"
	"\t\tct state invalid,untracked goto by_header\n"
	"\t\tct original ip saddr @others4 ct original ip daddr @ours4 goto by_original\n"
	"\t\tct original ip6 saddr @others6 ct original ip6 daddr @ours6 goto by_original\n"
	"\t\tct reply ip saddr @others4 ct reply ip daddr @ours4 goto by_mirrored\n"
	"\t\tct reply ip6 saddr @others6 ct reply ip6 daddr @ours6 goto by_mirrored\n"
	"\t\tdrop\n"
	"\t}\n";

static void print_chain(FILE *out, const char *name, const char *rules, bool is_allowed)
{
	fprintf(out, "\tchain by_%s {\n%s\t\t%s\n\t}\n", name, rules,
		is_allowed ? "accept" : "drop");
}

static void print_table(FILE *out, const char *interface, const struct script *script,
			const char *sets, char *const chains[STYLES])
{
	static const char *const names[STYLES] = { "header", "original", "mirrored" };
	char table[WR_ENFORCE_TABLE_LEN];

	(void)wr_enforce_table(interface, table);
	fprintf(out, "table inet %s\ndelete table inet %s\ntable inet %s {\n", table, table, table);
	if (!script) {
		fputs(closed, out);
	} else {
		fputs(sets, out);
		for (unsigned i = 0; i < STYLES; i++)
			print_chain(out, names[i], chains[i],
				    wr_policy_allows_by_default(script->hosts->policy));
		fputs(open_chains, out);
	}
	fprintf(out, bases, interface, interface);
	fputs("}\n", out);
}

static char *table_of(const char *interface, const struct script *script, const char *sets,
		      char *const chains[STYLES])
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	print_table(out, interface, script, sets, chains);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static bool fill(struct script *script)
{
	if (!find_owners(script))
		return false;
	for (unsigned family = 0; family < FAMILIES; family++) {
		print_owned(script, family, true);
		print_owned(script, family, false);
	}
	return wr_policy_walk(script->hosts->policy, add_rule, script) == 0 &&
	       !script->is_out_of_memory;
}

static void free_all(struct wr_map *map)
{
	size_t at = 0;

	for (void *value; (value = wr_map_next(map, &at));)
		free(value);
	wr_map_done(map);
}

static void script_done(struct script *script)
{
	free_all(&script->sets);
	free_all(&script->sides);
	for (unsigned i = 0; i < FAMILIES; i++)
		free(script->owners[i].items);
}

/* Closes what is open; false if anything went wrong. */
static bool close_all(FILE *const *files, size_t count)
{
	bool is_done = true;

	for (size_t i = 0; i < count; i++)
		is_done = files[i] && fclose(files[i]) == 0 && is_done;
	return is_done;
}

static char *script_of(const struct wr_enforce_hosts *hosts, const char *interface)
{
	struct script script = { .hosts = hosts };
	char *texts[STYLES + 1] = { NULL }, *whole = NULL;
	size_t lens[STYLES + 1];
	FILE *files[STYLES + 1];
	bool is_done = true;

	for (size_t i = 0; i < WR_ARRAY_LEN(files); i++) {
		files[i] = open_memstream(&texts[i], &lens[i]);
		is_done = is_done && files[i];
	}
	memcpy(script.chains, files, sizeof(script.chains));
	script.set_lines = files[STYLES];
	is_done = is_done && fill(&script);
	is_done = close_all(files, WR_ARRAY_LEN(files)) && is_done;
	if (is_done)
		whole = table_of(interface, &script, texts[STYLES], texts);
	for (size_t i = 0; i < WR_ARRAY_LEN(texts); i++)
		free(texts[i]);
	script_done(&script);
	return whole;
}

char *wr_enforce_script(const struct wr_enforce_hosts *hosts, const char *interface,
			char ret_why[200])
{
	char *script;

	ret_why[0] = '\0';
	if (!is_plain(interface)) {
		snprintf(ret_why, 200,
			 "an interface of this name cannot be filtered: use letters, digits, '-' "
			 "and '.'");
		return NULL;
	}
	script = hosts ? script_of(hosts, interface) : table_of(interface, NULL, NULL, NULL);
	if (!script)
		snprintf(ret_why, 200, "out of memory");
	return script;
}
