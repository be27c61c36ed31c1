/* Software segmentation: one packet as the kernel's TUN gives it, which may be a
 * TCP or UDP super-packet of up to 64 KiB without checksums, into the IP packets
 * that go on the wire.
 *
 * In place and one at a time: the header of each packet is written over the end
 * of the one before it, so the caller uses (seals) a packet before it asks for
 * the next, and nothing is copied.
 *
 * Floor 5, pure.  Source: virtio 1.2 section 5.1.6; Linux tcp_offload.c and
 * udp_offload.c. */
#pragma once

#include <linux/virtio_net.h>

#include "base/base.h"
#include "base/verdict.h"

/* Longest run of headers that is segmented: IPv6 with extension headers and TCP
 * with all options. */
#define WR_SEGMENT_HEADER_MAX 256

/* UDP segmentation offload; Debian 12's header lacks it. Source: Linux 6.2,
 * include/uapi/linux/virtio_net.h. */
#ifndef VIRTIO_NET_HDR_GSO_UDP_L4
#define VIRTIO_NET_HDR_GSO_UDP_L4 5
#endif

struct wr_segmenter {
	uint8_t *packet;
	uint32_t len;
	uint32_t next;       /* offset of the next packet's payload */
	uint32_t left;       /* packets to come */
	uint32_t index;      /* of the next packet */
	uint16_t payload;    /* bytes of payload in each packet but the last */
	uint16_t header_len; /* IP and transport */
	uint16_t l4_offset;
	uint8_t gso; /* VIRTIO_NET_HDR_GSO_*, without flags */
	uint8_t header[WR_SEGMENT_HEADER_MAX];
};

/* One IP packet inside of the segmenter's buffer. */
struct wr_segment {
	uint8_t *data;
	uint32_t len;
};

/* `packet` stays the caller's and is changed. Completes the checksum of a plain
 * packet at once. WR_TAKEN, or why the packet makes no sense. */
enum wr_verdict wr_segmenter_start(struct wr_segmenter *segmenter,
				   const struct virtio_net_hdr *header, uint8_t *packet,
				   uint32_t len) WR_MUST_CHECK;

/* The next packet; false when all were given. It may be changed, and so may up
 * to 15 bytes after it if they are put back before the next call. */
bool wr_segmenter_next(struct wr_segmenter *segmenter, struct wr_segment *ret_segment)
	WR_MUST_CHECK;

/* Length of the longest packet that will come. */
static inline uint32_t wr_segmenter_longest(const struct wr_segmenter *segmenter)
{
	uint32_t longest = (uint32_t)segmenter->header_len + segmenter->payload;

	return segmenter->len < longest ? segmenter->len : longest;
}
