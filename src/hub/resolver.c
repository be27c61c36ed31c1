#include "hub/resolver.h"

#include <stdio.h>
#include <string.h>

/* One question, and what is found out about it. */
struct inquiry {
	const struct wr_resolver *resolver;
	const struct wr_dns_query *query;
	struct wr_dns_writer *writer;
	struct wr_dns_name zone; /* of the name: the organisation's, or a reverse one */
};

bool wr_resolver_init(struct wr_resolver *resolver, const char *label, const char *suffix,
		      const struct wr_resolver_source *source)
{
	char text[WR_DNS_NAME_MAX + 1];
	int len = snprintf(text, sizeof(text), "hostmaster.%s.%s", label, suffix);
	const char *zone = text + strlen("hostmaster.");

	*resolver = (struct wr_resolver){ .source = *source };
	if (len < 0 || (size_t)len >= sizeof(text) || !wr_dns_name_parse(text, &resolver->mail) ||
	    !wr_dns_name_parse(zone, &resolver->zone))
		return false;
	(void)snprintf(text, sizeof(text), "%s.%s.%s", WR_RESOLVER_HUB, label, suffix);
	return wr_dns_name_parse(text, &resolver->server);
}

static bool asks_for(const struct inquiry *inquiry, uint16_t type)
{
	return inquiry->query->type == type;
}

/* --- Records. --- */

/* RFC 2308: what is not there comes with the zone's SOA, which says for how long. Nothing
 * changes by transfers, so its other numbers only have to be sensible. */
static void write_soa(const struct inquiry *inquiry, enum wr_dns_section section)
{
	struct wr_dns_soa soa = {
		.server = &inquiry->resolver->server,
		.mail = &inquiry->resolver->mail,
		.serial = 1,
		.refresh = 3600,
		.retry = 600,
		.expire = 86400,
		.negative_ttl = WR_RESOLVER_NEGATIVE_TTL,
	};

	wr_dns_write_soa(inquiry->writer, section, &inquiry->zone, &soa);
}

static void write_ip(const struct inquiry *inquiry, enum wr_dns_section section,
		     const struct wr_dns_name *owner, const struct wr_ip *ip)
{
	if (ip->family != WR_FAMILY_NONE)
		wr_dns_write_ip(inquiry->writer, section, owner, WR_RESOLVER_TTL, ip);
}

static void write_ns(const struct inquiry *inquiry)
{
	const struct wr_resolver *resolver = inquiry->resolver;

	wr_dns_write_name(inquiry->writer, WR_DNS_ANSWER, &inquiry->zone, WR_RESOLVER_TTL,
			  WR_DNS_NS, &resolver->server);
	write_ip(inquiry, WR_DNS_ADDITIONAL, &resolver->server, &resolver->hub4);
	write_ip(inquiry, WR_DNS_ADDITIONAL, &resolver->server, &resolver->hub6);
}

/* The name is there; if what was asked for is not, says so. */
static enum wr_dns_rcode end_answer(const struct inquiry *inquiry)
{
	if (inquiry->writer->counts[WR_DNS_ANSWER] == 0 && !inquiry->writer->is_truncated)
		write_soa(inquiry, WR_DNS_AUTHORITY);
	return WR_DNS_NOERROR;
}

static enum wr_dns_rcode no_such_name(const struct inquiry *inquiry)
{
	write_soa(inquiry, WR_DNS_AUTHORITY);
	return WR_DNS_NXDOMAIN;
}

/* What the top of a zone has besides addresses. */
static void answer_apex(const struct inquiry *inquiry)
{
	if (asks_for(inquiry, WR_DNS_SOA))
		write_soa(inquiry, WR_DNS_ANSWER);
	else if (asks_for(inquiry, WR_DNS_NS))
		write_ns(inquiry);
}

/* --- Names to addresses. --- */

static enum wr_dns_rcode answer_host(const struct inquiry *inquiry, const struct wr_ip *v4,
				     const struct wr_ip *v6)
{
	const struct wr_dns_name *name = &inquiry->query->name;

	if (asks_for(inquiry, WR_DNS_A))
		write_ip(inquiry, WR_DNS_ANSWER, name, v4);
	else if (asks_for(inquiry, WR_DNS_AAAA))
		write_ip(inquiry, WR_DNS_ANSWER, name, v6);
	else if (asks_for(inquiry, WR_DNS_ANY))
		wr_dns_write_no_any(inquiry->writer, name, WR_RESOLVER_TTL);
	return end_answer(inquiry);
}

static enum wr_dns_rcode answer_label(const struct inquiry *inquiry)
{
	const struct wr_resolver *resolver = inquiry->resolver;
	struct wr_ip v4 = { 0 }, v6 = { 0 };
	char label[WR_DNS_LABEL_MAX + 1];

	if (!wr_dns_name_label(&inquiry->query->name, label))
		return no_such_name(inquiry);
	if (strcmp(label, WR_RESOLVER_HUB) == 0)
		return answer_host(inquiry, &resolver->hub4, &resolver->hub6);
	if (!resolver->source.find(resolver->source.context, label, &v4, &v6))
		return no_such_name(inquiry);
	return answer_host(inquiry, &v4, &v6);
}

static enum wr_dns_rcode answer_forward(struct inquiry *inquiry)
{
	const struct wr_resolver *resolver = inquiry->resolver;
	unsigned labels = wr_dns_name_labels(&inquiry->query->name) -
			  wr_dns_name_labels(&resolver->zone);

	inquiry->zone = resolver->zone;
	if (labels > 1)
		return no_such_name(inquiry);
	if (labels == 1)
		return answer_label(inquiry);
	answer_apex(inquiry);
	return answer_host(inquiry, &resolver->hub4, &resolver->hub6);
}

/* --- Addresses to names. --- */

static bool is_within(const struct wr_prefix *inner, const struct wr_prefix *outer)
{
	unsigned whole = outer->length / 8, rest = outer->length % 8;

	if (outer->ip.family != inner->ip.family || inner->length < outer->length ||
	    memcmp(inner->ip.bytes, outer->ip.bytes, whole) != 0)
		return false;
	return rest == 0 || (inner->ip.bytes[whole] ^ outer->ip.bytes[whole]) >> (8 - rest) == 0;
}

/* The reverse zone that a name of the range is in: ours begins where a whole label does, so
 * a /20 is sixteen zones of a /24 each. How many labels it has, without in-addr.arpa. */
static unsigned zone_labels(const struct wr_prefix *range)
{
	unsigned bits = range->ip.family == WR_IPV4 ? 8 : 4;

	return (range->length + bits - 1) / bits;
}

static bool name_of(const struct wr_resolver *resolver, const struct wr_ip *ip,
		    char ret_label[WR_DNS_LABEL_MAX + 1])
{
	if (wr_ip_equal(ip, &resolver->hub4) || wr_ip_equal(ip, &resolver->hub6)) {
		strcpy(ret_label, WR_RESOLVER_HUB);
		return true;
	}
	return resolver->source.name(resolver->source.context, ip, ret_label);
}

static enum wr_dns_rcode answer_address(const struct inquiry *inquiry, const struct wr_ip *ip)
{
	const struct wr_resolver *resolver = inquiry->resolver;
	char label[WR_DNS_LABEL_MAX + 1];
	struct wr_dns_name target;

	if (!name_of(resolver, ip, label) || !wr_dns_name_parse(label, &target) ||
	    target.len - 1u + resolver->zone.len > WR_DNS_NAME_MAX)
		return no_such_name(inquiry);
	memcpy(target.bytes + target.len - 1, resolver->zone.bytes, resolver->zone.len);
	target.len = (uint8_t)(target.len - 1 + resolver->zone.len);
	if (asks_for(inquiry, WR_DNS_PTR))
		wr_dns_write_name(inquiry->writer, WR_DNS_ANSWER, &inquiry->query->name,
				  WR_RESOLVER_TTL, WR_DNS_PTR, &target);
	else if (asks_for(inquiry, WR_DNS_ANY))
		wr_dns_write_no_any(inquiry->writer, &inquiry->query->name, WR_RESOLVER_TTL);
	return end_answer(inquiry);
}

/* RFC 8020: a name with something below it is there, though it has nothing itself. */
static enum wr_dns_rcode answer_reverse(struct inquiry *inquiry, enum wr_dns_reverse kind,
					const struct wr_prefix *prefix,
					const struct wr_prefix *range)
{
	const struct wr_dns_name *name = &inquiry->query->name;
	unsigned labels = wr_dns_name_labels(name) - 2, zone = zone_labels(range);

	inquiry->zone = wr_dns_name_parent(name, labels - zone);
	if (labels == zone)
		answer_apex(inquiry);
	if (kind == WR_DNS_REVERSE_ODD)
		return no_such_name(inquiry);
	if (prefix->length == wr_ip_bits(prefix->ip.family))
		return answer_address(inquiry, &prefix->ip);
	if (asks_for(inquiry, WR_DNS_ANY))
		wr_dns_write_no_any(inquiry->writer, name, WR_RESOLVER_TTL);
	return end_answer(inquiry);
}

static const struct wr_prefix *range_of(const struct wr_resolver *resolver,
					const struct wr_prefix *prefix)
{
	if (is_within(prefix, &resolver->range4))
		return &resolver->range4;
	return is_within(prefix, &resolver->range6) ? &resolver->range6 : NULL;
}

/* --- The whole. --- */

static enum wr_dns_rcode answer_question(struct inquiry *inquiry)
{
	const struct wr_resolver *resolver = inquiry->resolver;
	const struct wr_dns_query *query = inquiry->query;
	const struct wr_prefix *range;
	struct wr_prefix prefix;
	enum wr_dns_reverse kind;

	if (query->class != WR_DNS_IN || query->type == WR_DNS_AXFR || query->type == WR_DNS_IXFR)
		return WR_DNS_REFUSED;
	if (wr_dns_name_is_in(&query->name, &resolver->zone))
		return answer_forward(inquiry);
	kind = wr_dns_reverse_read(&query->name, &prefix);
	range = kind == WR_DNS_NOT_REVERSE ? NULL : range_of(resolver, &prefix);
	return range ? answer_reverse(inquiry, kind, &prefix, range) : WR_DNS_REFUSED;
}

size_t wr_resolver_answer(const struct wr_resolver *resolver, struct wr_bytes message, bool is_udp,
			  uint8_t ret_answer[WR_RESOLVER_ANSWER_LEN])
{
	struct wr_dns_query query;
	struct wr_dns_writer writer;
	enum wr_dns_rcode rcode;
	bool is_ours = false;

	if (!wr_dns_query_read(message, &query, &rcode))
		return 0;
	writer = wr_dns_writer_of(&query, ret_answer,
				  is_udp ? wr_dns_udp_limit(&query) : WR_RESOLVER_ANSWER_LEN);
	if (rcode == WR_DNS_NOERROR) {
		struct inquiry inquiry = { .resolver = resolver,
					   .query = &query,
					   .writer = &writer };

		rcode = answer_question(&inquiry);
		is_ours = rcode != WR_DNS_REFUSED;
	}
	return wr_dns_writer_end(&writer, rcode, is_ours);
}
