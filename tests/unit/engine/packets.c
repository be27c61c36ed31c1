#include "packets.h"

#include <string.h>

#define TCP 6
#define UDP 17
#define DESTINATION_OPTIONS 60
#define GSO_UDP_L4 5

_Noreturn void packet_failed(const char *file, int line, const char *condition)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, condition);
	abort();
}

uint16_t packet_read16(const uint8_t *at)
{
	return (uint16_t)(at[0] * 256 + at[1]);
}

uint32_t packet_read32(const uint8_t *at)
{
	return packet_read16(at) * UINT32_C(65536) + packet_read16(at + 2);
}

void packet_write16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value / 256);
	at[1] = (uint8_t)value;
}

void packet_write32(uint8_t *at, uint32_t value)
{
	packet_write16(at, value / 65536);
	packet_write16(at + 2, value);
}

/* --- Checksums: RFC 1071, a word at a time. --- */

uint32_t packet_sum(const uint8_t *bytes, size_t len, uint32_t sum)
{
	for (size_t i = 0; i < len; i += 2) {
		sum += bytes[i] * 256u + (i + 1 < len ? bytes[i + 1] : 0u);
		sum = sum % 65536 + sum / 65536;
	}
	return sum;
}

uint16_t packet_fold(uint32_t sum)
{
	sum = sum % 65536 + sum / 65536;
	return (uint16_t)(sum % 65536 + sum / 65536);
}

static bool is_v4(const uint8_t *packet)
{
	return packet[0] / 16 == 4;
}

static uint32_t pseudo_sum(const uint8_t *packet, uint32_t len, uint8_t protocol)
{
	uint32_t sum = packet_sum(packet + (is_v4(packet) ? 12 : 8), is_v4(packet) ? 8 : 32, 0);

	return sum + protocol + len / 65536 + len % 65536;
}

static size_t checksum_place(uint8_t protocol)
{
	return protocol == TCP ? 16 : 6;
}

/* As it would stand in the packet. */
static uint16_t l4_checksum(const uint8_t *packet, uint32_t len)
{
	uint8_t protocol;
	uint32_t l4 = packet_find_l4(packet, len, &protocol);
	uint32_t place = l4 + (uint32_t)checksum_place(protocol);
	uint32_t sum = pseudo_sum(packet, len - l4, protocol);
	uint16_t checksum;

	sum = packet_sum(packet + l4, place - l4, sum);
	sum = packet_sum(packet + place + 2, len - place - 2, sum);
	checksum = (uint16_t)(65535 - packet_fold(sum));
	return protocol == UDP && checksum == 0 ? 65535 : checksum;
}

static uint16_t ipv4_checksum(const uint8_t *packet)
{
	size_t len = packet[0] % 16u * 4u;
	uint32_t sum = packet_sum(packet, 10, 0);

	if (len > 12)
		sum = packet_sum(packet + 12, len - 12, sum);
	return (uint16_t)(65535 - packet_fold(sum));
}

uint32_t packet_find_l4(const uint8_t *packet, uint32_t len, uint8_t *ret_protocol)
{
	uint32_t at = 40;
	uint8_t next = packet[6];

	if (is_v4(packet)) {
		*ret_protocol = packet[9];
		return packet[0] % 16u * 4u;
	}
	if (next == DESTINATION_OPTIONS && at + 2 <= len) {
		next = packet[at];
		at += 8 * (packet[at + 1] + 1u);
	}
	*ret_protocol = next;
	return at;
}

bool packet_has_right_checksums(const uint8_t *packet, uint32_t len)
{
	uint8_t protocol;
	uint32_t l4 = packet_find_l4(packet, len, &protocol);

	if (is_v4(packet) && packet_read16(packet + 10) != ipv4_checksum(packet))
		return false;
	return packet_read16(packet + l4 + checksum_place(protocol)) == l4_checksum(packet, len);
}

void packet_complete(uint8_t *packet, uint32_t len)
{
	uint8_t protocol;
	uint32_t l4 = packet_find_l4(packet, len, &protocol);

	if (is_v4(packet))
		packet_write16(packet + 10, ipv4_checksum(packet));
	if (l4 + checksum_place(protocol) + 2 > len)
		return;
	packet_write16(packet + l4 + checksum_place(protocol), l4_checksum(packet, len));
}

/* --- Building. --- */

uint32_t packet_l4_offset(const struct packet_shape *shape)
{
	return (shape->family == WR_IPV4 ? 20u : 40u) + shape->ip_options;
}

uint32_t packet_header_len(const struct packet_shape *shape)
{
	return packet_l4_offset(shape) + (shape->protocol == TCP ? 20u + shape->tcp_options : 8u);
}

static void build_ipv4(const struct packet_shape *shape, uint32_t len, uint8_t *ip)
{
	ip[0] = (uint8_t)(0x40 | (20 + shape->ip_options) / 4);
	ip[1] = shape->tos;
	packet_write16(ip + 2, len);
	packet_write16(ip + 4, shape->id);
	packet_write16(ip + 6, shape->fragment);
	ip[8] = shape->ttl;
	ip[9] = shape->protocol;
	memcpy(ip + 12, (uint8_t[]){ 10, 1, 2, shape->host, 10, 9, 8, 7 }, 8);
	memset(ip + 20, 1, shape->ip_options); /* NOP */
}

static void build_ipv6(const struct packet_shape *shape, uint32_t len, uint8_t *ip)
{
	packet_write32(ip, 0x60000000u | (uint32_t)shape->tos << 20 | 0x12345u);
	packet_write16(ip + 4, len - 40);
	ip[6] = shape->ip_options ? DESTINATION_OPTIONS : shape->protocol;
	ip[7] = shape->ttl;
	memset(ip + 8, 0xfd, 32);
	ip[23] = shape->host;
	ip[39] = 7;
	if (!shape->ip_options)
		return;
	memset(ip + 40, 0, shape->ip_options); /* Pad1 */
	ip[40] = shape->protocol;
	ip[41] = (uint8_t)(shape->ip_options / 8 - 1);
}

static void build_tcp(const struct packet_shape *shape, uint8_t *tcp)
{
	packet_write16(tcp, shape->source_port);
	packet_write16(tcp + 2, shape->port ? shape->port : 443);
	packet_write32(tcp + 4, shape->seq);
	packet_write32(tcp + 8, shape->ack);
	tcp[12] = (uint8_t)((20 + shape->tcp_options) / 4 * 16 | shape->tcp_reserved);
	tcp[13] = shape->tcp_flags;
	packet_write16(tcp + 14, shape->window);
	packet_write16(tcp + 18, shape->urgent);
	memset(tcp + 20, shape->option_byte, shape->tcp_options);
}

static void build_udp(const struct packet_shape *shape, uint32_t len, uint8_t *udp)
{
	packet_write16(udp, shape->source_port);
	packet_write16(udp + 2, shape->port ? shape->port : 53);
	packet_write16(udp + 4, len);
}

uint32_t packet_build(const struct packet_shape *shape, const uint8_t *payload, uint32_t len,
		      uint8_t *ret_packet)
{
	uint32_t l4 = packet_l4_offset(shape), header_len = packet_header_len(shape);

	PACKET_CHECK(header_len + len <= PACKET_MAX);
	if (shape->family == WR_IPV4)
		build_ipv4(shape, header_len + len, ret_packet);
	else
		build_ipv6(shape, header_len + len, ret_packet);
	if (shape->protocol == TCP)
		build_tcp(shape, ret_packet + l4);
	else
		build_udp(shape, header_len - l4 + len, ret_packet + l4);
	if (len)
		memcpy(ret_packet + header_len, payload, len);
	packet_complete(ret_packet, header_len + len);
	return header_len + len;
}

struct virtio_net_hdr packet_offload(uint8_t *packet, uint32_t len, uint16_t segment)
{
	uint8_t protocol;
	uint32_t l4 = packet_find_l4(packet, len, &protocol);
	size_t place = checksum_place(protocol);
	struct virtio_net_hdr header = {
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
		.gso_size = segment,
		.csum_start = (uint16_t)l4,
		.csum_offset = (uint16_t)place,
	};

	if (segment && protocol == UDP)
		header.gso_type = GSO_UDP_L4;
	else if (segment)
		header.gso_type = is_v4(packet) ? VIRTIO_NET_HDR_GSO_TCPV4
						: VIRTIO_NET_HDR_GSO_TCPV6;
	packet_write16(packet + l4 + place, packet_fold(pseudo_sum(packet, len - l4, protocol)));
	return header;
}

/* --- Lists. --- */

void packet_list_add(struct packet_list *list, const uint8_t *data, uint32_t len)
{
	uint8_t *copy = malloc(len ? len : 1);

	if (list->count == list->room) {
		list->room = list->room * 2 + 16;
		list->items = realloc(list->items, list->room * sizeof(*list->items));
	}
	PACKET_CHECK(copy && list->items);
	memcpy(copy, data, len);
	list->items[list->count++] = (struct packet_item){ copy, len };
}

void packet_list_free(struct packet_list *list)
{
	for (unsigned i = 0; i < list->count; i++)
		free(list->items[i].data);
	free(list->items);
	*list = (struct packet_list){ 0 };
}

/* --- Segmentation. --- */

struct cut {
	uint32_t l4, header_len;
	uint8_t protocol;
	bool is_first, is_last;
	uint32_t index, at; /* offset of its payload */
};

static void mend_headers(const struct cut *cut, uint8_t *packet, uint32_t len)
{
	uint8_t *l4 = packet + cut->l4;

	if (is_v4(packet)) {
		packet_write16(packet + 2, len);
		packet_write16(packet + 4, packet_read16(packet + 4) + cut->index);
	} else {
		packet_write16(packet + 4, len - 40);
	}
	if (cut->protocol == UDP) {
		packet_write16(l4 + 4, len - cut->l4);
		return;
	}
	packet_write32(l4 + 4, packet_read32(l4 + 4) + cut->at);
	if (!cut->is_last)
		l4[13] &= 0xf6; /* FIN, PSH */
	if (!cut->is_first)
		l4[13] &= 0x7f; /* CWR */
}

static void cut_out(const struct cut *cut, const uint8_t *super, uint32_t payload,
		    struct packet_list *list)
{
	static uint8_t packet[PACKET_MAX + 1];
	uint32_t len = cut->header_len + payload;

	memcpy(packet, super, cut->header_len);
	memcpy(packet + cut->header_len, super + cut->header_len + cut->at, payload);
	mend_headers(cut, packet, len);
	packet_complete(packet, len);
	packet_list_add(list, packet, len);
}

void packet_segment(const struct virtio_net_hdr *header, const uint8_t *packet, uint32_t len,
		    struct packet_list *ret_list)
{
	struct cut cut = { .is_first = true };
	uint32_t payload, left;

	cut.l4 = packet_find_l4(packet, len, &cut.protocol);
	cut.header_len = cut.l4 + (cut.protocol == UDP ? 8u : packet[cut.l4 + 12] / 16 * 4u);
	for (left = len - cut.header_len; left > 0; left -= payload) {
		payload = left < header->gso_size ? left : header->gso_size;
		cut.is_last = payload == left;
		cut_out(&cut, packet, payload, ret_list);
		cut.at += payload;
		cut.index++;
		cut.is_first = false;
	}
}
