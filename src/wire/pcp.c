#include "wire/pcp.h"

#include <string.h>

#include "base/reader.h"

#define VERSION 2
#define OPCODE_MAP 1
#define IS_ANSWER 0x80
#define PROTOCOL_UDP 17
/* Version, opcode, result: what every answer has. */
#define HEADER_LEN 24

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

/* Section 5: IPv4 as ::ffff:a.b.c.d; none as zeroes of its family. */
static void write_ip(const struct wr_ip *ip, uint8_t ret[16])
{
	memset(ret, 0, 16);
	if (ip->family == WR_IPV6) {
		memcpy(ret, ip->bytes, 16);
	} else {
		memcpy(ret, mapped, sizeof(mapped));
		memcpy(ret + 12, ip->bytes, 4);
	}
}

static struct wr_ip read_ip(const uint8_t bytes[16])
{
	struct wr_ip ip = { .family = WR_IPV6 };

	if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
		ip.family = WR_IPV4;
		memcpy(ip.bytes, bytes + 12, 4);
	} else {
		memcpy(ip.bytes, bytes, 16);
	}
	return ip;
}

static void write_be16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static void write_be32(uint8_t *to, uint32_t value)
{
	write_be16(to, (uint16_t)(value >> 16));
	write_be16(to + 2, (uint16_t)value);
}

void wr_pcp_map_write(const struct wr_pcp_map *map, uint8_t ret[WR_PCP_MAP_LEN])
{
	memset(ret, 0, WR_PCP_MAP_LEN);
	ret[0] = VERSION;
	ret[1] = OPCODE_MAP;
	write_be32(ret + 4, map->seconds);
	write_ip(&map->client, ret + 8);
	memcpy(ret + 24, map->nonce, WR_PCP_NONCE_LEN);
	ret[36] = PROTOCOL_UDP;
	write_be16(ret + 40, map->port);
	write_be16(ret + 42, map->external_port);
	if (map->external.family || map->client.family == WR_IPV4)
		write_ip(&map->external, ret + 44);
}

static uint16_t read_be16(struct wr_reader *reader)
{
	uint16_t high = wr_read_u8(reader);

	return (uint16_t)(high << 8 | wr_read_u8(reader));
}

/* Options may follow, though we asked for none. */
static bool read_mapping(struct wr_bytes datagram, const struct wr_pcp_map *map,
			 struct wr_pcp_answer *answer)
{
	struct wr_reader reader = wr_reader_of(datagram);
	uint8_t nonce[WR_PCP_NONCE_LEN], external[16];
	uint16_t port;
	uint8_t protocol;

	wr_read_bytes(&reader, 4);
	answer->seconds = wr_read_be32(&reader);
	wr_read_bytes(&reader, HEADER_LEN - 8);
	wr_read_into(&reader, nonce, sizeof(nonce));
	protocol = wr_read_u8(&reader);
	wr_read_bytes(&reader, 3);
	port = read_be16(&reader);
	answer->external.port = read_be16(&reader);
	wr_read_into(&reader, external, sizeof(external));
	if (reader.bad)
		return false;
	answer->external.ip = read_ip(external);
	return memcmp(nonce, map->nonce, sizeof(nonce)) == 0 && protocol == PROTOCOL_UDP &&
	       port == map->port && (answer->external.port || !map->seconds);
}

bool wr_pcp_answer_read(struct wr_bytes datagram, const struct wr_pcp_map *map,
			struct wr_pcp_answer *ret_answer)
{
	struct wr_pcp_answer answer = { 0 };
	const uint8_t *data = datagram.data;

	if (datagram.len >= 4 && data[0] == 0 && data[1] & IS_ANSWER) {
		answer.result = WR_PCP_UNSUPPORTED_VERSION;
	} else if (datagram.len < HEADER_LEN || data[1] != (IS_ANSWER | OPCODE_MAP)) {
		return false;
	} else if (data[0] != VERSION || data[3]) {
		answer.result = data[3] ? data[3] : WR_PCP_UNSUPPORTED_VERSION;
	} else if (!read_mapping(datagram, map, &answer)) {
		return false;
	}
	*ret_answer = answer;
	return true;
}
