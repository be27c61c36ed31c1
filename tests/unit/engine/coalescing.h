/* Puts packets through a coalescer as the engine does, takes what it would write to
 * the TUN apart again, and compares.
 *
 * For unit tests and fuzz targets: what fails ends the program. */
#pragma once

#include "engine/coalesce.h"
#include "packets.h"

struct coalescing {
	bool has_offload, has_udp_offload;
	struct packet_list in;      /* filled by coalescing_add(); padding behind a packet too */
	struct packet_list written; /* each with a virtio_net_hdr before it, if has_offload */
	struct packet_list out;     /* the packets that these stand for */
	unsigned supers;            /* writes of more than one packet */
};

/* Of packets that are no packet to wr_packet_read() there is nothing to expect. */
void coalescing_add(struct coalescing *coalescing, const uint8_t *packet, uint32_t len);
void coalescing_run(struct coalescing *coalescing);
/* The packets that came out are those that went in, each once, byte for byte, and
 * those of a flow in the same order. The one exception is that of RFC 6864: the
 * identifier of an IPv4 packet that may not be fragmented and is no fragment, with
 * the header checksum over it. */
void coalescing_check(const struct coalescing *coalescing);
void coalescing_free(struct coalescing *coalescing);
