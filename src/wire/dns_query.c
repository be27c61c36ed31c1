#include <string.h>

#include "base/reader.h"
#include "wire/dns.h"

#define HEADER_LEN 12
#define FLAG_QR 0x8000
#define FLAG_RD 0x0100
#define FLAG_CD 0x0010
/* RFC 6891 section 6.1.3, in the OPT record's TTL. */
#define EDNS_DO 0x8000u
/* Records of a query: an OPT, a TSIG, the SOA of an IXFR. */
#define RECORDS_MAX 8

static uint16_t read_be16(struct wr_reader *reader)
{
	unsigned high = wr_read_u8(reader);

	return (uint16_t)(high << 8 | wr_read_u8(reader));
}

/* One run of labels, up to the root or a pointer; where that points is *ret_target, or 0.
 * False if it is no name. */
static bool read_labels(struct wr_reader *reader, struct wr_dns_name *name, uint16_t *ret_target)
{
	for (;;) {
		uint8_t len = wr_read_u8(reader);
		struct wr_bytes label;

		*ret_target = 0;
		if (len >= 0xc0) {
			*ret_target = (uint16_t)((len & 0x3f) << 8 | wr_read_u8(reader));
			return !reader->bad && *ret_target >= HEADER_LEN;
		}
		label = wr_read_bytes(reader, len);
		/* RFC 6891 section 5 gave the lengths between up. */
		if (reader->bad || len > WR_DNS_LABEL_MAX ||
		    name->len + 1u + len + (len ? 1u : 0u) > WR_DNS_NAME_MAX)
			return false;
		name->bytes[name->len] = len;
		if (len)
			memcpy(name->bytes + name->len + 1, label.data, len);
		name->len = (uint8_t)(name->len + 1 + len);
		if (len == 0)
			return true;
	}
}

/* Each pointer must lead to before the run that it ends, so there are only so many. */
static bool read_name(struct wr_reader *reader, const struct wr_bytes *message,
		      struct wr_dns_name *ret_name)
{
	size_t begun = (size_t)(reader->left.data - message->data);
	struct wr_dns_name name = { .len = 0 };
	uint16_t target;

	if (!read_labels(reader, &name, &target))
		return false;
	while (target) {
		struct wr_reader from = { .left = { message->data + target,
						    message->len - target } };

		if (target >= begun)
			return false;
		begun = target;
		if (!read_labels(&from, &name, &target))
			return false;
	}
	*ret_name = name;
	return true;
}

static bool read_question(struct wr_reader *reader, const struct wr_bytes *message,
			  struct wr_dns_query *query)
{
	struct wr_dns_name name;
	uint16_t type, class;

	if (!read_name(reader, message, &name))
		return false;
	type = read_be16(reader);
	class = read_be16(reader);
	if (reader->bad)
		return false;
	query->name = name;
	query->type = type;
	query->class = class;
	query->has_question = true;
	return true;
}

/* RFC 6891 section 6.1.1: one at most, of the root, among the additional records. */
static bool take_opt(struct wr_dns_query *query, const struct wr_dns_name *owner, uint16_t class,
		     uint32_t ttl, bool is_additional, enum wr_dns_rcode *rcode)
{
	if (query->has_edns || owner->len != 1 || !is_additional)
		return false;
	query->has_edns = true;
	query->edns_len = class;
	query->wants_dnssec = (ttl & EDNS_DO) != 0;
	if ((ttl >> 16 & 0xff) != 0)
		*rcode = WR_DNS_BADVERS;
	return true;
}

static bool read_record(struct wr_reader *reader, const struct wr_bytes *message,
			bool is_additional, struct wr_dns_query *query, enum wr_dns_rcode *rcode)
{
	struct wr_dns_name owner;
	uint16_t type, class;
	uint32_t ttl;

	if (!read_name(reader, message, &owner))
		return false;
	type = read_be16(reader);
	class = read_be16(reader);
	ttl = wr_read_be32(reader);
	(void)wr_read_bytes(reader, read_be16(reader));
	if (reader->bad)
		return false;
	return type != WR_DNS_OPT || take_opt(query, &owner, class, ttl, is_additional, rcode);
}

static bool read_body(struct wr_reader *reader, const struct wr_bytes *message,
		      const uint16_t counts[4], struct wr_dns_query *query,
		      enum wr_dns_rcode *rcode)
{
	unsigned others = (unsigned)counts[1] + counts[2];
	unsigned all = others + counts[3];

	if (counts[0] != 1 || all > RECORDS_MAX || !read_question(reader, message, query))
		return false;
	for (unsigned i = 0; i < all; i++) {
		if (!read_record(reader, message, i >= others, query, rcode))
			return false;
	}
	return wr_reader_done(reader);
}

bool wr_dns_query_read(struct wr_bytes message, struct wr_dns_query *ret_query,
		       enum wr_dns_rcode *ret_rcode)
{
	struct wr_reader reader = wr_reader_of(message);
	uint16_t id = read_be16(&reader), flags = read_be16(&reader), counts[4];

	for (size_t i = 0; i < 4; i++)
		counts[i] = read_be16(&reader);
	if (reader.bad || flags & FLAG_QR)
		return false;
	*ret_query = (struct wr_dns_query){
		.id = id,
		.opcode = (uint8_t)(flags >> 11 & 15),
		.wants_recursion = (flags & FLAG_RD) != 0,
		.is_checking_disabled = (flags & FLAG_CD) != 0,
	};
	*ret_rcode = WR_DNS_NOERROR;
	if (ret_query->opcode != 0)
		*ret_rcode = WR_DNS_NOTIMP;
	else if (!read_body(&reader, &message, counts, ret_query, ret_rcode))
		*ret_rcode = WR_DNS_FORMERR;
	return true;
}

size_t wr_dns_udp_limit(const struct wr_dns_query *query)
{
	if (!query->has_edns || query->edns_len < WR_DNS_UDP_LEN)
		return WR_DNS_UDP_LEN;
	return query->edns_len < WR_DNS_EDNS_LEN ? query->edns_len : WR_DNS_EDNS_LEN;
}
