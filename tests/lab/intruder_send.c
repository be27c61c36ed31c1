#include "intruder_send.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/udp.h"
#include "zeroconf/discovery.h"

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t to_address(const struct wr_endpoint *to, union address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (to->ip.family == WR_IPV4) {
		ret->v4.sin_family = AF_INET;
		ret->v4.sin_port = htons(to->port);
		memcpy(&ret->v4.sin_addr, to->ip.bytes, 4);
		return sizeof(ret->v4);
	}
	ret->v6.sin6_family = AF_INET6;
	ret->v6.sin6_port = htons(to->port);
	ret->v6.sin6_scope_id = to->scope;
	memcpy(&ret->v6.sin6_addr, to->ip.bytes, 16);
	return sizeof(ret->v6);
}

/* --- Opening. --- */

static int prepare(int v4, int v6, uint32_t interface)
{
	struct ip_mreqn way = { .imr_ifindex = (int)interface };
	int index = (int)interface;

	if (v4 >= 0 && setsockopt(v4, IPPROTO_IP, IP_MULTICAST_IF, &way, sizeof(way)) < 0)
		return -errno;
	if (v6 >= 0 && setsockopt(v6, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof(index)) < 0)
		return -errno;
	return 0;
}

static int open_port(struct intruder_sender *sender, int at)
{
	struct wr_udp_sockets sockets;
	int status = wr_udp_open(0, 0, 1, &sockets);

	if (status < 0)
		return status;
	sender->v4[at] = sockets.v4[0];
	sender->v6[at] = sockets.v6[0];
	return prepare(sender->v4[at], sender->v6[at], sender->interface);
}

static int open_raw(struct intruder_sender *sender)
{
	sender->raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	return sender->raw < 0 ? -errno : prepare(sender->raw, -1, sender->interface);
}

int intruder_sender_open(struct intruder_sender *sender)
{
	int status = 0;

	memset(sender->v4, -1, sizeof(sender->v4));
	memset(sender->v6, -1, sizeof(sender->v6));
	sender->raw = -1;
	for (int i = 0; i < INTRUDER_PORTS && status == 0; i++)
		status = open_port(sender, i);
	if (status == 0 && sender->spoof.ip.family == WR_IPV4)
		status = open_raw(sender);
	if (status < 0)
		intruder_sender_close(sender);
	return status;
}

void intruder_sender_close(struct intruder_sender *sender)
{
	for (int i = 0; i < INTRUDER_PORTS; i++) {
		if (sender->v4[i] >= 0)
			close(sender->v4[i]);
		if (sender->v6[i] >= 0)
			close(sender->v6[i]);
	}
	if (sender->raw >= 0)
		close(sender->raw);
}

uint16_t intruder_sender_port(const struct intruder_sender *sender)
{
	union address address;
	socklen_t len = sizeof(address);

	return getsockname(sender->v4[0], &address.any, &len) < 0 ? 0 : ntohs(address.v4.sin_port);
}

/* --- Sending. --- */

static void count(struct intruder_sender *sender, ssize_t sent)
{
	if (sent < 0)
		sender->refused++;
	else
		sender->sent++;
}

/* The next address of the range, which is not its first. */
static uint32_t next_source(const struct intruder_sender *sender)
{
	uint64_t hosts = UINT64_C(1) << (32 - sender->spoof.length);
	uint32_t first;

	memcpy(&first, sender->spoof.ip.bytes, sizeof(first));
	return htonl(ntohl(first) + 1 + (uint32_t)(sender->sent % (hosts > 2 ? hosts - 2 : 1)));
}

/* The kernel fills in the checksum of IPv4; that of UDP may be left out. */
static void send_spoofed(struct intruder_sender *sender, const struct wr_endpoint *to,
			 struct wr_bytes datagram)
{
	struct {
		struct iphdr ip;
		struct udphdr udp;
		uint8_t bytes[1500];
	} packet = { 0 };
	size_t len = sizeof(packet.ip) + sizeof(packet.udp) + datagram.len;
	union address address;
	socklen_t address_len = to_address(to, &address);

	assert(datagram.len <= sizeof(packet.bytes));
	packet.ip = (struct iphdr){ .version = 4, .ihl = 5, .ttl = 1, .protocol = IPPROTO_UDP };
	packet.ip.tot_len = htons((uint16_t)len);
	packet.ip.saddr = next_source(sender);
	packet.ip.daddr = address.v4.sin_addr.s_addr;
	packet.udp.source = htons((uint16_t)(1024 + sender->sent % 60000));
	packet.udp.dest = htons(to->port);
	packet.udp.len = htons((uint16_t)(sizeof(packet.udp) + datagram.len));
	memcpy(packet.bytes, datagram.data, datagram.len);
	count(sender, sendto(sender->raw, &packet, len, 0, &address.any, address_len));
}

static void send_one(struct intruder_sender *sender, const struct wr_endpoint *to,
		     struct wr_bytes datagram)
{
	bool is_v4 = to->ip.family == WR_IPV4;
	int at = (int)(sender->sent % INTRUDER_PORTS);
	int fd = is_v4 ? sender->v4[at] : sender->v6[at];
	union address address;
	socklen_t len = to_address(to, &address);

	if (is_v4 && sender->raw >= 0)
		send_spoofed(sender, to, datagram);
	else
		count(sender, sendto(fd, datagram.data, datagram.len, 0, &address.any, len));
}

void intruder_send(struct intruder_sender *sender, struct wr_bytes datagram)
{
	static const char *const groups[] = { WR_DISCOVERY_GROUP4, WR_DISCOVERY_GROUP6 };

	if (sender->to.ip.family != WR_FAMILY_NONE) {
		send_one(sender, &sender->to, datagram);
		return;
	}
	for (size_t i = 0; i < WR_ARRAY_LEN(groups); i++) {
		struct wr_endpoint to = { .port = WR_DISCOVERY_PORT, .scope = sender->interface };

		if (wr_ip_parse(groups[i], strlen(groups[i]), &to.ip))
			send_one(sender, &to, datagram);
	}
}
