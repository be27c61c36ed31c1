#include "http/address.h"

#include <netinet/in.h>
#include <string.h>

struct wr_ip wr_address_ip(const struct sockaddr_storage *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;
	struct wr_ip ip = { .family = WR_FAMILY_NONE };

	if (address->ss_family == AF_INET) {
		ip.family = WR_IPV4;
		memcpy(ip.bytes, &in4->sin_addr, 4);
	} else if (address->ss_family == AF_INET6 &&
		   memcmp(&in6->sin6_addr, mapped, sizeof(mapped)) == 0) {
		ip.family = WR_IPV4;
		memcpy(ip.bytes, (const uint8_t *)&in6->sin6_addr + 12, 4);
	} else if (address->ss_family == AF_INET6) {
		ip.family = WR_IPV6;
		memcpy(ip.bytes, &in6->sin6_addr, 16);
	}
	return ip;
}
