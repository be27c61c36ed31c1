/* IP headers: what is taken lies within the input, an ECN that is set is read, and
 * an IPv4 header that was right stays right. */
#include "fuzz.h"
#include "wire/packet.h"

static void check_inside(const struct wr_packet *packet, struct wr_bytes bytes)
{
	size_t ip_len = wr_ip_bits(packet->family) / 8;

	FUZZ_CHECK(packet->family == WR_IPV4 || packet->family == WR_IPV6);
	FUZZ_CHECK(packet->total_len <= bytes.len);
	FUZZ_CHECK(packet->l4_offset <= packet->total_len);
	FUZZ_CHECK(packet->src >= bytes.data);
	FUZZ_CHECK(packet->dst + ip_len <= bytes.data + packet->l4_offset);
}

static void check_ecn(const struct wr_packet *packet, struct wr_bytes bytes)
{
	uint8_t *ip = malloc(bytes.len);
	uint8_t tos;

	FUZZ_CHECK(ip != NULL);
	memcpy(ip, bytes.data, bytes.len);
	tos = wr_packet_tos(ip);
	if (packet->family == WR_IPV4)
		wr_ipv4_checksum_write(ip, packet->l4_offset);
	for (uint8_t ecn = 0; ecn < 4; ecn++) {
		struct wr_bytes header = { ip, packet->l4_offset };

		wr_packet_set_ecn(ip, ecn);
		FUZZ_CHECK(wr_packet_tos(ip) == ((tos & ~WR_ECN_MASK) | ecn));
		FUZZ_CHECK(packet->family == WR_IPV6 || wr_sum_fold(wr_sum(header, 0)) == 0xffff);
	}
	free(ip);
}

/* A sum of parts is the sum of the whole. */
static void check_sum(const struct wr_packet *packet, struct wr_bytes bytes)
{
	uint32_t l4_len = packet->total_len - packet->l4_offset;
	struct wr_bytes l4 = { bytes.data + packet->l4_offset, l4_len };
	struct wr_bytes first = { l4.data, l4_len / 4 * 2 };
	struct wr_bytes second = { l4.data + first.len, l4_len - first.len };
	uint64_t sum = wr_sum_pseudo(packet, l4_len);

	FUZZ_CHECK(wr_sum_fold(wr_sum(l4, sum)) == wr_sum_fold(wr_sum(second, wr_sum(first, sum))));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wr_bytes bytes = { data, size };
	struct wr_packet packet;

	if (!wr_packet_read(bytes, &packet))
		return 0;
	check_inside(&packet, bytes);
	check_ecn(&packet, bytes);
	check_sum(&packet, bytes);
	return 0;
}
