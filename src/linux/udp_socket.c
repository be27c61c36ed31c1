/* Sockets of one port: how they are opened, and with which options. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "linux/udp.h"

/* As wireguard-go (conn/controlfns.go): 7 MiB, what its authors found a fast
 * path with a long round trip to need. */
#define BUFFER_BYTES (7 << 20)

/* Sending waits for room, so that TCP inside the tunnel is slowed down rather
 * than cut; but not for ever, for a device may have stopped. */
#define SEND_PATIENCE_US 100000

/* How often a port is drawn that must be free for both families. As
 * wireguard-go (conn/bind_std.go). */
#define PORT_TRIES 100

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static int set_option(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* Beyond the system's limit where CAP_NET_ADMIN allows it, else up to it. */
static void set_buffer(int fd, int force_name, int name)
{
	if (set_option(fd, SOL_SOCKET, force_name, BUFFER_BYTES) < 0)
		(void)set_option(fd, SOL_SOCKET, name, BUFFER_BYTES);
}

/* What makes it faster, where the kernel has it. */
static void set_wishes(int fd)
{
	struct timeval patience = { .tv_usec = SEND_PATIENCE_US };

	set_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF);
	set_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	(void)set_option(fd, IPPROTO_UDP, UDP_GRO, 1);
}

struct option {
	int level, name, value;
};

static const struct option options_v4[] = {
	{ IPPROTO_IP, IP_PKTINFO, 1 },
	{ IPPROTO_IP, IP_RECVTOS, 1 },
	{ IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT },
};

static const struct option options_v6[] = {
	{ IPPROTO_IPV6, IPV6_V6ONLY, 1 },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 1 },
	{ IPPROTO_IPV6, IPV6_RECVTCLASS, 1 },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT },
	{ IPPROTO_IPV6, IPV6_DONTFRAG, 0 },
};

static int set_options(int fd, const struct option *options, size_t count)
{
	int status = 0;

	for (size_t i = 0; i < count && status == 0; i++)
		status = set_option(fd, options[i].level, options[i].name, options[i].value);
	return status;
}

static int set_needs(int fd, sa_family_t family, uint32_t mark)
{
	if (mark && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		return -errno;
	if (family == AF_INET)
		return set_options(fd, options_v4, WR_ARRAY_LEN(options_v4));
	return set_options(fd, options_v6, WR_ARRAY_LEN(options_v6));
}

static int bind_any(int fd, sa_family_t family, uint16_t port)
{
	union address any;
	socklen_t len = family == AF_INET ? sizeof(any.v4) : sizeof(any.v6);

	memset(&any, 0, sizeof(any));
	any.any.sa_family = family;
	if (family == AF_INET)
		any.v4.sin_port = htons(port);
	else
		any.v6.sin6_port = htons(port);
	return bind(fd, &any.any, len) < 0 ? -errno : 0;
}

static int bound_port(int fd, uint16_t *ret_port)
{
	union address any;
	socklen_t len = sizeof(any);

	if (getsockname(fd, &any.any, &len) < 0)
		return -errno;
	*ret_port = ntohs(any.any.sa_family == AF_INET ? any.v4.sin_port : any.v6.sin6_port);
	return 0;
}

/* SO_REUSEPORT would share the port with any other program of this user that
 * sets it too. So the first socket is bound without it, which fails if the port
 * is in use at all, and lets the others of its group in afterwards. */
static int bind_in_group(int fd, sa_family_t family, uint16_t port, bool is_first)
{
	int status = is_first ? 0 : set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);

	if (status == 0)
		status = bind_any(fd, family, port);
	if (status == 0 && is_first)
		status = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	return status;
}

/* A bound socket, or a negative errno. */
static int open_socket(sa_family_t family, uint16_t port, uint32_t mark, bool is_first)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int status;

	if (fd < 0)
		return -errno;
	set_wishes(fd);
	status = set_needs(fd, family, mark);
	if (status == 0)
		status = bind_in_group(fd, family, port, is_first);
	if (status < 0) {
		close(fd);
		return status;
	}
	return fd;
}

static void close_all(int *fds, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

/* True if the machine has no such family: built without, or switched off. */
static bool is_family_missing(int status)
{
	return status == -EAFNOSUPPORT || status == -EADDRNOTAVAIL;
}

/* All sockets of one family on *port, which is set if it was 0. 0 where the
 * family is missing: then all are -1. */
static int open_family(sa_family_t family, uint16_t *port, uint32_t mark, unsigned count, int *fds)
{
	int status = 0;

	for (unsigned i = 0; i < count; i++) {
		fds[i] = open_socket(family, *port, mark, i == 0);
		status = fds[i];
		if (status >= 0 && i == 0)
			status = bound_port(fds[0], port);
		if (status < 0)
			break;
	}
	if (status >= 0)
		return 0;
	close_all(fds, count);
	return is_family_missing(status) ? 0 : status;
}

static int open_both(uint16_t port, uint32_t mark, unsigned count, struct wr_udp_sockets *sockets)
{
	int status = open_family(AF_INET, &port, mark, count, sockets->v4);

	if (status == 0)
		status = open_family(AF_INET6, &port, mark, count, sockets->v6);
	if (status == 0 && sockets->v4[0] < 0 && sockets->v6[0] < 0)
		status = -EAFNOSUPPORT;
	if (status < 0)
		wr_udp_close(sockets);
	sockets->port = port;
	return status;
}

static bool can_segment(const struct wr_udp_sockets *sockets)
{
	int size;
	socklen_t len = sizeof(size);
	int fd = sockets->v4[0] >= 0 ? sockets->v4[0] : sockets->v6[0];

	return getsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, &len) == 0;
}

static void clear(struct wr_udp_sockets *sockets, unsigned count)
{
	memset(sockets, 0, sizeof(*sockets));
	memset(sockets->v4, -1, sizeof(sockets->v4));
	memset(sockets->v6, -1, sizeof(sockets->v6));
	sockets->count = count;
}

int wr_udp_open(uint16_t port, uint32_t mark, unsigned count, struct wr_udp_sockets *ret_sockets)
{
	struct wr_udp_sockets sockets;
	int status = -EADDRINUSE;

	assert(count >= 1 && count <= WR_UDP_MAX_WORKERS);
	clear(&sockets, count);
	for (int i = 0; i < (port ? 1 : PORT_TRIES) && status == -EADDRINUSE; i++)
		status = open_both(port, mark, count, &sockets);
	if (status < 0)
		return status;

	sockets.has_segment = can_segment(&sockets);
	*ret_sockets = sockets;
	return 0;
}

void wr_udp_close(struct wr_udp_sockets *sockets)
{
	close_all(sockets->v4, sockets->count);
	close_all(sockets->v6, sockets->count);
	sockets->port = 0;
}

static int set_mark(const int *fds, unsigned count, uint32_t mark)
{
	for (unsigned i = 0; i < count; i++) {
		if (fds[i] >= 0 && setsockopt(fds[i], SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
			return -errno;
	}
	return 0;
}

static bool is_bound(int fd, uint16_t port)
{
	union address name = { .any.sa_family = AF_UNSPEC };
	socklen_t len = sizeof(name);
	struct pollfd poll_fd = { .fd = fd, .events = POLLRDHUP };

	if (fd < 0)
		return true;
	if (poll(&poll_fd, 1, 0) < 0 || (poll_fd.revents & (POLLNVAL | POLLHUP | POLLRDHUP)) ||
	    getsockname(fd, &name.any, &len) < 0)
		return false;
	return ntohs(name.any.sa_family == AF_INET ? name.v4.sin_port : name.v6.sin6_port) == port;
}

bool wr_udp_is_open(const struct wr_udp_sockets *sockets)
{
	for (unsigned i = 0; i < sockets->count; i++)
		if (!is_bound(sockets->v4[i], sockets->port) ||
		    !is_bound(sockets->v6[i], sockets->port))
			return false;
	return sockets->count > 0;
}

int wr_udp_set_mark(const struct wr_udp_sockets *sockets, uint32_t mark)
{
	int status = set_mark(sockets->v4, sockets->count, mark);

	return status < 0 ? status : set_mark(sockets->v6, sockets->count, mark);
}
