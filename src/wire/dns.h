/* DNS messages, as far as a server of a few names needs them: reads a query, writes the
 * answer to it.
 *
 * Floor 2.  No state; owns nothing.
 * Source: RFC 1035 (messages), RFC 3596 (AAAA, ip6.arpa), RFC 6891 (EDNS), RFC 2308
 * (negative answers), RFC 8482 (ANY). */
#pragma once

#include "base/base.h"
#include "base/ip.h"

/* RFC 1035 section 2.3.4: a label, and a name in wire form. */
#define WR_DNS_LABEL_MAX 63
#define WR_DNS_NAME_MAX 255
/* RFC 1035 section 4.2.1: what anybody takes over UDP; RFC 9715 section 3.1: what is not
 * fragmented on the way, which we say and keep to where the client takes as much. */
#define WR_DNS_UDP_LEN 512
#define WR_DNS_EDNS_LEN 1232

enum {
	WR_DNS_A = 1,
	WR_DNS_NS = 2,
	WR_DNS_SOA = 6,
	WR_DNS_PTR = 12,
	WR_DNS_HINFO = 13,
	WR_DNS_AAAA = 28,
	WR_DNS_OPT = 41,
	WR_DNS_IXFR = 251,
	WR_DNS_AXFR = 252,
	WR_DNS_ANY = 255,
};
#define WR_DNS_IN 1

enum wr_dns_rcode {
	WR_DNS_NOERROR = 0,
	WR_DNS_FORMERR = 1,
	WR_DNS_NXDOMAIN = 3,
	WR_DNS_NOTIMP = 4,
	WR_DNS_REFUSED = 5,
	WR_DNS_BADVERS = 16,
};

/* --- Names. --- */

/* In wire form: each label after its length, and the root's 0 at the end. Compared
 * without regard to ASCII case, kept with it. */
struct wr_dns_name {
	uint8_t bytes[WR_DNS_NAME_MAX];
	uint8_t len;
};

/* From "hub.acme.warren", one dot at the end allowed. False if that is no name. */
bool wr_dns_name_parse(const char *text, struct wr_dns_name *ret_name) WR_MUST_CHECK;
/* How many labels, the root's not counted. */
unsigned wr_dns_name_labels(const struct wr_dns_name *name);
/* The name without its first `count` labels (of those that it has). */
struct wr_dns_name wr_dns_name_parent(const struct wr_dns_name *name, unsigned count);
bool wr_dns_name_equal(const struct wr_dns_name *a, const struct wr_dns_name *b);
/* True if it is `zone` or below it. */
bool wr_dns_name_is_in(const struct wr_dns_name *name, const struct wr_dns_name *zone);
/* The first label in lower case as a text; false where it is the root, or has bytes that
 * are not printable ASCII. */
bool wr_dns_name_label(const struct wr_dns_name *name, char ret_label[WR_DNS_LABEL_MAX + 1]);

/* What a name in in-addr.arpa or ip6.arpa stands for. */
enum wr_dns_reverse {
	WR_DNS_NOT_REVERSE, /* in neither */
	WR_DNS_REVERSE,     /* the addresses of a prefix; a whole address has all bits */
	WR_DNS_REVERSE_ODD, /* beneath one of a prefix, but nothing that an address has */
};
/* *ret_prefix: what the labels say, up to the first that no address has. */
enum wr_dns_reverse wr_dns_reverse_read(const struct wr_dns_name *name,
					struct wr_prefix *ret_prefix);

/* --- Queries. --- */

struct wr_dns_query {
	uint16_t id;
	uint16_t type, class;
	struct wr_dns_name name;
	bool wants_recursion;      /* RD */
	bool is_checking_disabled; /* CD */
	uint8_t opcode;
	bool has_question;
	bool has_edns;
	bool wants_dnssec; /* DO */
	uint16_t edns_len; /* what the client takes over UDP */
};

/* False: not to be answered at all (no whole header, or an answer itself). Else
 * *ret_rcode says what is wrong with it (WR_DNS_FORMERR, NOTIMP, BADVERS) or
 * WR_DNS_NOERROR, and *ret_query what was understood: enough for an answer. */
bool wr_dns_query_read(struct wr_bytes message, struct wr_dns_query *ret_query,
		       enum wr_dns_rcode *ret_rcode) WR_MUST_CHECK;
/* What may be sent to it over UDP. */
size_t wr_dns_udp_limit(const struct wr_dns_query *query);

/* --- Answers. --- */

enum wr_dns_section {
	WR_DNS_ANSWER = 1,
	WR_DNS_AUTHORITY = 2,
	WR_DNS_ADDITIONAL = 3,
};

/* Records are added in the order of their sections. What does not fit marks the answer
 * truncated, and nothing is added after it. */
struct wr_dns_writer {
	uint8_t *data;
	size_t len, limit;
	const struct wr_dns_query *query;
	uint16_t counts[4];
	bool is_truncated;
};

/* `size` is at least WR_DNS_UDP_LEN. Begins with the header and the query's question;
 * room for its OPT record is kept. */
struct wr_dns_writer wr_dns_writer_of(const struct wr_dns_query *query, uint8_t *data, size_t size);
/* A or AAAA. */
void wr_dns_write_ip(struct wr_dns_writer *writer, enum wr_dns_section section,
		     const struct wr_dns_name *owner, uint32_t ttl, const struct wr_ip *ip);
/* PTR or NS. */
void wr_dns_write_name(struct wr_dns_writer *writer, enum wr_dns_section section,
		       const struct wr_dns_name *owner, uint32_t ttl, uint16_t type,
		       const struct wr_dns_name *target);
/* RFC 8482 section 4.2: an HINFO in place of "any". */
void wr_dns_write_no_any(struct wr_dns_writer *writer, const struct wr_dns_name *owner,
			 uint32_t ttl);
struct wr_dns_soa {
	const struct wr_dns_name *server, *mail;
	uint32_t serial, refresh, retry, expire;
	uint32_t negative_ttl; /* and that of the record */
};
void wr_dns_write_soa(struct wr_dns_writer *writer, enum wr_dns_section section,
		      const struct wr_dns_name *zone, const struct wr_dns_soa *soa);
/* The length of the finished answer. */
size_t wr_dns_writer_end(struct wr_dns_writer *writer, enum wr_dns_rcode rcode,
			 bool is_authoritative);
