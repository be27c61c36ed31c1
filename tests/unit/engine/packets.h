/* IP packets for tests, made and checked the slow and obvious way: with a
 * checksum of its own, and a segmentation that copies.
 *
 * For unit tests and fuzz targets: what fails ends the program. */
#pragma once

#include <linux/virtio_net.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "base/ip.h"

#define PACKET_MAX 65535

/* Ends the program if `condition` does not hold. */
#define PACKET_CHECK(condition) \
	((condition) ? (void)0 : packet_failed(__FILE__, __LINE__, #condition))
_Noreturn void packet_failed(const char *file, int line, const char *condition);

/* What a TCP or UDP packet says in its headers. */
struct packet_shape {
	enum wr_family family;
	uint8_t protocol;
	uint8_t host;               /* last byte of the source address */
	uint16_t source_port, port; /* port 0: 443 or 53 */
	uint8_t tos, ttl;
	uint16_t id, fragment; /* IPv4; flags and offset */
	uint8_t ip_options;    /* bytes: of IPv4 options, or of an IPv6 header of
				* destination options */
	uint32_t seq, ack;
	uint8_t tcp_flags, tcp_reserved;
	uint16_t window, urgent;
	uint8_t tcp_options; /* bytes */
	uint8_t option_byte; /* that they are made of */
};

uint16_t packet_read16(const uint8_t *at);
uint32_t packet_read32(const uint8_t *at);
void packet_write16(uint8_t *at, uint32_t value);
void packet_write32(uint8_t *at, uint32_t value);

/* Ones' complement sum of big-endian words, to be continued; and its fold. */
uint32_t packet_sum(const uint8_t *bytes, size_t len, uint32_t sum);
uint16_t packet_fold(uint32_t sum);

uint32_t packet_l4_offset(const struct packet_shape *shape);
uint32_t packet_header_len(const struct packet_shape *shape);
/* Writes a whole packet with right checksums, and returns its length. */
uint32_t packet_build(const struct packet_shape *shape, const uint8_t *payload, uint32_t len,
		      uint8_t *ret_packet);

/* Offset of the transport header of a packet as packet_build() makes it; past the
 * end, perhaps, of another. */
uint32_t packet_find_l4(const uint8_t *packet, uint32_t len, uint8_t *ret_protocol);
/* True if the checksums of IPv4, TCP and UDP are right. */
bool packet_has_right_checksums(const uint8_t *packet, uint32_t len);
/* Makes them right, as far as they are there. */
void packet_complete(uint8_t *packet, uint32_t len);

/* Makes it what the kernel gives a TUN with offloads: the sum of the pseudo header
 * in the place of the checksum. `segment` 0: no super-packet. */
struct virtio_net_hdr packet_offload(uint8_t *packet, uint32_t len, uint16_t segment);

/* Packets, copied. */
struct packet_item {
	uint8_t *data;
	uint32_t len;
};

struct packet_list {
	unsigned count, room;
	struct packet_item *items;
};

void packet_list_add(struct packet_list *list, const uint8_t *data, uint32_t len);
void packet_list_free(struct packet_list *list);

/* The packets that a super-packet stands for, by copying. */
void packet_segment(const struct virtio_net_hdr *header, const uint8_t *packet, uint32_t len,
		    struct packet_list *ret_list);
