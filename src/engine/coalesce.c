#include "engine/coalesce.h"

#include <string.h>

#include "engine/segment.h"

#define TCP_SEQ 4
#define TCP_ACK 8
#define TCP_DATA_OFFSET 12
#define TCP_FLAGS 13
#define TCP_WINDOW 14
#define TCP_CHECKSUM 16
#define TCP_URGENT 18
#define TCP_OPTIONS 20
#define UDP_CHECKSUM 6
#define IPV4_TOTAL_LENGTH 2
#define IPV4_ID 4
#define IPV4_FRAGMENT 6
#define IPV4_DONT_FRAGMENT 0x40
#define IPV4_TTL 8
#define IPV6_PAYLOAD_LENGTH 4
#define IPV6_HOP_LIMIT 7
#define IP_MAX_LEN 65535

/* A packet as the coalescer sees it. */
struct candidate {
	uint8_t *ip;
	const struct wr_packet *packet;
	uint32_t flow;
	uint16_t header_len;
	uint16_t payload;
};

static uint32_t read32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static uint32_t read_be32(const uint8_t *at)
{
	return __builtin_bswap32(read32(at));
}

static uint16_t read_be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static void write_be16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

void wr_coalescer_init(struct wr_coalescer *coalescer, bool has_offload, bool has_udp_offload)
{
	coalescer->has_header = has_offload;
	coalescer->does_tcp = has_offload;
	coalescer->does_udp = has_offload && has_udp_offload;
	coalescer->count = 0;
}

/* Only to find runs quickly: whoever makes flows collide makes his own slower. */
static uint32_t flow_hash(const struct wr_packet *packet, const uint8_t *l4)
{
	size_t words = packet->family == WR_IPV4 ? 2 : 8; /* source and destination */
	uint32_t hash = packet->protocol;

	for (size_t i = 0; i < words; i++)
		hash = (hash ^ read32(packet->src + 4 * i)) * UINT32_C(0x9e3779b1);
	hash = (hash ^ read32(l4)) * UINT32_C(0x9e3779b1);
	return hash ^ hash >> 16;
}

/* Of the IPv4 header, and of TCP or UDP. */
static bool has_right_checksums(const struct candidate *candidate)
{
	const struct wr_packet *packet = candidate->packet;
	uint32_t l4_len = packet->total_len - packet->l4_offset;
	struct wr_bytes l4 = { candidate->ip + packet->l4_offset, l4_len };
	struct wr_bytes ip = { candidate->ip, packet->l4_offset };

	if (packet->family == WR_IPV4 && wr_sum_fold(wr_sum(ip, 0)) != 0xffff)
		return false;
	return wr_sum_fold(wr_sum(l4, wr_sum_pseudo(packet, l4_len))) == 0xffff;
}

/* Length of IP and TCP header if the packet is a plain piece of a stream; else 0. */
static uint32_t tcp_header_len(const uint8_t *ip, const struct wr_packet *packet)
{
	const uint8_t *tcp = ip + packet->l4_offset;
	uint32_t header_len;

	if (packet->total_len < packet->l4_offset + (uint32_t)WR_TCP_HEADER_LEN)
		return 0;
	header_len = packet->l4_offset + (tcp[TCP_DATA_OFFSET] >> 4) * 4u;
	if (header_len < packet->l4_offset + (uint32_t)WR_TCP_HEADER_LEN ||
	    header_len >= packet->total_len)
		return 0;
	if ((tcp[TCP_FLAGS] & (uint8_t)~WR_TCP_PSH) != WR_TCP_ACK)
		return 0;
	return header_len;
}

static uint32_t udp_header_len(const uint8_t *ip, const struct wr_packet *packet)
{
	uint32_t header_len = packet->l4_offset + WR_UDP_HEADER_LEN;
	const uint8_t *udp = ip + packet->l4_offset;

	if (packet->total_len <= header_len ||
	    read_be16(udp + 4) != packet->total_len - packet->l4_offset)
		return 0;
	/* RFC 768: no checksum was computed. A segmented packet would have one. */
	if (read_be16(udp + UDP_CHECKSUM) == 0)
		return 0;
	return header_len;
}

/* True if the packet may be one of several in a super-packet. */
static bool is_coalescible(const struct wr_coalescer *coalescer, struct candidate *candidate)
{
	const struct wr_packet *packet = candidate->packet;
	uint16_t ip_len = packet->family == WR_IPV4 ? WR_IPV4_HEADER_LEN : WR_IPV6_HEADER_LEN;
	uint32_t header_len = 0;

	if (packet->is_fragment || packet->l4_offset != ip_len)
		return false;
	if (packet->protocol == WR_PROTO_TCP && coalescer->does_tcp)
		header_len = tcp_header_len(candidate->ip, packet);
	else if (packet->protocol == WR_PROTO_UDP && coalescer->does_udp)
		header_len = udp_header_len(candidate->ip, packet);
	if (!header_len)
		return false;
	candidate->header_len = (uint16_t)header_len;
	candidate->payload = (uint16_t)(packet->total_len - header_len);
	return has_right_checksums(candidate);
}

/* Everything in the IP header that must stay as it is. RFC 6864: the identifier
 * of a packet that may not be fragmented means nothing. */
static bool has_same_ip(const struct wr_run *run, const struct candidate *candidate)
{
	const uint8_t *a = run->ip, *b = candidate->ip;

	if (a[0] != b[0])
		return false;
	if (candidate->packet->family == WR_IPV6)
		return read32(a) == read32(b) && a[IPV6_HOP_LIMIT] == b[IPV6_HOP_LIMIT] &&
		       memcmp(a + 8, b + 8, 32) == 0;
	if (a[1] != b[1] || a[IPV4_TTL] != b[IPV4_TTL] ||
	    read_be16(a + IPV4_FRAGMENT) != read_be16(b + IPV4_FRAGMENT) ||
	    memcmp(a + 12, b + 12, 8) != 0)
		return false;
	return (a[IPV4_FRAGMENT] & IPV4_DONT_FRAGMENT) ||
	       (uint16_t)(read_be16(a + IPV4_ID) + run->count) == read_be16(b + IPV4_ID);
}

static bool has_same_tcp(const struct wr_run *run, const struct candidate *candidate)
{
	const uint8_t *a = run->ip + run->l4_offset;
	const uint8_t *b = candidate->ip + run->l4_offset;
	size_t options = (size_t)run->header_len - run->l4_offset - TCP_OPTIONS;

	return read32(a) == read32(b) && read_be32(b + TCP_SEQ) == run->next_seq &&
	       read32(a + TCP_ACK) == read32(b + TCP_ACK) &&
	       a[TCP_DATA_OFFSET] == b[TCP_DATA_OFFSET] && /* and reserved bits */
	       memcmp(a + TCP_WINDOW, b + TCP_WINDOW, 2) == 0 &&
	       memcmp(a + TCP_URGENT, b + TCP_URGENT, 2) == 0 &&
	       memcmp(a + TCP_OPTIONS, b + TCP_OPTIONS, options) == 0;
}

static bool does_continue(const struct wr_run *run, const struct candidate *candidate)
{
	if (candidate->header_len != run->header_len || candidate->payload > run->payload ||
	    run->total_len + candidate->payload > IP_MAX_LEN || run->count == WR_COALESCE_SPANS)
		return false;
	if (!has_same_ip(run, candidate))
		return false;
	if (run->protocol == WR_PROTO_TCP)
		return has_same_tcp(run, candidate);
	return read32(run->ip + run->l4_offset) == read32(candidate->ip + run->l4_offset);
}

static void append(struct wr_run *run, const struct candidate *candidate)
{
	run->spans[run->count++] = (struct iovec){ candidate->ip + candidate->header_len,
						   candidate->payload };
	run->total_len += candidate->payload;
	run->next_seq += candidate->payload;
	if (candidate->payload < run->payload)
		run->is_open = false;
	if (run->protocol == WR_PROTO_TCP &&
	    (candidate->ip[run->l4_offset + TCP_FLAGS] & WR_TCP_PSH)) {
		run->ip[run->l4_offset + TCP_FLAGS] |= WR_TCP_PSH;
		run->is_open = false;
	}
}

static void start_run(struct wr_coalescer *coalescer, const struct candidate *candidate,
		      bool may_grow)
{
	struct wr_run *run = &coalescer->runs[coalescer->count++];
	const struct wr_packet *packet = candidate->packet;
	const uint8_t *l4 = candidate->ip + packet->l4_offset;

	run->ip = candidate->ip;
	run->flow = candidate->flow;
	run->total_len = packet->total_len;
	run->header_len = candidate->header_len;
	run->l4_offset = packet->l4_offset;
	run->payload = candidate->payload;
	run->count = 1;
	run->protocol = packet->protocol;
	run->is_open = may_grow;
	run->spans[0] = (struct iovec){ candidate->ip, packet->total_len };
	if (may_grow && packet->protocol == WR_PROTO_TCP) {
		run->next_seq = read_be32(l4 + TCP_SEQ) + candidate->payload;
		run->is_open = !(l4[TCP_FLAGS] & WR_TCP_PSH);
	}
}

/* The newest run of the flow, if it is open. Older ones must not grow: that would
 * turn the order of the flow's packets round. */
static struct wr_run *newest_run(struct wr_coalescer *coalescer, uint32_t flow)
{
	for (unsigned i = coalescer->count; i-- > 0;)
		if (coalescer->runs[i].flow == flow)
			return coalescer->runs[i].is_open ? &coalescer->runs[i] : NULL;
	return NULL;
}

bool wr_coalescer_add(struct wr_coalescer *coalescer, uint8_t *ip, const struct wr_packet *packet)
{
	struct candidate candidate = { .ip = ip, .packet = packet };
	bool has_ports = packet->total_len >= packet->l4_offset + 4u;
	bool may_grow = has_ports && is_coalescible(coalescer, &candidate);

	candidate.flow = has_ports ? flow_hash(packet, ip + packet->l4_offset) : 0;
	struct wr_run *run = newest_run(coalescer, candidate.flow);

	if (run && may_grow && does_continue(run, &candidate)) {
		append(run, &candidate);
		return true;
	}
	if (coalescer->count == WR_COALESCE_RUNS)
		return false;
	start_run(coalescer, &candidate, may_grow);
	return true;
}

/* The field holds the pseudo header's sum; the kernel completes it if it must
 * (virtio 5.1.6.2.1). */
static void leave_checksum(const struct wr_run *run, uint32_t offset)
{
	struct wr_packet packet;
	uint16_t sum;

	if (!wr_packet_read((struct wr_bytes){ run->ip, run->total_len }, &packet))
		return;
	sum = wr_sum_fold(wr_sum_pseudo(&packet, run->total_len - run->l4_offset));
	memcpy(run->ip + run->l4_offset + offset, &sum, sizeof(sum));
}

static void finish_super(const struct wr_run *run, struct virtio_net_hdr *header)
{
	bool is_v4 = run->ip[0] >> 4 == 4;
	bool is_tcp = run->protocol == WR_PROTO_TCP;
	uint16_t checksum_offset = is_tcp ? TCP_CHECKSUM : UDP_CHECKSUM;

	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	header->hdr_len = run->header_len;
	header->gso_size = run->payload;
	header->csum_start = run->l4_offset;
	header->csum_offset = checksum_offset;
	if (!is_tcp)
		header->gso_type = VIRTIO_NET_HDR_GSO_UDP_L4;
	else
		header->gso_type = is_v4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	if (is_v4) {
		write_be16(run->ip + IPV4_TOTAL_LENGTH, run->total_len);
		wr_ipv4_checksum_write(run->ip, run->l4_offset);
	} else {
		write_be16(run->ip + IPV6_PAYLOAD_LENGTH, run->total_len - WR_IPV6_HEADER_LEN);
	}
	if (!is_tcp)
		write_be16(run->ip + run->l4_offset + 4, run->total_len - run->l4_offset);
	leave_checksum(run, checksum_offset);
}

void wr_coalescer_finish(const struct wr_coalescer *coalescer, struct wr_run *run)
{
	struct virtio_net_hdr header = { 0 };

	if (run->count > 1)
		finish_super(run, &header);
	if (!coalescer->has_header)
		return;
	memcpy(run->ip - sizeof(header), &header, sizeof(header));
	run->spans[0].iov_base = run->ip - sizeof(header);
	run->spans[0].iov_len += sizeof(header);
}
