/* UDP sockets of one port, and datagrams in batches: UDP_SEGMENT and UDP_GRO,
 * sendmmsg and recvmmsg, with the local address and the traffic class of each.
 *
 * Floor 4.  A socket set is opened and closed by one thread; each socket is
 * used by any. The functions of the packet path allocate nothing.
 * Source: udp(7), ip(7), ipv6(7); RFC 3542. */
#pragma once

#include <sys/socket.h>

#include "base/base.h"
#include "base/ip.h"

#define WR_UDP_MAX_WORKERS 16
/* UDP_MAX_SEGMENTS is 64 on older kernels (128 since 6.9). */
#define WR_UDP_MAX_SEGMENTS 64
/* Largest UDP payload over IPv4: 65535 - 20 - 8. Of a burst, what is above 65469 the
 * kernel divides in software: with all headers it is not below gso_max_size (64 KiB). */
#define WR_UDP_MAX_PAYLOAD 65507

/* One IPv4 and one IPv6 socket a worker, all on the same port (SO_REUSEPORT);
 * -1 where the machine lacks the family. Not connected, so they survive what
 * happens to interfaces; path MTU discovery off, so that too large datagrams
 * are fragmented, as the kernel's WireGuard does. */
struct wr_udp_sockets {
	uint16_t port;
	unsigned count;
	int v4[WR_UDP_MAX_WORKERS];
	int v6[WR_UDP_MAX_WORKERS];
	bool has_segment; /* UDP_SEGMENT works here */
};

/* Port 0: one that is free for both families. `mark` 0 is none. 0, or a
 * negative errno: -EADDRINUSE, -EACCES (below 1024 without the capability). */
int wr_udp_open(uint16_t port, uint32_t mark, unsigned count, struct wr_udp_sockets *ret_sockets)
	WR_MUST_CHECK;
void wr_udp_close(struct wr_udp_sockets *sockets);
/* False if one of them is closed, shut down or bound elsewhere by now. */
bool wr_udp_is_open(const struct wr_udp_sockets *sockets);
/* SO_MARK on all. */
int wr_udp_set_mark(const struct wr_udp_sockets *sockets, uint32_t mark) WR_MUST_CHECK;

/* Datagrams that came (or go) together: all `segment` bytes long but the last,
 * which may be shorter. */
struct wr_udp_burst {
	uint8_t *data;
	uint32_t len;
	uint32_t segment; /* == len for a single datagram */
	uint8_t tos;      /* traffic class: only ECN is sent */
	struct wr_endpoint remote;
};

#define WR_UDP_BATCH 8
/* GRO makes up to 64 KiB. */
#define WR_UDP_BUFFER_LEN 65536

/* Where wr_udp_receive() puts things; opaque, one a worker. */
struct wr_udp_receiver;
struct wr_udp_receiver *wr_udp_receiver_new(void);
struct wr_udp_receiver *wr_udp_receiver_free(struct wr_udp_receiver *receiver);

/* Receives up to WR_UDP_BATCH bursts without waiting. Their bytes lie in the
 * receiver's buffers until the next call, may be changed in place, and have 64
 * spare bytes before and after. Number of bursts, 0 if there are none now, or a
 * negative errno. */
int wr_udp_receive(int fd, struct wr_udp_receiver *receiver,
		   struct wr_udp_burst ret_bursts[WR_UDP_BATCH]) WR_MUST_CHECK;

/* Sends `count` bursts (up to WR_UDP_BATCH) on a socket of their family; 0, or
 * the last negative errno. A burst that UDP_SEGMENT cannot carry (a path MTU
 * below the segment, a device that cannot) is sent a datagram at a time, which
 * the kernel may fragment. A local address that is gone is left out. What the
 * kernel refuses is dropped, and counted in *ret_dropped (datagrams). */
int wr_udp_send(int fd, const struct wr_udp_burst *bursts, unsigned count, unsigned *ret_dropped);
