#include "mesh/paths_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* At once; then others have their turn. */
#define BATCH 64

static int at_of(enum wr_family family)
{
	return family == WR_IPV6;
}

static socklen_t to_socket(const struct wr_ip *ip, uint16_t port,
			   struct sockaddr_storage *ret_address)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memcpy(&v4.sin_addr, ip->bytes, sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, ip->bytes, sizeof(v6.sin6_addr));
	memset(ret_address, 0, sizeof(*ret_address));
	if (ip->family == WR_IPV4)
		memcpy(ret_address, &v4, sizeof(v4));
	else
		memcpy(ret_address, &v6, sizeof(v6));
	return ip->family == WR_IPV4 ? sizeof(v4) : sizeof(v6);
}

/* Only what another member sent from its own socket. */
static bool from_socket(const struct sockaddr_storage *address, uint16_t port, struct wr_ip *ret_ip)
{
	const void *any = address;
	const struct sockaddr_in *v4 = any;
	const struct sockaddr_in6 *v6 = any;

	*ret_ip = (struct wr_ip){ 0 };
	if (address->ss_family == AF_INET) {
		ret_ip->family = WR_IPV4;
		memcpy(ret_ip->bytes, &v4->sin_addr, 4);
		return ntohs(v4->sin_port) == port;
	}
	ret_ip->family = WR_IPV6;
	memcpy(ret_ip->bytes, &v6->sin6_addr, 16);
	return address->ss_family == AF_INET6 && ntohs(v6->sin6_port) == port;
}

/* --- Receiving. --- */

static uint32_t interface_of(struct msghdr *message)
{
	for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control;
	     control = CMSG_NXTHDR(message, control)) {
		if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(control), sizeof(info));
			return (uint32_t)info.ipi_ifindex;
		}
		if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(control), sizeof(info));
			return info.ipi6_ifindex;
		}
	}
	return 0;
}

/* False if there is nothing more. */
static bool receive_one(struct wr_paths_socket *socket, int fd)
{
	uint8_t data[WR_PATHS_SOCKET_MAX];
	_Alignas(struct cmsghdr) uint8_t control[128];
	struct sockaddr_storage address = { 0 };
	struct iovec part = { data, sizeof(data) };
	struct msghdr message = {
		.msg_name = &address,
		.msg_namelen = sizeof(address),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t len = recvmsg(fd, &message, MSG_DONTWAIT);
	struct wr_ip from;

	if (len < 0)
		return errno == EINTR;
	if (interface_of(&message) == socket->interface &&
	    from_socket(&address, socket->port, &from))
		socket->received(socket->context, &from, (struct wr_bytes){ data, (size_t)len });
	return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct wr_paths_socket *socket = poll->data;
	uv_os_fd_t fd;

	(void)events;
	if (status < 0 || uv_fileno((uv_handle_t *)poll, &fd) < 0)
		return;
	for (int i = 0; i < BATCH && receive_one(socket, fd); i++)
		;
}

/* --- Opening and closing. --- */

void wr_paths_socket_init(struct wr_paths_socket *socket, uv_loop_t *loop, uint16_t port,
			  void (*received)(void *context, const struct wr_ip *from,
					   struct wr_bytes datagram),
			  void *context)
{
	*socket = (struct wr_paths_socket){
		.loop = loop,
		.port = port,
		.received = received,
		.context = context,
	};
}

static int set(int fd, int level, int option)
{
	int on = 1;

	return setsockopt(fd, level, option, &on, sizeof(on)) < 0 ? -errno : 0;
}

/* Bound to an address that may come later (the reconciler's). */
static int prepare(int fd, const struct wr_ip *own, uint16_t port)
{
	struct sockaddr_storage address;
	socklen_t len = to_socket(own, port, &address);
	bool is_v4 = own->family == WR_IPV4;
	int status = is_v4 ? set(fd, IPPROTO_IP, IP_PKTINFO)
			   : set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);

	if (status == 0)
		status = is_v4 ? set(fd, IPPROTO_IP, IP_FREEBIND)
			       : set(fd, IPPROTO_IPV6, IPV6_FREEBIND);
	if (status == 0 && !is_v4)
		status = set(fd, IPPROTO_IPV6, IPV6_V6ONLY);
	if (status == 0 && bind(fd, (const struct sockaddr *)&address, len) < 0)
		status = -errno;
	return status;
}

static int make(const struct wr_ip *own, uint16_t port, int *ret_fd)
{
	int domain = own->family == WR_IPV4 ? AF_INET : AF_INET6;
	int fd = socket(domain, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int status;

	if (fd < 0)
		return -errno;
	status = prepare(fd, own, port);
	if (status < 0)
		close(fd);
	else
		*ret_fd = fd;
	return status;
}

static void on_closed(uv_handle_t *handle)
{
	free(handle);
}

static void close_family(struct wr_paths_socket *socket, int at)
{
	uv_poll_t *poll = WR_TAKE(socket->families[at].poll);

	socket->families[at].own = (struct wr_ip){ 0 };
	if (!poll)
		return;
	uv_poll_stop(poll);
	close(socket->families[at].fd);
	uv_close((uv_handle_t *)poll, on_closed);
}

static int watch(struct wr_paths_socket *socket, int at, int fd)
{
	uv_poll_t *poll = calloc(1, sizeof(*poll));
	int status = poll ? uv_poll_init(socket->loop, poll, fd) : -ENOMEM;

	if (status < 0) {
		free(poll);
		close(fd);
		return status;
	}
	poll->data = socket;
	socket->families[at].poll = poll;
	socket->families[at].fd = fd;
	return uv_poll_start(poll, UV_READABLE, on_readable);
}

static int open_family(struct wr_paths_socket *socket, int at, const struct wr_ip *own)
{
	int status, fd = -1;

	if (wr_ip_equal(&socket->families[at].own, own))
		return 0;
	close_family(socket, at);
	if (own->family == WR_FAMILY_NONE)
		return 0;
	status = make(own, socket->port, &fd);
	if (status == 0)
		status = watch(socket, at, fd);
	if (status == 0)
		socket->families[at].own = *own;
	return status;
}

int wr_paths_socket_open(struct wr_paths_socket *socket, const struct wr_ip *v4,
			 const struct wr_ip *v6, uint32_t interface)
{
	int first = open_family(socket, 0, v4);
	int second = open_family(socket, 1, v6);

	socket->interface = interface;
	return first < 0 ? first : second;
}

void wr_paths_socket_close(struct wr_paths_socket *socket)
{
	close_family(socket, 0);
	close_family(socket, 1);
}

int wr_paths_socket_send(struct wr_paths_socket *socket, const struct wr_ip *to,
			 struct wr_bytes datagram)
{
	struct sockaddr_storage address;
	socklen_t len = to_socket(to, socket->port, &address);
	int at = at_of(to->family);

	if (!socket->families[at].poll)
		return -EAFNOSUPPORT;
	if (sendto(socket->families[at].fd, datagram.data, datagram.len, MSG_DONTWAIT,
		   (const struct sockaddr *)&address, len) < 0)
		return -errno;
	return 0;
}
