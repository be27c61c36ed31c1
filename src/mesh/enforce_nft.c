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

#include "mesh/enforce_hosts.h"
#include "mesh/enforce_sets.h"
#include "policy/terms.h"

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

/* --- Rules. --- */

/* Three ways in which a packet and the rules meet. */
enum style {
	HEADER,   /* by its own addresses: what opens, and what is of no flow */
	ORIGINAL, /* by how its flow was opened from there */
	MIRRORED, /* by how its flow was opened from here, as its answers look */
	STYLES
};

struct script {
	struct wr_sets sets;
	FILE *chains[STYLES];
};

/* What nft wants to know before it takes the port of a flow for a number; true for all that has
 * ports, and for the ICMP errors about it. */
#define PORT_IS_NUMBER "meta l4proto { 1, 6, 17, 58 } "

struct words {
	const char *src, *dst, *protocol, *port;
};

static const struct words words[STYLES][WR_SETS_FAMILIES] = {
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
	static const unsigned numbers[][WR_SETS_FAMILIES] = {
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

	for (unsigned family = 0; family < WR_SETS_FAMILIES; family++) {
		struct line line = {
			.family = family,
			.src = wr_sets_side(&script->sets, family, rule->is_allowed, rule->src,
					    rule->src_count),
			.dst = wr_sets_side(&script->sets, family, rule->is_allowed, rule->dst,
					    rule->dst_count),
			.rule = rule,
		};

		if (line.src && line.dst)
			print_protocols(script, &line);
	}
	return script->sets.is_out_of_memory ? -ENOMEM : 0;
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
				    wr_policy_allows_by_default(script->sets.hosts->policy));
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

static bool fill(struct script *script, const struct wr_enforce_hosts *hosts, FILE *set_lines)
{
	return wr_sets_init(&script->sets, hosts, set_lines) &&
	       wr_policy_walk(hosts->policy, add_rule, script) == 0;
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
	struct script script = { 0 };
	char *texts[STYLES + 1] = { NULL }, *whole = NULL;
	size_t lens[STYLES + 1];
	FILE *files[STYLES + 1];
	bool is_done = true;

	for (size_t i = 0; i < WR_ARRAY_LEN(files); i++) {
		files[i] = open_memstream(&texts[i], &lens[i]);
		is_done = is_done && files[i];
	}
	memcpy(script.chains, files, sizeof(script.chains));
	is_done = is_done && fill(&script, hosts, files[STYLES]);
	is_done = close_all(files, WR_ARRAY_LEN(files)) && is_done;
	if (is_done)
		whole = table_of(interface, &script, texts[STYLES], texts);
	for (size_t i = 0; i < WR_ARRAY_LEN(texts); i++)
		free(texts[i]);
	wr_sets_done(&script.sets);
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
