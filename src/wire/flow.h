/* What a packet filter reads of an IP packet: who speaks to whom, with what, and
 * what a fragment or an ICMP error belongs to.
 *
 * Floor 2.  No state; any thread. Everything here is from outside: what makes no
 * sense is refused, nothing is trusted.
 * Source: RFC 791, 792, 8200, 4443, 9293, 768; RFC 1858 and 7112 for fragments. */
#pragma once

#include "base/base.h"
#include "base/ip.h"

#define WR_PROTO_ICMP 1
#define WR_PROTO_ICMPV6 58

/* What an ICMP message has to do with others. */
enum wr_icmp_role {
	WR_ICMP_NONE,    /* the packet is no ICMP */
	WR_ICMP_REQUEST, /* asks, and is answered under the same id: echo, timestamp, ... */
	WR_ICMP_REPLY,
	WR_ICMP_ERROR, /* quotes the packet that it is about */
	WR_ICMP_OTHER
};

/* One end of a flow speaks to the other. Addresses point into the packet. */
struct wr_speech {
	const uint8_t *src, *dst; /* 4 or 16 bytes, by family */
	enum wr_family family;
	uint8_t protocol;            /* behind IPv6 extension headers */
	uint16_t src_port, dst_port; /* of TCP and UDP; else 0 */
	uint8_t tcp_flags;           /* 0 in what an error quotes */
	enum wr_icmp_role icmp_role;
	uint8_t icmp_type; /* a reply has the type of its request */
	uint8_t icmp_code;
	uint16_t icmp_id; /* of requests and replies; else 0 */
};

enum wr_fragment {
	WR_FRAGMENT_WHOLE, /* no fragment */
	WR_FRAGMENT_FIRST,
	WR_FRAGMENT_LATER /* has no ports: only addresses and protocol are known, in
			   * IPv6 not even the protocol (then 0) */
};

struct wr_flow_headers {
	struct wr_speech speech;
	enum wr_fragment fragment;
	/* Of a fragment: are there more after it, where in the packet is it (in bytes), and
	 * which packet is it of. */
	bool has_more;
	uint16_t fragment_offset;
	uint32_t fragment_id;
	bool has_quoted;         /* an ICMP error with enough in it to say what it is about */
	struct wr_speech quoted; /* of an ICMP error */
};

/* False for what makes no sense: no whole IP packet, headers that are cut off, an
 * endless chain of them, a source route, an error in an error, a first fragment
 * without its ports. *ret_headers has no meaning then. */
bool wr_flow_read(struct wr_bytes ip, struct wr_flow_headers *ret_headers) WR_MUST_CHECK;

/* True for `protocol` being ICMP in that family. */
static inline bool wr_is_icmp(enum wr_family family, uint8_t protocol)
{
	return protocol == (family == WR_IPV4 ? WR_PROTO_ICMP : WR_PROTO_ICMPV6);
}
