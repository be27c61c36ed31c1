#include "wire/fields.h"

#include <string.h>

/* --- Words. --- */

static bool is_one_of(char c, const char *others)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || strchr(others, c);
}

static bool may_have(enum wr_word_kind kind, char c)
{
	static const char tag[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ-_.";

	if (c == '\0')
		return false;
	if (kind == WR_WORD_PLAIN)
		return c >= ' ' && c <= '~';
	return is_one_of(c, kind == WR_WORD_TAG ? tag : "-");
}

bool wr_field_is_word(enum wr_word_kind kind, const char *text, size_t len)
{
	if (len == 0 || len > WR_LABEL_LEN)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!may_have(kind, text[i]))
			return false;
	return kind != WR_WORD_LABEL || (text[0] != '-' && text[len - 1] != '-');
}

/* --- Reading. --- */

uint16_t wr_read_be16(struct wr_reader *reader)
{
	unsigned high = wr_read_u8(reader);

	return (uint16_t)(high << 8 | wr_read_u8(reader));
}

uint64_t wr_read_be64(struct wr_reader *reader)
{
	uint64_t high = wr_read_be32(reader);

	return high << 32 | wr_read_be32(reader);
}

struct wr_key wr_read_key(struct wr_reader *reader)
{
	struct wr_key key = { 0 };

	wr_read_into(reader, key.bytes, sizeof(key.bytes));
	return key;
}

static struct wr_ip read_ip(struct wr_reader *reader)
{
	struct wr_ip ip = { 0 };
	uint8_t family = wr_read_u8(reader);

	if (family != WR_IPV4 && family != WR_IPV6) {
		reader->bad = true;
		return ip;
	}
	ip.family = (enum wr_family)family;
	wr_read_into(reader, ip.bytes, wr_ip_bits(ip.family) / 8);
	return ip;
}

/* ::, ::1, and IPv4 in IPv6's clothes (RFC 4291 section 2.5.5), which IPv4 alone may say. */
static bool is_host6(const uint8_t bytes[16])
{
	static const uint8_t zero[12], mapped[12] = { [10] = 0xff, [11] = 0xff };

	return bytes[0] != 0xff && memcmp(bytes, zero, 12) != 0 && memcmp(bytes, mapped, 12) != 0;
}

static bool is_host(const struct wr_ip *ip)
{
	if (ip->family == WR_IPV6)
		return is_host6(ip->bytes);
	/* 224/4 is multicast, what is above is reserved (RFC 1112 section 4). */
	return ip->bytes[0] != 0 && ip->bytes[0] != 127 && ip->bytes[0] < 224;
}

struct wr_endpoint wr_read_endpoint(struct wr_reader *reader)
{
	struct wr_endpoint endpoint = { .ip = read_ip(reader) };

	endpoint.port = wr_read_be16(reader);
	if (!reader->bad && (!is_host(&endpoint.ip) || endpoint.port == 0))
		reader->bad = true;
	return endpoint;
}

static bool has_bits_behind(const struct wr_prefix *prefix)
{
	for (unsigned i = prefix->length; i < wr_ip_bits(prefix->ip.family); i++)
		if (prefix->ip.bytes[i / 8] & 0x80 >> i % 8)
			return true;
	return false;
}

struct wr_prefix wr_read_prefix(struct wr_reader *reader)
{
	struct wr_prefix prefix = { .ip = read_ip(reader) };

	prefix.length = wr_read_u8(reader);
	if (!reader->bad &&
	    (prefix.length > wr_ip_bits(prefix.ip.family) || has_bits_behind(&prefix)))
		reader->bad = true;
	return prefix;
}

void wr_read_word(struct wr_reader *reader, enum wr_word_kind kind, bool is_optional,
		  char *ret_word, size_t size)
{
	size_t len = wr_read_u8(reader);
	struct wr_bytes word = wr_read_bytes(reader, len);
	bool is_good = len == 0 ? is_optional
				: word.len && len < size &&
					  wr_field_is_word(kind, (const char *)word.data, len);

	memset(ret_word, 0, size);
	if (!is_good)
		reader->bad = true;
	else if (len)
		memcpy(ret_word, word.data, len);
}

/* --- Writing. --- */

void wr_write_bytes(struct wr_writer *writer, const void *bytes, size_t len)
{
	if (writer->bad || len > (size_t)(writer->end - writer->at)) {
		writer->bad = true;
		return;
	}
	if (len)
		memcpy(writer->at, bytes, len);
	writer->at += len;
}

void wr_write_number(struct wr_writer *writer, uint64_t number, unsigned bytes)
{
	uint8_t field[8];

	assert(bytes <= sizeof(field));
	for (unsigned i = bytes; i-- > 0; number >>= 8)
		field[i] = (uint8_t)number;
	wr_write_bytes(writer, field, bytes);
}

void wr_write_key(struct wr_writer *writer, const struct wr_key *key)
{
	wr_write_bytes(writer, key->bytes, sizeof(key->bytes));
}

static void write_ip(struct wr_writer *writer, const struct wr_ip *ip)
{
	wr_write_number(writer, ip->family, 1);
	wr_write_bytes(writer, ip->bytes, wr_ip_bits(ip->family) / 8);
}

void wr_write_endpoint(struct wr_writer *writer, const struct wr_endpoint *endpoint)
{
	write_ip(writer, &endpoint->ip);
	wr_write_number(writer, endpoint->port, 2);
}

void wr_write_prefix(struct wr_writer *writer, const struct wr_prefix *prefix)
{
	write_ip(writer, &prefix->ip);
	wr_write_number(writer, prefix->length, 1);
}

void wr_write_word(struct wr_writer *writer, const char *word, size_t size)
{
	size_t len = strnlen(word, size);

	if (len == size)
		writer->bad = true;
	wr_write_number(writer, len, 1);
	wr_write_bytes(writer, word, len);
}
