#include <string.h>

#include "wire/packet.h"
#include "wire/sum.h"

static uint64_t load64(const uint8_t *bytes)
{
	uint64_t words;

	memcpy(&words, bytes, sizeof(words));
	return words;
}

static uint64_t load32(const uint8_t *bytes)
{
	uint32_t words;

	memcpy(&words, bytes, sizeof(words));
	return words;
}

/* Less than 8 bytes, as if zeros followed. */
static uint64_t load_rest(const uint8_t *bytes, size_t len)
{
	uint8_t rest[8] = { 0 };

	for (size_t i = 0; i < len; i++)
		rest[i] = bytes[i];
	return load64(rest);
}

uint64_t wr_sum(struct wr_bytes bytes, uint64_t sum)
{
	const uint8_t *at = bytes.data;
	size_t left = bytes.len;

	if (left >= WR_SUM_BLOCK) {
		sum = wr_sum_add(sum, wr_sum_blocks(at, left / WR_SUM_BLOCK));
		at += left - left % WR_SUM_BLOCK;
		left %= WR_SUM_BLOCK;
	}
	for (; left >= 8; left -= 8, at += 8)
		sum = wr_sum_add(sum, load64(at));
	if (left >= 4) {
		sum = wr_sum_add(sum, load32(at));
		left -= 4;
		at += 4;
	}
	return left ? wr_sum_add(sum, load_rest(at, left)) : sum;
}

uint16_t wr_sum_fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16 & UINT16_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)sum;
}

static uint64_t sum_ipv6(const uint8_t *ip)
{
	return wr_sum_add(load64(ip), load64(ip + 8));
}

/* RFC 9293 section 3.1, RFC 8200 section 8.1: addresses, length, protocol. */
uint64_t wr_sum_pseudo(const struct wr_packet *packet, uint32_t l4_len)
{
	uint64_t rest = __builtin_bswap32(l4_len);

	rest += (uint64_t)packet->protocol << 24;
	if (packet->family == WR_IPV4)
		return rest + load32(packet->src) + load32(packet->dst);
	return wr_sum_add(wr_sum_add(sum_ipv6(packet->src), sum_ipv6(packet->dst)), rest);
}

void wr_ipv4_checksum_write(uint8_t *ip, size_t header_len)
{
	uint16_t checksum;

	memset(ip + 10, 0, 2);
	checksum = (uint16_t)~wr_sum_fold(wr_sum((struct wr_bytes){ ip, header_len }, 0));
	memcpy(ip + 10, &checksum, 2);
}
