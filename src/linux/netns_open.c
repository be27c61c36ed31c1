/* What is opened in a namespace. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/netns.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void wr_tun_freep(struct wr_tun **tun)
{
	*tun = wr_tun_free(*tun);
}

static int open_tun(const char *name, uint32_t mtu, struct wr_tun **ret_tun)
{
	WR_AUTO(wr_tun_freep) struct wr_tun *tun = NULL;
	int status = wr_tun_open(name, 1, &tun);

	if (status == 0)
		status = wr_tun_set_mtu(tun, mtu);
	if (status < 0)
		return status;
	*ret_tun = WR_TAKE(tun);
	return 0;
}

int wr_netns_open_tun(const struct wr_netns *netns, const char *name, uint32_t mtu,
		      struct wr_tun **ret_tun)
{
	struct wr_netns_visit visit;
	int status = wr_netns_enter(netns, &visit);

	if (status < 0)
		return status;
	status = open_tun(name, mtu, ret_tun);
	wr_netns_leave(&visit);
	return status;
}

static int open_socket(enum wr_family family, int type, int *ret_fd)
{
	int fd = socket(family == WR_IPV4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int wr_netns_socket(const struct wr_netns *netns, enum wr_family family, int type, int *ret_fd)
{
	struct wr_netns_visit visit;
	int status = wr_netns_enter(netns, &visit);

	if (status < 0)
		return status;
	status = open_socket(family, type, ret_fd);
	wr_netns_leave(&visit);
	return status;
}

static int bind_to(int fd, const struct wr_ip *ip, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int status;

	memcpy(&v4.sin_addr, ip->bytes, sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, ip->bytes, sizeof(v6.sin6_addr));
	if (ip->family == WR_IPV4)
		status = bind(fd, (const struct sockaddr *)&v4, sizeof(v4));
	else
		status = bind(fd, (const struct sockaddr *)&v6, sizeof(v6));
	return status < 0 ? -errno : 0;
}

int wr_netns_bind(const struct wr_netns *netns, int type, const struct wr_ip *ip, uint16_t port,
		  int *ret_fd)
{
	WR_AUTO(close_fd) int fd = -1;
	int yes = 1;
	int status = wr_netns_socket(netns, ip->family, type, &fd);

	if (status < 0)
		return status;
	/* A stream socket that comes after one of a minute ago; connections of that linger. */
	if (type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0)
		return -errno;
	status = bind_to(fd, ip, port);
	if (status < 0)
		return status;
	*ret_fd = fd;
	fd = -1;
	return 0;
}
