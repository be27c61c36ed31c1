/* A DNS query of any bytes: refused, or understood and answered; what was understood reads
 * the same when it is asked again, and the answers are whole messages within their limits,
 * walked here in the plainest way. */
#include "fuzz.h"
#include "wire/dns.h"

static size_t get16(const uint8_t *bytes)
{
	return (size_t)(bytes[0] << 8 | bytes[1]);
}

/* The end of the name at `at`; each pointer in it must lead back. */
static size_t walk_name(const uint8_t *bytes, size_t len, size_t at)
{
	size_t end = 0, total = 1, begun = at;

	for (;;) {
		FUZZ_CHECK(at < len);
		if (bytes[at] >= 0xc0) {
			size_t target;

			FUZZ_CHECK(at + 2 <= len);
			target = get16(bytes + at) & 0x3fff;
			FUZZ_CHECK(target >= 12 && target < begun);
			end = end ? end : at + 2;
			at = begun = target;
			continue;
		}
		FUZZ_CHECK(bytes[at] <= 63);
		if (bytes[at] == 0)
			return end ? end : at + 1;
		total += 1u + bytes[at];
		FUZZ_CHECK(total <= 255);
		at += 1u + bytes[at];
	}
}

static void walk(const uint8_t *bytes, size_t len, const struct wr_dns_query *query)
{
	size_t at = 12, records;

	FUZZ_CHECK(len >= 12 && get16(bytes) == query->id && bytes[2] & 0x80);
	FUZZ_CHECK(get16(bytes + 4) == query->has_question);
	if (query->has_question) {
		FUZZ_CHECK(memcmp(bytes + at, query->name.bytes, query->name.len) == 0);
		at = walk_name(bytes, len, at) + 4;
	}
	records = get16(bytes + 6) + get16(bytes + 8) + get16(bytes + 10);
	for (; records > 0; records--) {
		at = walk_name(bytes, len, at);
		FUZZ_CHECK(at + 10 <= len);
		at += 10 + get16(bytes + at + 8);
	}
	FUZZ_CHECK(at == len);
}

/* With records of its own name, its parents, and another, as many as `count`. */
static void answer(const struct wr_dns_query *query, enum wr_dns_rcode rcode, size_t limit,
		   size_t count)
{
	struct wr_dns_name other, zone = query->name;
	struct wr_ip v4 = { WR_IPV4, { 10 } }, v6 = { WR_IPV6, { 0xfd } };
	struct wr_dns_soa soa = { &other, &zone, 1, 2, 3, 4, 5 };
	struct wr_dns_writer writer;
	uint8_t *bytes = malloc(limit);
	size_t len;

	FUZZ_CHECK(bytes != NULL && wr_dns_name_parse("hub.acme.warren", &other));
	if (!query->has_question)
		zone = other;
	writer = wr_dns_writer_of(query, bytes, limit);
	for (size_t i = 0; i < count; i++) {
		wr_dns_write_ip(&writer, WR_DNS_ANSWER, &zone, 30, i % 2 ? &v4 : &v6);
		wr_dns_write_name(&writer, WR_DNS_ANSWER, &other, 30, WR_DNS_PTR, &zone);
		if (wr_dns_name_labels(&zone))
			zone = wr_dns_name_parent(&zone, 1);
		wr_dns_write_no_any(&writer, &zone, 30);
	}
	wr_dns_write_soa(&writer, WR_DNS_AUTHORITY, &zone, &soa);
	len = wr_dns_writer_end(&writer, rcode, true);
	FUZZ_CHECK(len <= limit);
	walk(bytes, len, query);
	free(bytes);
}

/* What was understood, asked in the plainest way. */
static void ask_again(const struct wr_dns_query *query)
{
	uint8_t bytes[12 + WR_DNS_NAME_MAX + 4] = { 0 };
	struct wr_dns_query again;
	enum wr_dns_rcode rcode;
	size_t len = 12;

	bytes[5] = 1;
	memcpy(bytes + len, query->name.bytes, query->name.len);
	len += query->name.len;
	bytes[len++] = (uint8_t)(query->type >> 8);
	bytes[len++] = (uint8_t)query->type;
	bytes[len++] = (uint8_t)(query->class >> 8);
	bytes[len++] = (uint8_t)query->class;
	FUZZ_CHECK(wr_dns_query_read((struct wr_bytes){ bytes, len }, &again, &rcode));
	FUZZ_CHECK(rcode == WR_DNS_NOERROR && again.type == query->type);
	FUZZ_CHECK(wr_dns_name_equal(&again.name, &query->name));
}

static void look_at_name(const struct wr_dns_name *name)
{
	char label[WR_DNS_LABEL_MAX + 1];
	struct wr_prefix prefix;

	FUZZ_CHECK(name->len >= 1 && name->bytes[name->len - 1] == 0);
	if (wr_dns_name_label(name, label))
		FUZZ_CHECK(strlen(label) == name->bytes[0]);
	if (wr_dns_reverse_read(name, &prefix) != WR_DNS_NOT_REVERSE)
		FUZZ_CHECK(prefix.length <= wr_ip_bits(prefix.ip.family));
	for (unsigned i = 0; i <= wr_dns_name_labels(name); i++) {
		struct wr_dns_name parent = wr_dns_name_parent(name, i);

		FUZZ_CHECK(wr_dns_name_is_in(name, &parent));
		FUZZ_CHECK(wr_dns_name_is_in(&parent, name) == (i == 0));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wr_bytes message = { data, size };
	struct wr_dns_query query;
	enum wr_dns_rcode rcode;

	if (!wr_dns_query_read(message, &query, &rcode))
		return 0;
	FUZZ_CHECK(query.has_question || rcode != WR_DNS_NOERROR);
	if (query.has_question) {
		look_at_name(&query.name);
		ask_again(&query);
	}
	for (size_t count = 0; count < 20; count += 3)
		answer(&query, rcode, wr_dns_udp_limit(&query), count);
	return 0;
}
