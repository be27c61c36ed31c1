/* IP packets for tests of the policy: what a filter looks at is there, the rest is
 * zero. */
#pragma once

#include "base/base.h"
#include "base/ip.h"
#include "wire/flow.h"
#include "wire/packet.h"

#define PACKET_MAX 256

enum {
	ICMP4_REPLY = 0,
	ICMP4_UNREACHABLE = 3,
	ICMP4_REQUEST = 8,
	ICMP6_TOO_BIG = 2,
	ICMP6_REQUEST = 128,
	ICMP6_REPLY = 129,
};

struct packet {
	uint8_t bytes[PACKET_MAX];
	uint32_t len;
};

struct wr_ip ip_from(const char *text);

/* Each of the same family as the addresses. */
struct packet packet_tcp(struct wr_ip src, uint16_t src_port, struct wr_ip dst, uint16_t dst_port,
			 uint8_t flags);
struct packet packet_udp(struct wr_ip src, uint16_t src_port, struct wr_ip dst, uint16_t dst_port);
struct packet packet_icmp(struct wr_ip src, struct wr_ip dst, uint8_t type, uint16_t id);
struct packet packet_other(struct wr_ip src, struct wr_ip dst, uint8_t protocol);
/* An ICMP error that quotes `about`, whole. */
struct packet packet_error(struct wr_ip src, struct wr_ip dst, uint8_t type,
			   const struct packet *about);
/* The fragment of `whole` from `offset` (a multiple of 8) to `end`. */
struct packet packet_fragment(const struct packet *whole, uint32_t id, uint16_t offset,
			      uint32_t end, bool has_more);
