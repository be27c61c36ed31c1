#include <string.h>

#include "wire/dns.h"

#define HEADER_LEN 12
#define OPT_LEN 11
#define POINTER 0xc000
#define FLAG_QR 0x8000
#define FLAG_AA 0x0400
#define FLAG_TC 0x0200
#define FLAG_RD 0x0100
#define FLAG_CD 0x0010
#define EDNS_DO 0x8000u

/* --- Bytes. What does not fit sets is_truncated, and nothing is written after that. --- */

static void put(struct wr_dns_writer *writer, const void *bytes, size_t len)
{
	if (writer->is_truncated || len > writer->limit - writer->len) {
		writer->is_truncated = true;
		return;
	}
	memcpy(writer->data + writer->len, bytes, len);
	writer->len += len;
}

static void store16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put16(struct wr_dns_writer *writer, unsigned value)
{
	uint8_t bytes[2];

	store16(bytes, value);
	put(writer, bytes, sizeof(bytes));
}

static void put32(struct wr_dns_writer *writer, uint32_t value)
{
	put16(writer, value >> 16);
	put16(writer, value & 0xffff);
}

/* RFC 1035 section 4.1.4: the labels that it shares with the end of the question's name
 * are a pointer to there, which also keeps the case that was asked with. */
static void put_name(struct wr_dns_writer *writer, const struct wr_dns_name *name)
{
	unsigned labels = wr_dns_name_labels(name);
	size_t at = 0;

	for (; labels > 0; labels--) {
		struct wr_dns_name rest = wr_dns_name_parent(name,
							     wr_dns_name_labels(name) - labels);

		if (writer->query->has_question && wr_dns_name_is_in(&writer->query->name, &rest)) {
			put(writer, name->bytes, at);
			put16(writer, POINTER | (unsigned)(HEADER_LEN + writer->query->name.len -
							   rest.len));
			return;
		}
		at += 1u + name->bytes[at];
	}
	put(writer, name->bytes, name->len);
}

/* --- The frame. --- */

struct wr_dns_writer wr_dns_writer_of(const struct wr_dns_query *query, uint8_t *data, size_t size)
{
	struct wr_dns_writer writer = {
		.data = data,
		.len = HEADER_LEN,
		.limit = size - (query->has_edns ? OPT_LEN : 0),
		.query = query,
	};

	assert(size >= WR_DNS_UDP_LEN);
	if (query->has_question) {
		put(&writer, query->name.bytes, query->name.len);
		put16(&writer, query->type);
		put16(&writer, query->class);
		writer.counts[0] = 1;
	}
	assert(!writer.is_truncated);
	return writer;
}

/* RFC 6891 section 6.1.2; the upper bits of the response code are its TTL's first byte. */
static void put_opt(struct wr_dns_writer *writer, enum wr_dns_rcode rcode)
{
	uint8_t *at = writer->data + writer->len;

	memset(at, 0, OPT_LEN);
	store16(at + 1, WR_DNS_OPT);
	store16(at + 3, WR_DNS_EDNS_LEN);
	at[5] = (uint8_t)((unsigned)rcode >> 4);
	store16(at + 7, writer->query->wants_dnssec ? EDNS_DO : 0);
	writer->len += OPT_LEN;
	writer->counts[WR_DNS_ADDITIONAL]++;
}

size_t wr_dns_writer_end(struct wr_dns_writer *writer, enum wr_dns_rcode rcode,
			 bool is_authoritative)
{
	const struct wr_dns_query *query = writer->query;
	unsigned flags = FLAG_QR | (unsigned)query->opcode << 11 | ((unsigned)rcode & 15);

	if (is_authoritative)
		flags |= FLAG_AA;
	if (writer->is_truncated)
		flags |= FLAG_TC;
	if (query->wants_recursion)
		flags |= FLAG_RD;
	if (query->is_checking_disabled)
		flags |= FLAG_CD;
	if (query->has_edns)
		put_opt(writer, rcode);
	store16(writer->data, query->id);
	store16(writer->data + 2, flags);
	for (size_t i = 0; i < WR_ARRAY_LEN(writer->counts); i++)
		store16(writer->data + 4 + 2 * i, writer->counts[i]);
	return writer->len;
}

/* --- Records. --- */

/* A record is whole or not there. */
struct record {
	size_t begun, data;
};

static struct record begin(struct wr_dns_writer *writer, const struct wr_dns_name *owner,
			   uint16_t type, uint32_t ttl)
{
	struct record record = { .begun = writer->len };

	put_name(writer, owner);
	put16(writer, type);
	put16(writer, WR_DNS_IN);
	put32(writer, ttl);
	put16(writer, 0);
	record.data = writer->len;
	return record;
}

static void end(struct wr_dns_writer *writer, enum wr_dns_section section, struct record record)
{
	if (writer->is_truncated) {
		writer->len = record.begun;
		return;
	}
	store16(writer->data + record.data - 2, (unsigned)(writer->len - record.data));
	writer->counts[section]++;
}

void wr_dns_write_ip(struct wr_dns_writer *writer, enum wr_dns_section section,
		     const struct wr_dns_name *owner, uint32_t ttl, const struct wr_ip *ip)
{
	bool is_v4 = ip->family == WR_IPV4;
	struct record record = begin(writer, owner, is_v4 ? WR_DNS_A : WR_DNS_AAAA, ttl);

	put(writer, ip->bytes, wr_ip_bits(ip->family) / 8);
	end(writer, section, record);
}

void wr_dns_write_name(struct wr_dns_writer *writer, enum wr_dns_section section,
		       const struct wr_dns_name *owner, uint32_t ttl, uint16_t type,
		       const struct wr_dns_name *target)
{
	struct record record = begin(writer, owner, type, ttl);

	put_name(writer, target);
	end(writer, section, record);
}

void wr_dns_write_no_any(struct wr_dns_writer *writer, const struct wr_dns_name *owner,
			 uint32_t ttl)
{
	static const char text[] = "\7RFC8482"; /* and an empty string, its NUL */
	struct record record = begin(writer, owner, WR_DNS_HINFO, ttl);

	put(writer, text, sizeof(text));
	end(writer, WR_DNS_ANSWER, record);
}

void wr_dns_write_soa(struct wr_dns_writer *writer, enum wr_dns_section section,
		      const struct wr_dns_name *zone, const struct wr_dns_soa *soa)
{
	struct record record = begin(writer, zone, WR_DNS_SOA, soa->negative_ttl);

	put_name(writer, soa->server);
	put_name(writer, soa->mail);
	put32(writer, soa->serial);
	put32(writer, soa->refresh);
	put32(writer, soa->retry);
	put32(writer, soa->expire);
	put32(writer, soa->negative_ttl);
	end(writer, section, record);
}
