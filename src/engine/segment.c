#include "engine/segment.h"

#include <string.h>

#include "wire/packet.h"

#define TCP_SEQ 4
#define TCP_DATA_OFFSET 12
#define TCP_FLAGS 13
#define TCP_CHECKSUM 16
#define UDP_LENGTH 4
#define UDP_CHECKSUM 6
#define IPV4_TOTAL_LENGTH 2
#define IPV4_ID 4
#define IPV6_PAYLOAD_LENGTH 4

static uint16_t read_be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void write_be16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t read_be32(const uint8_t *at)
{
	return (uint32_t)read_be16(at) << 16 | read_be16(at + 2);
}

static void write_be32(uint8_t *at, uint32_t value)
{
	write_be16(at, value >> 16);
	write_be16(at + 2, value);
}

/* The kernel left the pseudo header's sum in the field (virtio 5.1.6.2.1). */
static bool complete_checksum(const struct virtio_net_hdr *header, uint8_t *packet, uint32_t len)
{
	uint32_t at = (uint32_t)header->csum_start + header->csum_offset;

	if (at + 2 > len || header->csum_start >= len)
		return false;
	uint64_t sum = wr_sum(
		(struct wr_bytes){ packet + header->csum_start, len - header->csum_start }, 0);
	uint16_t folded = (uint16_t)~wr_sum_fold(sum);

	/* RFC 768: a UDP checksum of zero is sent as all ones. */
	if (folded == 0 && header->csum_offset == UDP_CHECKSUM)
		folded = 0xffff;
	memcpy(packet + at, &folded, sizeof(folded));
	return true;
}

/* Length of IP and transport header of a super-packet; 0 if it makes no sense. */
static uint32_t super_header_len(uint8_t gso, const uint8_t *packet, uint32_t len,
				 uint32_t l4_offset)
{
	bool is_udp = gso == VIRTIO_NET_HDR_GSO_UDP_L4;
	uint8_t version = len > 0 ? packet[0] >> 4 : 0;
	uint32_t ip_min = version == 4 ? WR_IPV4_HEADER_LEN : WR_IPV6_HEADER_LEN;
	uint32_t l4_len = is_udp ? WR_UDP_HEADER_LEN : WR_TCP_HEADER_LEN;

	if ((version != 4 && version != 6) || l4_offset < ip_min || l4_offset + l4_len > len)
		return 0;
	if (version == 4 && (packet[0] & 15) * 4u != l4_offset)
		return 0;
	if (!is_udp && (gso == VIRTIO_NET_HDR_GSO_TCPV4) != (version == 4))
		return 0;
	if (!is_udp)
		l4_len = (packet[l4_offset + TCP_DATA_OFFSET] >> 4) * 4u;
	if (!is_udp && l4_len < WR_TCP_HEADER_LEN)
		return 0;
	if (l4_offset + l4_len >= len || l4_offset + l4_len > WR_SEGMENT_HEADER_MAX)
		return 0;
	return l4_offset + l4_len;
}

static enum wr_verdict start_super(struct wr_segmenter *segmenter,
				   const struct virtio_net_hdr *header)
{
	bool is_known = segmenter->gso == VIRTIO_NET_HDR_GSO_TCPV4 ||
			segmenter->gso == VIRTIO_NET_HDR_GSO_TCPV6 ||
			segmenter->gso == VIRTIO_NET_HDR_GSO_UDP_L4;
	uint32_t header_len = is_known ? super_header_len(segmenter->gso, segmenter->packet,
							  segmenter->len, header->csum_start)
				       : 0;

	if (!header_len || !header->gso_size || !(header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM))
		return WR_DROP_INNER;
	segmenter->header_len = (uint16_t)header_len;
	segmenter->l4_offset = header->csum_start;
	segmenter->payload = header->gso_size;
	segmenter->next = header_len;
	segmenter->left = (segmenter->len - header_len + header->gso_size - 1u) / header->gso_size;
	memcpy(segmenter->header, segmenter->packet, header_len);
	return WR_TAKEN;
}

enum wr_verdict wr_segmenter_start(struct wr_segmenter *segmenter,
				   const struct virtio_net_hdr *header, uint8_t *packet,
				   uint32_t len)
{
	segmenter->packet = packet;
	segmenter->len = len;
	segmenter->index = 0;
	segmenter->gso = header->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	if (segmenter->gso != VIRTIO_NET_HDR_GSO_NONE)
		return start_super(segmenter, header);

	segmenter->left = 1;
	segmenter->header_len = 0;
	segmenter->payload = (uint16_t)(len < UINT16_MAX ? len : UINT16_MAX);
	if ((header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) &&
	    !complete_checksum(header, packet, len))
		return WR_DROP_INNER;
	return WR_TAKEN;
}

static void write_ip_header(const struct wr_segmenter *segmenter, uint8_t *ip, uint32_t len)
{
	if (ip[0] >> 4 == 6) {
		write_be16(ip + IPV6_PAYLOAD_LENGTH, len - WR_IPV6_HEADER_LEN);
		return;
	}
	write_be16(ip + IPV4_TOTAL_LENGTH, len);
	write_be16(ip + IPV4_ID, read_be16(segmenter->header + IPV4_ID) + segmenter->index);
	wr_ipv4_checksum_write(ip, segmenter->l4_offset);
}

static void write_tcp_header(const struct wr_segmenter *segmenter, uint8_t *tcp)
{
	uint32_t seq = read_be32(segmenter->header + segmenter->l4_offset + TCP_SEQ);

	write_be32(tcp + TCP_SEQ, seq + segmenter->index * segmenter->payload);
	if (segmenter->left > 1)
		tcp[TCP_FLAGS] &= (uint8_t) ~(WR_TCP_FIN | WR_TCP_PSH);
	/* RFC 3168 section 6.1.2: the reduction is told once. */
	if (segmenter->index > 0)
		tcp[TCP_FLAGS] &= (uint8_t)~WR_TCP_CWR;
}

/* The transport checksum over a packet whose headers are otherwise complete. */
static void write_l4_checksum(const struct wr_segmenter *segmenter, uint8_t *ip, uint32_t len,
			      uint32_t offset)
{
	bool is_v4 = ip[0] >> 4 == 4;
	uint32_t l4_len = len - segmenter->l4_offset;
	struct wr_packet packet = {
		.family = is_v4 ? WR_IPV4 : WR_IPV6,
		.src = ip + (is_v4 ? 12 : 8),
		.dst = ip + (is_v4 ? 16 : 24),
		.protocol = segmenter->gso == VIRTIO_NET_HDR_GSO_UDP_L4 ? WR_PROTO_UDP
									: WR_PROTO_TCP,
	};
	uint8_t *l4 = ip + segmenter->l4_offset;

	memset(l4 + offset, 0, 2);
	uint16_t sum = (uint16_t)~wr_sum_fold(
		wr_sum((struct wr_bytes){ l4, l4_len }, wr_sum_pseudo(&packet, l4_len)));

	if (sum == 0 && packet.protocol == WR_PROTO_UDP)
		sum = 0xffff;
	memcpy(l4 + offset, &sum, sizeof(sum));
}

static void next_of_super(struct wr_segmenter *segmenter, struct wr_segment *ret_segment)
{
	uint32_t rest = segmenter->len - segmenter->next;
	uint32_t payload = rest < segmenter->payload ? rest : segmenter->payload;
	uint32_t len = segmenter->header_len + payload;
	uint8_t *ip = segmenter->packet + segmenter->next - segmenter->header_len;
	uint8_t *l4 = ip + segmenter->l4_offset;

	memcpy(ip, segmenter->header, segmenter->header_len);
	write_ip_header(segmenter, ip, len);
	if (segmenter->gso == VIRTIO_NET_HDR_GSO_UDP_L4) {
		write_be16(l4 + UDP_LENGTH, len - segmenter->l4_offset);
		write_l4_checksum(segmenter, ip, len, UDP_CHECKSUM);
	} else {
		write_tcp_header(segmenter, l4);
		write_l4_checksum(segmenter, ip, len, TCP_CHECKSUM);
	}
	segmenter->next += payload;
	*ret_segment = (struct wr_segment){ ip, len };
}

bool wr_segmenter_next(struct wr_segmenter *segmenter, struct wr_segment *ret_segment)
{
	if (!segmenter->left)
		return false;
	if (segmenter->gso == VIRTIO_NET_HDR_GSO_NONE)
		*ret_segment = (struct wr_segment){ segmenter->packet, segmenter->len };
	else
		next_of_super(segmenter, ret_segment);
	segmenter->left--;
	segmenter->index++;
	return true;
}
