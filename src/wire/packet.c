#include "wire/packet.h"

#define IPV4_FLAG_MORE 0x2000
#define IPV4_OFFSET_MASK 0x1fff

static uint16_t read_be16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static bool read_ipv4(struct wr_bytes bytes, struct wr_packet *ret_packet)
{
	const uint8_t *ip = bytes.data;
	unsigned header_len = (ip[0] & 15u) * 4;
	unsigned total_len = read_be16(ip + 2);

	if (header_len < WR_IPV4_HEADER_LEN || total_len < header_len || total_len > bytes.len)
		return false;
	*ret_packet = (struct wr_packet){
		.src = ip + 12,
		.dst = ip + 16,
		.family = WR_IPV4,
		.total_len = total_len,
		.l4_offset = (uint16_t)header_len,
		.protocol = ip[9],
		.is_fragment = (read_be16(ip + 6) & (IPV4_FLAG_MORE | IPV4_OFFSET_MASK)) != 0,
	};
	return true;
}

/* A jumbogram (RFC 2675) says a payload length of 0 and is longer than a tunnel's
 * MTU can be: it is taken for what it says it is. */
static bool read_ipv6(struct wr_bytes bytes, struct wr_packet *ret_packet)
{
	const uint8_t *ip = bytes.data;
	uint32_t total_len;

	if (bytes.len < WR_IPV6_HEADER_LEN)
		return false;
	total_len = WR_IPV6_HEADER_LEN + read_be16(ip + 4);
	if (total_len > bytes.len)
		return false;
	*ret_packet = (struct wr_packet){
		.src = ip + 8,
		.dst = ip + 24,
		.family = WR_IPV6,
		.total_len = total_len,
		.l4_offset = WR_IPV6_HEADER_LEN,
		.protocol = ip[6],
	};
	return true;
}

bool wr_packet_read(struct wr_bytes bytes, struct wr_packet *ret_packet)
{
	if (bytes.len < WR_IPV4_HEADER_LEN)
		return false;
	switch (bytes.data[0] >> 4) {
	case 4: return read_ipv4(bytes, ret_packet);
	case 6: return read_ipv6(bytes, ret_packet);
	default: return false;
	}
}

uint8_t wr_packet_tos(const uint8_t *ip)
{
	if (ip[0] >> 4 == 4)
		return ip[1];
	return (uint8_t)(ip[0] << 4 | ip[1] >> 4);
}

/* RFC 1624 equation 3: a header checksum after one 16-bit word changed. */
static uint16_t mended_checksum(uint16_t checksum, uint16_t old_word, uint16_t new_word)
{
	uint32_t sum = (uint16_t)~checksum + (uint32_t)(uint16_t)~old_word + new_word;

	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void set_ipv4_ecn(uint8_t *ip, uint8_t ecn)
{
	uint16_t old_word = read_be16(ip);
	uint16_t checksum;

	ip[1] = (uint8_t)((ip[1] & ~WR_ECN_MASK) | ecn);
	checksum = mended_checksum(read_be16(ip + 10), old_word, read_be16(ip));
	ip[10] = (uint8_t)(checksum >> 8);
	ip[11] = (uint8_t)checksum;
}

void wr_packet_set_ecn(uint8_t *ip, uint8_t ecn)
{
	assert(ecn <= WR_ECN_MASK);
	if (ip[0] >> 4 == 4)
		set_ipv4_ecn(ip, ecn);
	else
		ip[1] = (uint8_t)((ip[1] & ~(WR_ECN_MASK << 4)) | ecn << 4);
}

bool wr_ecn_decapsulate(uint8_t outer_tos, uint8_t inner_tos, uint8_t *ret_ecn)
{
	uint8_t outer = outer_tos & WR_ECN_MASK;
	uint8_t inner = inner_tos & WR_ECN_MASK;

	if (inner == WR_ECN_NOT_ECT && outer == WR_ECN_CE)
		return false;
	if (inner != WR_ECN_NOT_ECT && outer == WR_ECN_CE)
		inner = WR_ECN_CE;
	else if (inner == WR_ECN_ECT0 && outer == WR_ECN_ECT1)
		inner = WR_ECN_ECT1;
	*ret_ecn = inner;
	return true;
}
