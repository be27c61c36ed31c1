#include "wire/flow.h"

#include "wire/packet.h"

#define IPV4_MORE 0x2000
#define IPV4_OFFSET 0x1fff

#define IPV6_HOP_BY_HOP 0
#define IPV6_ROUTING 43
#define IPV6_FRAGMENT 44
#define IPV6_DESTINATION 60
/* RFC 8200 section 4.1 names six headers that a packet may have, one of them twice. */
#define IPV6_HEADERS_MAX 8
#define IPV6_OFFSET 0xfff8
#define IPV6_MORE 1
/* RFC 5095: a source route, long forbidden. */
#define ROUTING_TYPE_0 0

#define PORTS_LEN 4
#define ICMP_HEADER_LEN 8
#define TCP_FLAGS_AT 13
#define TCP_OFFSET_AT 12

static uint16_t be16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static uint32_t be32(const uint8_t *bytes)
{
	return (uint32_t)be16(bytes) << 16 | be16(bytes + 2);
}

/* What follows the headers that were read. `bytes` ends with the packet, or where a
 * quotation was cut off. */
struct rest {
	struct wr_bytes bytes;
	bool is_quoted;
};

static void skip(struct rest *rest, size_t len)
{
	rest->bytes.data += len;
	rest->bytes.len -= len;
}

/* Takes what the IP header says its packet has, and no padding. A quotation is
 * usually cut off. */
static bool trim(struct rest *rest, size_t total_len)
{
	if (total_len < rest->bytes.len)
		rest->bytes.len = total_len;
	return rest->is_quoted || total_len == rest->bytes.len;
}

static enum wr_fragment fragment_of(uint16_t offset, bool has_more)
{
	if (offset)
		return WR_FRAGMENT_LATER;
	return has_more ? WR_FRAGMENT_FIRST : WR_FRAGMENT_WHOLE;
}

static bool read_ipv4(struct rest *rest, struct wr_flow_headers *headers, struct wr_speech *speech)
{
	const uint8_t *ip = rest->bytes.data;
	size_t header_len = (ip[0] & 15u) * 4;
	uint16_t fragment = be16(ip + 6);

	if (header_len < WR_IPV4_HEADER_LEN || be16(ip + 2) < header_len ||
	    !trim(rest, be16(ip + 2)) || rest->bytes.len < header_len)
		return false;
	speech->family = WR_IPV4;
	speech->src = ip + 12;
	speech->dst = ip + 16;
	speech->protocol = ip[9];
	headers->has_more = fragment & IPV4_MORE;
	headers->fragment_offset = (uint16_t)((fragment & IPV4_OFFSET) * 8);
	headers->fragment_id = be16(ip + 4);
	headers->fragment = fragment_of(headers->fragment_offset, headers->has_more);
	skip(rest, header_len);
	return true;
}

static bool is_extension(uint8_t protocol)
{
	return protocol == IPV6_HOP_BY_HOP || protocol == IPV6_ROUTING ||
	       protocol == IPV6_FRAGMENT || protocol == IPV6_DESTINATION;
}

static bool is_source_route(uint8_t protocol, const uint8_t *header)
{
	return protocol == IPV6_ROUTING && header[2] == ROUTING_TYPE_0;
}

/* RFC 6946: one that is both first and last is a whole packet. */
static void read_fragment_header(const uint8_t *header, struct wr_flow_headers *headers)
{
	uint16_t word = be16(header + 2);

	headers->has_more = word & IPV6_MORE;
	headers->fragment_offset = word & IPV6_OFFSET;
	headers->fragment_id = be32(header + 4);
	headers->fragment = fragment_of(headers->fragment_offset, headers->has_more);
}

/* One extension header; the next one's number goes to speech->protocol. */
static bool read_extension(struct rest *rest, struct wr_flow_headers *headers,
			   struct wr_speech *speech)
{
	const uint8_t *header = rest->bytes.data;
	uint8_t protocol = speech->protocol;
	size_t len;

	if (rest->bytes.len < 8 || is_source_route(protocol, header))
		return false;
	len = protocol == IPV6_FRAGMENT ? 8 : 8 + header[1] * (size_t)8;
	if (rest->bytes.len < len)
		return false;
	if (protocol == IPV6_FRAGMENT)
		read_fragment_header(header, headers);
	speech->protocol = header[0];
	skip(rest, len);
	return true;
}

/* RFC 7112: all these headers are in the first fragment. */
static bool read_extensions(struct rest *rest, struct wr_flow_headers *headers,
			    struct wr_speech *speech)
{
	for (unsigned i = 0; is_extension(speech->protocol); i++) {
		if (i == IPV6_HEADERS_MAX || !read_extension(rest, headers, speech))
			return false;
		if (headers->fragment == WR_FRAGMENT_LATER) {
			speech->protocol = 0;
			return true;
		}
	}
	return true;
}

static bool read_ipv6(struct rest *rest, struct wr_flow_headers *headers, struct wr_speech *speech)
{
	const uint8_t *ip = rest->bytes.data;

	if (rest->bytes.len < WR_IPV6_HEADER_LEN ||
	    !trim(rest, WR_IPV6_HEADER_LEN + (size_t)be16(ip + 4)))
		return false;
	speech->family = WR_IPV6;
	speech->src = ip + 8;
	speech->dst = ip + 24;
	speech->protocol = ip[6];
	skip(rest, WR_IPV6_HEADER_LEN);
	return read_extensions(rest, headers, speech);
}

static bool read_ip(struct rest *rest, struct wr_flow_headers *headers, struct wr_speech *speech)
{
	if (rest->bytes.len < WR_IPV4_HEADER_LEN)
		return false;
	switch (rest->bytes.data[0] >> 4) {
	case 4: return read_ipv4(rest, headers, speech);
	case 6: return read_ipv6(rest, headers, speech);
	default: return false;
	}
}

/* --- What IP carries. --- */

static void read_ports(const struct rest *rest, struct wr_speech *speech)
{
	speech->src_port = be16(rest->bytes.data);
	speech->dst_port = be16(rest->bytes.data + 2);
}

/* RFC 1858: the flags are in the first fragment. Errors quote eight bytes at least. */
static bool read_tcp(const struct rest *rest, struct wr_speech *speech)
{
	size_t least = rest->is_quoted ? PORTS_LEN : WR_TCP_HEADER_LEN;

	if (rest->bytes.len < least)
		return false;
	read_ports(rest, speech);
	if (rest->is_quoted)
		return true;
	speech->tcp_flags = rest->bytes.data[TCP_FLAGS_AT];
	return (rest->bytes.data[TCP_OFFSET_AT] >> 4) * 4 >= WR_TCP_HEADER_LEN;
}

static bool read_udp(const struct rest *rest, struct wr_speech *speech)
{
	if (rest->bytes.len < (rest->is_quoted ? PORTS_LEN : WR_UDP_HEADER_LEN))
		return false;
	read_ports(rest, speech);
	return true;
}

/* RFC 792, RFC 950: a reply's type, and its request's. */
static void read_icmpv4_type(struct wr_speech *speech)
{
	static const struct {
		uint8_t request, reply;
	} pairs[] = { { 8, 0 }, { 13, 14 }, { 15, 16 }, { 17, 18 } };
	uint8_t type = speech->icmp_type;

	speech->icmp_role = WR_ICMP_OTHER;
	if (type == 3 || type == 4 || type == 5 || type == 11 || type == 12)
		speech->icmp_role = WR_ICMP_ERROR;
	for (size_t i = 0; i < WR_ARRAY_LEN(pairs); i++) {
		if (type != pairs[i].request && type != pairs[i].reply)
			continue;
		speech->icmp_role = type == pairs[i].reply ? WR_ICMP_REPLY : WR_ICMP_REQUEST;
		speech->icmp_type = pairs[i].request;
	}
}

/* RFC 4443 section 2.1: errors have types below 128. */
static void read_icmpv6_type(struct wr_speech *speech)
{
	uint8_t type = speech->icmp_type;

	speech->icmp_role = type < 128 ? WR_ICMP_ERROR : WR_ICMP_OTHER;
	if (type == 128 || type == 129) {
		speech->icmp_role = type == 129 ? WR_ICMP_REPLY : WR_ICMP_REQUEST;
		speech->icmp_type = 128;
	}
}

static bool read_icmp(const struct rest *rest, struct wr_speech *speech)
{
	if (rest->bytes.len < ICMP_HEADER_LEN)
		return false;
	speech->icmp_type = rest->bytes.data[0];
	speech->icmp_code = rest->bytes.data[1];
	if (speech->family == WR_IPV4)
		read_icmpv4_type(speech);
	else
		read_icmpv6_type(speech);
	if (speech->icmp_role == WR_ICMP_REQUEST || speech->icmp_role == WR_ICMP_REPLY)
		speech->icmp_id = be16(rest->bytes.data + 4);
	return true;
}

static bool read_transport(const struct rest *rest, struct wr_speech *speech)
{
	if (speech->protocol == WR_PROTO_TCP)
		return read_tcp(rest, speech);
	if (speech->protocol == WR_PROTO_UDP)
		return read_udp(rest, speech);
	if (wr_is_icmp(speech->family, speech->protocol))
		return read_icmp(rest, speech);
	return true;
}

/* RFC 1122 section 3.2.2: no errors about errors, and none about later fragments.
 * Errors fit into any MTU (RFC 1812 section 4.3.2.3, RFC 4443 section 2.4). */
static bool read_quoted(struct rest *rest, struct wr_flow_headers *headers)
{
	struct wr_flow_headers inner = { .fragment = WR_FRAGMENT_WHOLE };
	struct wr_speech *quoted = &headers->quoted;

	if (headers->fragment != WR_FRAGMENT_WHOLE)
		return false;
	*quoted = (struct wr_speech){ 0 };
	skip(rest, ICMP_HEADER_LEN);
	rest->is_quoted = true;
	if (!read_ip(rest, &inner, quoted) || quoted->family != headers->speech.family)
		return false;
	headers->has_quoted = inner.fragment != WR_FRAGMENT_LATER && read_transport(rest, quoted);
	return quoted->icmp_role != WR_ICMP_ERROR;
}

/* Written where it is wanted: this is on every packet's way. */
bool wr_flow_read(struct wr_bytes ip, struct wr_flow_headers *ret_headers)
{
	struct wr_flow_headers *headers = ret_headers;
	struct rest rest = { .bytes = ip };

	headers->speech = (struct wr_speech){ 0 };
	headers->fragment = WR_FRAGMENT_WHOLE;
	headers->has_quoted = false;
	if (!read_ip(&rest, headers, &headers->speech))
		return false;
	if (headers->fragment != WR_FRAGMENT_LATER && !read_transport(&rest, &headers->speech))
		return false;
	return headers->speech.icmp_role != WR_ICMP_ERROR || read_quoted(&rest, headers);
}
