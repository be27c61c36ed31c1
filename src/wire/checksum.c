#include <string.h>

#include "wire/packet.h"
#include "wire/sum_blocks.h"

/* RFC 1071: the sum is the same in either byte order, and whatever the size of
 * the words that are added, as long as carries come back in at the bottom. */
static uint64_t add(uint64_t sum, uint64_t words)
{
	return sum + words + (sum + words < sum);
}

uint64_t wr_sum(struct wr_bytes bytes, uint64_t sum)
{
	const uint8_t *at = bytes.data;
	size_t left = bytes.len;
	uint64_t words;

	if (left >= WR_SUM_BLOCK) {
		sum = add(sum, wr_sum_blocks(at, left / WR_SUM_BLOCK));
		at += left / WR_SUM_BLOCK * WR_SUM_BLOCK;
		left %= WR_SUM_BLOCK;
	}
	for (; left >= 8; left -= 8, at += 8) {
		memcpy(&words, at, 8);
		sum = add(sum, words);
	}
	words = 0;
	if (left)
		memcpy(&words, at, left);
	return add(sum, words);
}

uint16_t wr_sum_fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16 & UINT16_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)sum;
}

uint64_t wr_sum_pseudo(const struct wr_packet *packet, uint32_t l4_len)
{
	size_t ip_len = wr_ip_bits(packet->family) / 8;
	uint8_t rest[8] = {
		(uint8_t)(l4_len >> 24), (uint8_t)(l4_len >> 16), (uint8_t)(l4_len >> 8),
		(uint8_t)l4_len, 0, 0, 0, packet->protocol,
	};
	uint64_t sum = wr_sum((struct wr_bytes){ packet->src, ip_len }, 0);

	sum = wr_sum((struct wr_bytes){ packet->dst, ip_len }, sum);
	return wr_sum((struct wr_bytes){ rest, sizeof(rest) }, sum);
}

void wr_ipv4_checksum_write(uint8_t *ip, size_t header_len)
{
	uint16_t checksum;

	memset(ip + 10, 0, 2);
	checksum = (uint16_t)~wr_sum_fold(wr_sum((struct wr_bytes){ ip, header_len }, 0));
	memcpy(ip + 10, &checksum, 2);
}
