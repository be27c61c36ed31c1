/* IPv4, IPv6, TCP and UDP headers as far as a tunnel must know them.
 *
 * Floor 2.  No state.  Headers are read in place once their length was checked
 * here: the data plane's exception from the cursor.
 * Source: RFC 791, RFC 8200, RFC 9293, RFC 768, RFC 3168, RFC 6040. */
#pragma once

#include "base/base.h"
#include "base/ip.h"

#define WR_IPV4_HEADER_LEN 20
#define WR_IPV6_HEADER_LEN 40
#define WR_TCP_HEADER_LEN 20
#define WR_UDP_HEADER_LEN 8
#define WR_PROTO_TCP 6
#define WR_PROTO_UDP 17

#define WR_TCP_FIN 0x01
#define WR_TCP_SYN 0x02
#define WR_TCP_RST 0x04
#define WR_TCP_PSH 0x08
#define WR_TCP_ACK 0x10
#define WR_TCP_URG 0x20
#define WR_TCP_ECE 0x40
#define WR_TCP_CWR 0x80

/* Where things are in one IP packet; addresses point into it. */
struct wr_packet {
	const uint8_t *src, *dst; /* 4 or 16 bytes, by family */
	enum wr_family family;
	uint32_t total_len; /* by the IP header; what follows is padding */
	uint16_t l4_offset; /* of the transport header */
	uint8_t protocol;   /* of the transport header; IPv6 extension headers
			     * are not followed: then theirs */
	bool is_fragment;   /* IPv4: offset or more-fragments set */
};

/* True if the bytes begin with a whole IPv4 or IPv6 packet: version, header
 * length and total length agree and fit into `bytes`. */
bool wr_packet_read(struct wr_bytes bytes, struct wr_packet *ret_packet) WR_MUST_CHECK;

/* The traffic class of an IP packet that wr_packet_read() accepted. */
uint8_t wr_packet_tos(const uint8_t *ip);
/* Replaces the two ECN bits, and mends the IPv4 header checksum. */
void wr_packet_set_ecn(uint8_t *ip, uint8_t ecn);

#define WR_ECN_MASK 3
#define WR_ECN_NOT_ECT 0
#define WR_ECN_ECT1 1
#define WR_ECN_ECT0 2
#define WR_ECN_CE 3

/* RFC 6040 section 4.2: false if the packet must be dropped (outer CE, inner not
 * ECN-capable); else the ECN that the inner packet leaves with. */
bool wr_ecn_decapsulate(uint8_t outer_tos, uint8_t inner_tos, uint8_t *ret_ecn) WR_MUST_CHECK;

/* Ones' complement sum of `bytes`, to be continued: `sum` is what earlier calls
 * on runs of even length returned, 0 at first.  Vectorised by the compiler. */
uint64_t wr_sum(struct wr_bytes bytes, uint64_t sum);
/* Folds a sum to 16 bits, not inverted; network order in memory. */
uint16_t wr_sum_fold(uint64_t sum);
/* Sum of the pseudo header of TCP or UDP over IPv4 or IPv6. */
uint64_t wr_sum_pseudo(const struct wr_packet *packet, uint32_t l4_len);
/* Writes the IPv4 header checksum. */
void wr_ipv4_checksum_write(uint8_t *ip, size_t header_len);
