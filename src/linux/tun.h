/* A TUN device with one or more queues, with the kernel's segmentation offloads
 * where it has them.
 *
 * Floor 4.  Opened and closed by one thread; each queue is then read and
 * written by whoever owns it. Owns its file descriptors: closing the last one
 * deletes the interface that wr_tun_open() made.
 * Source: linux/Documentation/networking/tuntap.rst; virtio 1.2 section 5.1.6. */
#pragma once

#include <linux/virtio_net.h>
#include <net/if.h>
#include <sys/uio.h>

#include "base/base.h"

#define WR_TUN_MAX_QUEUES 16

/* What stands before each packet where has_offload is true. */
#define WR_TUN_HEADER_LEN sizeof(struct virtio_net_hdr)

struct wr_tun {
	char name[IF_NAMESIZE];
	uint32_t index; /* of the interface */
	unsigned queue_count;
	int queues[WR_TUN_MAX_QUEUES]; /* non-blocking, close-on-exec */
	bool has_offload;              /* a virtio_net_hdr stands before each packet, and TCP
					* segments may be coalesced either way */
	bool has_udp_offload;          /* UDP too (Linux 6.2) */
};

/* Makes the interface (`name` may hold a %d) with at most `queues` queues, or takes
 * a persistent one that nobody uses. 0, or a negative errno: -EPERM without
 * CAP_NET_ADMIN, -EBUSY where another program uses the interface, -EEXIST where
 * it is no TUN device, -ENOENT without /dev/net/tun. */
int wr_tun_open(const char *name, unsigned queues, struct wr_tun **ret_tun) WR_MUST_CHECK;
/* Takes an open descriptor of a TUN device (WG_TUN_FD) as its only queue; it must
 * have been opened with IFF_NO_PI, which the kernel does not tell. 0, or a negative
 * errno: -EBADF where it is no TUN device, -EINVAL where it is a TAP; then the
 * descriptor stays open. */
int wr_tun_adopt(int fd, struct wr_tun **ret_tun) WR_MUST_CHECK;
/* Closes; NULL is fine. Returns NULL. */
struct wr_tun *wr_tun_free(struct wr_tun *tun);

/* The interface will outlive its descriptors: closing them no longer waits until it is gone
 * (some 30 ms), and its namespace takes it along when that ends. 0 or a negative errno. */
int wr_tun_leave_behind(const struct wr_tun *tun);
int wr_tun_set_mtu(const struct wr_tun *tun, uint32_t mtu) WR_MUST_CHECK;
int wr_tun_mtu(const struct wr_tun *tun, uint32_t *ret_mtu) WR_MUST_CHECK;
/* True if the interface is up; it may be in another network namespace by now, where
 * netlink does not see it. 0, or -ENODEV if it was deleted. */
int wr_tun_is_up(const struct wr_tun *tun, bool *ret_is_up) WR_MUST_CHECK;
