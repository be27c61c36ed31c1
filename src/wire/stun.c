#include "wire/stun.h"

#include <string.h>

#include "base/reader.h"

/* RFC 8489, section 5: method binding (1), class request (0) or success response (2). */
#define BINDING_REQUEST 0x0001
#define BINDING_SUCCESS 0x0101
#define MAGIC UINT32_C(0x2112a442)
#define HEADER_LEN 20
/* Sections 14.1 (old servers add it) and 14.2. */
#define MAPPED_ADDRESS 0x0001
#define XOR_MAPPED_ADDRESS 0x0020
#define FAMILY_IPV4 1
#define FAMILY_IPV6 2
/* Section 14: attributes below this must be understood. */
#define FIRST_OPTIONAL 0x8000
/* Each has four bytes at the least; more of them than this are no honest message. */
#define MAX_ATTRIBUTES 32

static_assert(HEADER_LEN == WR_STUN_REQUEST_LEN, "a request of ours has no attributes");

struct attribute {
	uint32_t type;
	struct wr_bytes value;
};

static uint32_t read_be16(struct wr_reader *reader)
{
	uint32_t high = wr_read_u8(reader);

	return high << 8 | wr_read_u8(reader);
}

/* A whole message of this type; its attributes are left in *ret_rest. */
static bool read_header(struct wr_bytes datagram, uint32_t type, struct wr_stun_id *ret_id,
			struct wr_reader *ret_rest)
{
	struct wr_reader reader = wr_reader_of(datagram);
	uint32_t its_type = read_be16(&reader);
	uint32_t len = read_be16(&reader);
	uint32_t magic = wr_read_be32(&reader);

	wr_read_into(&reader, ret_id->bytes, WR_STUN_ID_LEN);
	*ret_rest = reader;
	return !reader.bad && its_type == type && magic == MAGIC && len == reader.left.len &&
	       len % 4 == 0;
}

/* The next attribute with the bytes that pad it; false at the end, or where it is cut. */
static bool next_attribute(struct wr_reader *reader, struct attribute *ret)
{
	uint32_t len;

	if (reader->bad || !reader->left.len)
		return false;
	ret->type = read_be16(reader);
	len = read_be16(reader);
	ret->value = wr_read_bytes(reader, len);
	wr_read_bytes(reader, -len & 3);
	return !reader->bad;
}

bool wr_stun_is(struct wr_bytes datagram)
{
	static const uint8_t magic[4] = { 0x21, 0x12, 0xa4, 0x42 };

	return datagram.len >= HEADER_LEN && datagram.data[0] <= 1 &&
	       memcmp(datagram.data + 4, magic, sizeof(magic)) == 0;
}

/* --- The question. --- */

static uint8_t *write_be16(uint8_t *at, uint32_t number)
{
	at[0] = (uint8_t)(number >> 8);
	at[1] = (uint8_t)number;
	return at + 2;
}

static uint8_t *write_header(uint8_t *at, uint32_t type, uint32_t len, const struct wr_stun_id *id)
{
	at = write_be16(at, type);
	at = write_be16(at, len);
	at = write_be16(at, MAGIC >> 16);
	at = write_be16(at, MAGIC & 0xffff);
	memcpy(at, id->bytes, WR_STUN_ID_LEN);
	return at + WR_STUN_ID_LEN;
}

void wr_stun_request_write(const struct wr_stun_id *id, uint8_t ret[WR_STUN_REQUEST_LEN])
{
	write_header(ret, BINDING_REQUEST, 0, id);
}

bool wr_stun_request_read(struct wr_bytes datagram, struct wr_stun_id *ret_id)
{
	struct attribute attribute;
	struct wr_reader reader;
	struct wr_stun_id id;

	if (!read_header(datagram, BINDING_REQUEST, &id, &reader))
		return false;
	for (unsigned i = 0; i < MAX_ATTRIBUTES && next_attribute(&reader, &attribute); i++)
		if (attribute.type < FIRST_OPTIONAL)
			return false;
	if (!wr_reader_done(&reader))
		return false;
	*ret_id = id;
	return true;
}

/* --- The answer. --- */

/* What an address is hidden with from routers that rewrite what looks like one: the magic
 * number, and for IPv6 the id after it. Works both ways. */
static void mask(const struct wr_stun_id *id, uint8_t *bytes, size_t len)
{
	uint8_t pad[4 + WR_STUN_ID_LEN] = { 0x21, 0x12, 0xa4, 0x42 };

	memcpy(pad + 4, id->bytes, WR_STUN_ID_LEN);
	for (size_t i = 0; i < len; i++)
		bytes[i] ^= pad[i];
}

size_t wr_stun_answer_write(const struct wr_stun_id *id, const struct wr_endpoint *from,
			    uint8_t ret[WR_STUN_ANSWER_MAX_LEN])
{
	uint32_t ip_len = wr_ip_bits(from->ip.family) / 8;
	uint8_t *at = write_header(ret, BINDING_SUCCESS, 8 + ip_len, id);

	at = write_be16(at, XOR_MAPPED_ADDRESS);
	at = write_be16(at, 4 + ip_len);
	at = write_be16(at, from->ip.family == WR_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6);
	at = write_be16(at, from->port ^ MAGIC >> 16);
	memcpy(at, from->ip.bytes, ip_len);
	mask(id, at, ip_len);
	return (size_t)(at + ip_len - ret);
}

static bool read_address(struct wr_bytes value, const struct wr_stun_id *id,
			 struct wr_endpoint *mapped)
{
	struct wr_reader reader = wr_reader_of(value);
	uint32_t family = read_be16(&reader) & 0xff;
	uint32_t port = read_be16(&reader) ^ MAGIC >> 16;
	size_t len = family == FAMILY_IPV4 ? 4 : 16;

	*mapped = (struct wr_endpoint){ .port = (uint16_t)port };
	mapped->ip.family = family == FAMILY_IPV4 ? WR_IPV4 : WR_IPV6;
	wr_read_into(&reader, mapped->ip.bytes, len);
	mask(id, mapped->ip.bytes, len);
	return wr_reader_done(&reader) && (family == FAMILY_IPV4 || family == FAMILY_IPV6);
}

/* False if it holds what must be understood and is not, or no address. The first counts. */
static bool find_address(struct wr_reader *reader, const struct wr_stun_id *id,
			 struct wr_endpoint *mapped)
{
	struct attribute attribute;
	bool has_address = false;

	for (unsigned i = 0; i < MAX_ATTRIBUTES && next_attribute(reader, &attribute); i++) {
		if (attribute.type == XOR_MAPPED_ADDRESS) {
			if (!has_address && !read_address(attribute.value, id, mapped))
				return false;
			has_address = true;
		} else if (attribute.type < FIRST_OPTIONAL && attribute.type != MAPPED_ADDRESS) {
			return false;
		}
	}
	return has_address && wr_reader_done(reader);
}

static bool is_same(const struct wr_stun_id *a, const struct wr_stun_id *b)
{
	uint8_t difference = 0;

	for (size_t i = 0; i < WR_STUN_ID_LEN; i++)
		difference |= a->bytes[i] ^ b->bytes[i];
	return !difference;
}

bool wr_stun_answer_read(struct wr_bytes datagram, const struct wr_stun_id *id,
			 struct wr_endpoint *ret_mapped)
{
	struct wr_endpoint mapped;
	struct wr_stun_id its_id;
	struct wr_reader reader;

	if (!read_header(datagram, BINDING_SUCCESS, &its_id, &reader) || !is_same(&its_id, id) ||
	    !find_address(&reader, id, &mapped))
		return false;
	*ret_mapped = mapped;
	return true;
}
