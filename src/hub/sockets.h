/* Addresses of sockets as values.
 *
 * Floor 7, for this folder only. */
#pragma once

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/ip.h"

/* Family none for what is neither IPv4 nor IPv6. */
static inline struct wr_ip wr_ip_of_socket(const struct sockaddr *address)
{
	struct wr_ip ip = { 0 };

	if (address->sa_family == AF_INET) {
		ip.family = WR_IPV4;
		memcpy(ip.bytes, &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		ip.family = WR_IPV6;
		memcpy(ip.bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
		       16);
	}
	return ip;
}

/* *ret_len is the length of what was written. */
static inline void wr_ip_to_socket(const struct wr_ip *ip, uint16_t port,
				   struct sockaddr_storage *ret_address, socklen_t *ret_len)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memcpy(&v4.sin_addr, ip->bytes, sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, ip->bytes, sizeof(v6.sin6_addr));
	*ret_len = ip->family == WR_IPV4 ? sizeof(v4) : sizeof(v6);
	if (ip->family == WR_IPV4)
		memcpy(ret_address, &v4, sizeof(v4));
	else
		memcpy(ret_address, &v6, sizeof(v6));
}
