/* The other way from segment.h: puts successive TCP segments, or UDP datagrams of
 * one size, of one flow together into the super-packets that a TUN with offloads
 * takes, so that the kernel handles 64 KiB at a time.
 *
 * Payloads stay where they were opened: a super-packet is a header and a list of
 * spans for writev(). A packet joins a run only if its own checksum is right, so
 * what was broken before it came to the tunnel stays broken, and is seen to be.
 * The order of a flow's packets is kept; that between flows is not.
 *
 * Floor 5, pure.  Source: Linux net/ipv4/tcp_offload.c (tcp_gro_receive). */
#pragma once

#include <linux/virtio_net.h>
#include <sys/uio.h>

#include "base/base.h"
#include "wire/packet.h"

/* Runs that can be open at a time; then all is written before more is added. */
#define WR_COALESCE_RUNS 64
/* Packets in a run: 64 KiB of full-size segments, and UDP_MAX_SEGMENTS. */
#define WR_COALESCE_SPANS 64
/* What must be writable before each IP packet: the header of virtio goes there. */
#define WR_COALESCE_HEADROOM sizeof(struct virtio_net_hdr)

struct wr_run {
	uint8_t *ip;         /* the first packet, with room before it */
	uint32_t flow;       /* hash of addresses, ports and protocol */
	uint32_t total_len;  /* of the super-packet */
	uint32_t next_seq;   /* TCP */
	uint16_t header_len; /* IP and transport */
	uint16_t l4_offset;
	uint16_t payload; /* of each packet but the last */
	uint16_t count;   /* packets */
	uint8_t protocol;
	bool is_open; /* may grow */
	struct iovec spans[WR_COALESCE_SPANS];
};

struct wr_coalescer {
	bool does_tcp, does_udp; /* else each packet is written for itself */
	bool has_header;         /* the TUN wants a virtio_net_hdr */
	unsigned count;
	struct wr_run runs[WR_COALESCE_RUNS];
};

/* Empty, for a TUN of these abilities. */
void wr_coalescer_init(struct wr_coalescer *coalescer, bool has_offload, bool has_udp_offload);

/* Takes a packet that wr_packet_read() accepted. Its bytes stay where they are
 * until wr_coalescer_reset(). False: no room; write what there is, reset, and
 * add it again. */
bool wr_coalescer_add(struct wr_coalescer *coalescer, uint8_t *ip, const struct wr_packet *packet)
	WR_MUST_CHECK;

/* Finishes the headers of a run; its spans then are what writev() takes. */
void wr_coalescer_finish(const struct wr_coalescer *coalescer, struct wr_run *run);

static inline void wr_coalescer_reset(struct wr_coalescer *coalescer)
{
	coalescer->count = 0;
}
