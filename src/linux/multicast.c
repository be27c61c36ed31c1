/* Sockets, one an interface and family: a socket joins no more than 20 IPv4 groups
 * (net.ipv4.igmp_max_memberships). They are bound to the group itself, so they share the port with
 * whatever is bound to it at an address of this host, and hear no unicast. */
#include "linux/multicast.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Not in <netinet/in.h> of glibc 2.36: linux/in6.h. */
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t to_address(const struct wr_endpoint *group, union address *ret_address)
{
	memset(ret_address, 0, sizeof(*ret_address));
	if (group->ip.family == WR_IPV4) {
		ret_address->v4.sin_family = AF_INET;
		ret_address->v4.sin_port = htons(group->port);
		memcpy(&ret_address->v4.sin_addr, group->ip.bytes, 4);
		return sizeof(ret_address->v4);
	}
	ret_address->v6.sin6_family = AF_INET6;
	ret_address->v6.sin6_port = htons(group->port);
	ret_address->v6.sin6_scope_id = group->interface;
	memcpy(&ret_address->v6.sin6_addr, group->ip.bytes, 16);
	return sizeof(ret_address->v6);
}

struct option {
	int level, name, value;
};

static const struct option options_v4[] = {
	{ SOL_SOCKET, SO_REUSEADDR, 1 },
	{ IPPROTO_IP, IP_PKTINFO, 1 },
	{ IPPROTO_IP, IP_MULTICAST_TTL, 1 },
	{ IPPROTO_IP, IP_MULTICAST_LOOP, 1 },
	/* Else it also hears what other sockets of this host have joined. */
	{ IPPROTO_IP, IP_MULTICAST_ALL, 0 },
};

static const struct option options_v6[] = {
	{ SOL_SOCKET, SO_REUSEADDR, 1 },          { IPPROTO_IPV6, IPV6_V6ONLY, 1 },
	{ IPPROTO_IPV6, IPV6_RECVPKTINFO, 1 },    { IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1 },
	{ IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1 }, { IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0 },
};

static int set_options(int fd, const struct option *options, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			       sizeof(options[i].value)) < 0)
			return -errno;
	}
	return 0;
}

static int join_v4(int fd, const union address *address, uint32_t link)
{
	struct ip_mreqn membership = {
		.imr_multiaddr = address->v4.sin_addr,
		.imr_ifindex = (int)link,
	};
	struct ip_mreqn way = { .imr_ifindex = (int)link };

	if (setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &membership, sizeof(membership)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &way, sizeof(way)) < 0)
		return -errno;
	return 0;
}

static int join_v6(int fd, const union address *address, uint32_t link)
{
	struct ipv6_mreq membership = {
		.ipv6mr_multiaddr = address->v6.sin6_addr,
		.ipv6mr_interface = link,
	};
	int way = (int)link;

	if (setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &membership, sizeof(membership)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &way, sizeof(way)) < 0)
		return -errno;
	return 0;
}

static int prepare(int fd, const struct wr_endpoint *group)
{
	bool is_v4 = group->ip.family == WR_IPV4;
	union address address;
	socklen_t len = to_address(group, &address);
	int status = is_v4 ? set_options(fd, options_v4, WR_ARRAY_LEN(options_v4))
			   : set_options(fd, options_v6, WR_ARRAY_LEN(options_v6));

	if (status == 0 && bind(fd, &address.any, len) < 0)
		status = -errno;
	if (status < 0)
		return status;
	return is_v4 ? join_v4(fd, &address, group->interface)
		     : join_v6(fd, &address, group->interface);
}

int wr_multicast_open(const struct wr_endpoint *group, int *ret_fd)
{
	int fd = socket(group->ip.family == WR_IPV4 ? AF_INET : AF_INET6,
			SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int status;

	if (fd < 0)
		return -errno;
	status = prepare(fd, group);
	if (status < 0) {
		close(fd);
		return status;
	}
	*ret_fd = fd;
	return 0;
}

int wr_multicast_send(int fd, const struct wr_endpoint *group, struct wr_bytes datagram)
{
	union address address;
	socklen_t len = to_address(group, &address);

	return sendto(fd, datagram.data, datagram.len, MSG_DONTWAIT, &address.any, len) < 0 ? -errno
											    : 0;
}
