#include "packets.h"

#include <string.h>

#define IPV6_FRAGMENT 44

static void put16(uint8_t *bytes, uint32_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

struct wr_ip ip_from(const char *text)
{
	struct wr_ip ip = { 0 };
	bool is_ip = wr_ip_parse(text, strlen(text), &ip);

	assert(is_ip);
	return ip;
}

/* An IP packet with these `len` bytes in it. */
static struct packet packet_of(struct wr_ip src, struct wr_ip dst, uint8_t protocol,
			       const uint8_t *bytes, uint32_t len)
{
	uint32_t header_len = src.family == WR_IPV4 ? WR_IPV4_HEADER_LEN : WR_IPV6_HEADER_LEN;
	struct packet packet = { .len = header_len + len };
	uint8_t *ip = packet.bytes;

	assert(src.family == dst.family && packet.len <= PACKET_MAX);
	if (src.family == WR_IPV4) {
		ip[0] = 0x45;
		put16(ip + 2, packet.len);
		ip[8] = 64;
		ip[9] = protocol;
		memcpy(ip + 12, src.bytes, 4);
		memcpy(ip + 16, dst.bytes, 4);
	} else {
		ip[0] = 0x60;
		put16(ip + 4, len);
		ip[6] = protocol;
		ip[7] = 64;
		memcpy(ip + 8, src.bytes, 16);
		memcpy(ip + 24, dst.bytes, 16);
	}
	if (len)
		memcpy(ip + header_len, bytes, len);
	return packet;
}

struct packet packet_tcp(struct wr_ip src, uint16_t src_port, struct wr_ip dst, uint16_t dst_port,
			 uint8_t flags)
{
	uint8_t tcp[60] = { 0 };

	put16(tcp, src_port);
	put16(tcp + 2, dst_port);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
	return packet_of(src, dst, WR_PROTO_TCP, tcp, sizeof(tcp));
}

struct packet packet_udp(struct wr_ip src, uint16_t src_port, struct wr_ip dst, uint16_t dst_port)
{
	uint8_t udp[60] = { 0 };

	put16(udp, src_port);
	put16(udp + 2, dst_port);
	put16(udp + 4, sizeof(udp));
	return packet_of(src, dst, WR_PROTO_UDP, udp, sizeof(udp));
}

struct packet packet_icmp(struct wr_ip src, struct wr_ip dst, uint8_t type, uint16_t id)
{
	uint8_t icmp[60] = { type };

	put16(icmp + 4, id);
	return packet_of(src, dst, src.family == WR_IPV4 ? WR_PROTO_ICMP : WR_PROTO_ICMPV6, icmp,
			 sizeof(icmp));
}

struct packet packet_other(struct wr_ip src, struct wr_ip dst, uint8_t protocol)
{
	uint8_t bytes[20] = { 0 };

	return packet_of(src, dst, protocol, bytes, sizeof(bytes));
}

struct packet packet_error(struct wr_ip src, struct wr_ip dst, uint8_t type,
			   const struct packet *about)
{
	uint8_t icmp[PACKET_MAX] = { type };
	uint32_t quoted = about->len < 120 ? about->len : 120;

	memcpy(icmp + 8, about->bytes, quoted);
	return packet_of(src, dst, src.family == WR_IPV4 ? WR_PROTO_ICMP : WR_PROTO_ICMPV6, icmp,
			 8 + quoted);
}

static struct packet fragment4(const struct packet *whole, uint32_t id, uint16_t offset,
			       uint32_t end, bool has_more)
{
	struct packet packet = { .len = WR_IPV4_HEADER_LEN + end - offset };

	memcpy(packet.bytes, whole->bytes, WR_IPV4_HEADER_LEN);
	memcpy(packet.bytes + WR_IPV4_HEADER_LEN, whole->bytes + WR_IPV4_HEADER_LEN + offset,
	       end - offset);
	put16(packet.bytes + 2, packet.len);
	put16(packet.bytes + 4, id);
	put16(packet.bytes + 6, offset / 8u | (has_more ? 0x2000u : 0));
	return packet;
}

static struct packet fragment6(const struct packet *whole, uint32_t id, uint16_t offset,
			       uint32_t end, bool has_more)
{
	struct packet packet = { .len = WR_IPV6_HEADER_LEN + 8 + end - offset };
	uint8_t *header = packet.bytes + WR_IPV6_HEADER_LEN;

	memcpy(packet.bytes, whole->bytes, WR_IPV6_HEADER_LEN);
	header[0] = packet.bytes[6];
	packet.bytes[6] = IPV6_FRAGMENT;
	put16(packet.bytes + 4, packet.len - WR_IPV6_HEADER_LEN);
	put16(header + 2, offset | (has_more ? 1u : 0));
	put16(header + 4, id >> 16);
	put16(header + 6, id & 0xffff);
	memcpy(header + 8, whole->bytes + WR_IPV6_HEADER_LEN + offset, end - offset);
	return packet;
}

struct packet packet_fragment(const struct packet *whole, uint32_t id, uint16_t offset,
			      uint32_t end, bool has_more)
{
	assert(offset % 8 == 0 && offset < end && whole->len + 8 <= PACKET_MAX);
	return whole->bytes[0] >> 4 == 4 ? fragment4(whole, id, offset, end, has_more)
					 : fragment6(whole, id, offset, end, has_more);
}
