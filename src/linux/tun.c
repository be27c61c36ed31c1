#include "linux/tun.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/link.h"

#define DEVICE "/dev/net/tun"

/* Linux 6.2, include/uapi/linux/if_tun.h; Debian 12's headers are older. */
#ifndef TUN_F_USO4
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

#define OFFLOADS_TCP (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6)
#define OFFLOADS_UDP (TUN_F_USO4 | TUN_F_USO6)

static_assert(WR_TUN_HEADER_LEN == 10, "the kernel's default, TUNSETVNETHDRSZ");

static void wr_tun_freep(struct wr_tun **tun)
{
	*tun = wr_tun_free(*tun);
}

static struct wr_tun *tun_new(void)
{
	struct wr_tun *tun = calloc(1, sizeof(*tun));

	if (tun)
		memset(tun->queues, -1, sizeof(tun->queues));
	return tun;
}

struct wr_tun *wr_tun_free(struct wr_tun *tun)
{
	if (!tun)
		return NULL;
	for (unsigned i = 0; i < tun->queue_count; i++)
		close(tun->queues[i]);
	free(tun);
	return NULL;
}

/* Opens one more queue, of the interface called tun->name, which the kernel may
 * change (a %d in it). */
static int add_queue(struct wr_tun *tun, int flags)
{
	struct ifreq request = { .ifr_flags = (short)flags };
	int fd = open(DEVICE, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	int status = 0;

	if (fd < 0)
		return -errno;
	memcpy(request.ifr_name, tun->name, sizeof(tun->name));
	if (ioctl(fd, TUNSETIFF, &request) < 0) {
		status = -errno;
		close(fd);
		return status;
	}
	memcpy(tun->name, request.ifr_name, sizeof(tun->name));
	tun->queues[tun->queue_count++] = fd;
	return 0;
}

#define FLAGS (IFF_TUN | IFF_NO_PI | IFF_VNET_HDR)

/* Someone made an interface of this name before: a persistent TUN device may be
 * used. One with a single queue lets only one program in; one with several lets
 * in whoever asks, so look first. */
static int add_queue_of_existing(struct wr_tun *tun, int *flags)
{
	bool is_held;
	int status;

	*flags &= ~IFF_MULTI_QUEUE;
	status = add_queue(tun, *flags);
	if (status != -EINVAL)
		return status;
	status = wr_link_is_tun_held(tun->name, &is_held);
	if (status < 0)
		return status;
	if (is_held)
		return -EBUSY;
	*flags |= IFF_MULTI_QUEUE;
	status = add_queue(tun, *flags);
	return status == -EINVAL ? -EEXIST : status;
}

static int add_queues(struct wr_tun *tun, unsigned queues)
{
	int flags = queues > 1 ? FLAGS | IFF_MULTI_QUEUE : FLAGS;
	int status = add_queue(tun, flags | IFF_TUN_EXCL);

	if (status == -EBUSY)
		status = add_queue_of_existing(tun, &flags);
	while (status == 0 && flags & IFF_MULTI_QUEUE && tun->queue_count < queues)
		status = add_queue(tun, flags);
	return status;
}

/* Lets the kernel hand over packets of up to 64 KiB, to be segmented here. */
static int set_offloads(struct wr_tun *tun)
{
	tun->has_udp_offload = ioctl(tun->queues[0], TUNSETOFFLOAD, OFFLOADS_TCP | OFFLOADS_UDP) ==
			       0;
	if (!tun->has_udp_offload && ioctl(tun->queues[0], TUNSETOFFLOAD, OFFLOADS_TCP) < 0)
		return -errno;
	tun->has_offload = true;
	return 0;
}

/* Asks the kernel something about the interface, by its name. */
static int ask(const struct wr_tun *tun, unsigned long what, struct ifreq *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int status;

	/* A kernel without IPv4 answers the same on any other socket. */
	if (fd < 0)
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	memcpy(request->ifr_name, tun->name, sizeof(tun->name));
	status = ioctl(fd, what, request) < 0 ? -errno : 0;
	close(fd);
	return status;
}

static int set_index(struct wr_tun *tun)
{
	struct ifreq request = { 0 };
	int status = ask(tun, SIOCGIFINDEX, &request);

	if (status == 0)
		tun->index = (uint32_t)request.ifr_ifindex;
	return status;
}

/* Packets that wait while the worker is at others, or without a CPU: the kernel's 500 run over
 * at 250,000 small packets a second on two busy cores, 2,000 at 300,000. Where the way out is slow
 * they wait further down, so a longer queue here makes no one wait longer. */
static void set_queue_len(struct wr_tun *tun)
{
	struct ifreq request = { .ifr_qlen = 2000 };

	(void)ask(tun, SIOCSIFTXQLEN, &request);
}

int wr_tun_open(const char *name, unsigned queues, struct wr_tun **ret_tun)
{
	WR_AUTO(wr_tun_freep) struct wr_tun *tun = tun_new();
	int status;

	assert(queues >= 1 && queues <= WR_TUN_MAX_QUEUES);
	if (!tun)
		return -ENOMEM;
	if (strlen(name) >= sizeof(tun->name))
		return -ENAMETOOLONG;
	memcpy(tun->name, name, strlen(name));
	status = add_queues(tun, queues);
	if (status == 0)
		status = set_offloads(tun);
	if (status == 0)
		status = set_index(tun);
	if (status < 0)
		return status;
	set_queue_len(tun);

	*ret_tun = WR_TAKE(tun);
	return 0;
}

/* Reads what kind of device the descriptor is, and makes it as ours are. */
static int adopt(struct wr_tun *tun, int fd)
{
	int header_len = WR_TUN_HEADER_LEN;
	int status_flags = fcntl(fd, F_GETFL);
	struct ifreq request = { 0 };

	if (status_flags < 0)
		return -errno;
	if (ioctl(fd, TUNGETIFF, &request) < 0)
		return -EBADF;
	if (!(request.ifr_flags & IFF_TUN))
		return -EINVAL;
	if (fcntl(fd, F_SETFL, status_flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	memcpy(tun->name, request.ifr_name, sizeof(tun->name));
	tun->queues[0] = fd;
	if (!(request.ifr_flags & IFF_VNET_HDR))
		return 0;
	if (ioctl(fd, TUNSETVNETHDRSZ, &header_len) < 0)
		return -errno;
	return set_offloads(tun);
}

int wr_tun_adopt(int fd, struct wr_tun **ret_tun)
{
	WR_AUTO(wr_tun_freep) struct wr_tun *tun = tun_new();
	int status;

	if (!tun)
		return -ENOMEM;
	status = adopt(tun, fd);
	if (status == 0)
		status = set_index(tun);
	if (status < 0)
		return status;

	tun->queue_count = 1;
	*ret_tun = WR_TAKE(tun);
	return 0;
}

int wr_tun_leave_behind(const struct wr_tun *tun)
{
	return ioctl(tun->queues[0], TUNSETPERSIST, 1) < 0 ? -errno : 0;
}

int wr_tun_set_mtu(const struct wr_tun *tun, uint32_t mtu)
{
	struct ifreq request = { .ifr_mtu = (int)mtu };

	return ask(tun, SIOCSIFMTU, &request);
}

int wr_tun_mtu(const struct wr_tun *tun, uint32_t *ret_mtu)
{
	struct ifreq request = { 0 };
	int status = ask(tun, SIOCGIFMTU, &request);

	if (status == 0)
		*ret_mtu = (uint32_t)request.ifr_mtu;
	return status;
}

/* drivers/net/tun.c, tun_chr_poll(): writable only while it is up, and an error
 * once it is gone. */
int wr_tun_is_up(const struct wr_tun *tun, bool *ret_is_up)
{
	struct pollfd queue = { .fd = tun->queues[0], .events = POLLOUT };

	if (poll(&queue, 1, 0) < 0)
		return -errno;
	if (queue.revents & POLLERR)
		return -ENODEV;
	*ret_is_up = (queue.revents & POLLOUT) != 0;
	return 0;
}
