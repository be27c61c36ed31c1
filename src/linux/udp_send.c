/* Sending: a batch of bursts with one system call, and what is done with those
 * that the kernel does not take as they are. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include "linux/udp.h"

/* UDP_SEGMENT, the class, and the larger PKTINFO. */
#define CONTROL_LEN \
	(CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(int)) + \
	 CMSG_SPACE(sizeof(struct in6_pktinfo)))

/* Where a burst goes and how: what its datagrams have in common. */
struct envelope {
	union {
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} to;
	socklen_t to_len;
	uint32_t control_len;
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_LEN];
};

static void write_address(struct envelope *envelope, const struct wr_endpoint *remote)
{
	if (remote->ip.family == WR_IPV4) {
		envelope->to.v4 = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_port = htons(remote->port),
		};
		memcpy(&envelope->to.v4.sin_addr, remote->ip.bytes, 4);
		envelope->to_len = sizeof(envelope->to.v4);
	} else {
		envelope->to.v6 = (struct sockaddr_in6){
			.sin6_family = AF_INET6,
			.sin6_port = htons(remote->port),
			.sin6_scope_id = remote->scope,
		};
		memcpy(&envelope->to.v6.sin6_addr, remote->ip.bytes, 16);
		envelope->to_len = sizeof(envelope->to.v6);
	}
}

static void append(struct envelope *envelope, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *control = (void *)(envelope->control + envelope->control_len);

	control->cmsg_level = level;
	control->cmsg_type = type;
	control->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(control), data, len);
	envelope->control_len += (uint32_t)CMSG_SPACE(len);
	assert(envelope->control_len <= sizeof(envelope->control));
}

static bool is_link_local(const struct wr_ip *ip)
{
	return ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

/* The source address only, not the interface: routes (and rules that look at
 * the source) go on deciding the way out, as in the kernel's WireGuard. A
 * link-local source means nothing without its interface. */
static void append_local(struct envelope *envelope, const struct wr_endpoint *remote)
{
	struct in_pktinfo v4 = { 0 };
	struct in6_pktinfo v6 = { 0 };

	if (remote->local.family == WR_IPV4) {
		memcpy(&v4.ipi_spec_dst, remote->local.bytes, 4);
		append(envelope, IPPROTO_IP, IP_PKTINFO, &v4, sizeof(v4));
	} else if (remote->local.family == WR_IPV6) {
		memcpy(&v6.ipi6_addr, remote->local.bytes, 16);
		if (is_link_local(&remote->local))
			v6.ipi6_ifindex = remote->interface;
		append(envelope, IPPROTO_IPV6, IPV6_PKTINFO, &v6, sizeof(v6));
	}
}

static void append_ecn(struct envelope *envelope, const struct wr_udp_burst *burst)
{
	int ecn = burst->tos & 3;

	if (ecn == 0)
		return;
	if (burst->remote.ip.family == WR_IPV4)
		append(envelope, IPPROTO_IP, IP_TOS, &ecn, sizeof(ecn));
	else
		append(envelope, IPPROTO_IPV6, IPV6_TCLASS, &ecn, sizeof(ecn));
}

static void address(struct envelope *envelope, const struct wr_udp_burst *burst, bool with_local)
{
	envelope->control_len = 0;
	write_address(envelope, &burst->remote);
	if (with_local)
		append_local(envelope, &burst->remote);
	append_ecn(envelope, burst);
}

static void append_segment(struct envelope *envelope, const struct wr_udp_burst *burst)
{
	uint16_t segment = (uint16_t)burst->segment;

	if (burst->segment < burst->len)
		append(envelope, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment));
}

static void fill(struct mmsghdr *message, struct iovec *part, struct envelope *envelope)
{
	message->msg_hdr = (struct msghdr){
		.msg_name = &envelope->to,
		.msg_namelen = envelope->to_len,
		.msg_iov = part,
		.msg_iovlen = 1,
		.msg_control = envelope->control_len ? envelope->control : NULL,
		.msg_controllen = envelope->control_len,
	};
}

static unsigned datagrams(const struct wr_udp_burst *burst)
{
	return burst->len ? (burst->len + burst->segment - 1) / burst->segment : 1;
}

/* sendmmsg() whose first message is worth waiting for: number sent, at least
 * one, or a negative errno about the first. */
static int send_messages(int fd, struct mmsghdr *messages, unsigned count)
{
	int sent;

	do
		sent = sendmmsg(fd, messages, count, 0);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

/* The source address is not ours any more, or has no route to there. */
static bool is_about_local(int error)
{
	return error == -EINVAL || error == -ENETUNREACH || error == -EHOSTUNREACH ||
	       error == -EADDRNOTAVAIL || error == -ENODEV;
}

/* What Linux answers where UDP_SEGMENT cannot be done: a segment above the MTU
 * (EINVAL, EMSGSIZE since 6.14), no checksum offload or IPsec on the way (EIO). */
static bool is_about_segment(int error)
{
	return error == -EINVAL || error == -EMSGSIZE || error == -EIO;
}

/* A burst that goes a datagram at a time. */
struct singles {
	unsigned count;
	struct iovec parts[WR_UDP_MAX_SEGMENTS];
	struct mmsghdr messages[WR_UDP_MAX_SEGMENTS];
	struct envelope envelope;
};

static void divide(struct singles *singles, const struct wr_udp_burst *burst)
{
	uint32_t at = 0;

	singles->count = datagrams(burst);
	assert(singles->count <= WR_UDP_MAX_SEGMENTS);
	for (unsigned i = 0; i < singles->count; i++) {
		uint32_t left = burst->len - at;
		uint32_t len = left < burst->segment ? left : burst->segment;

		singles->parts[i] = (struct iovec){ burst->data + at, len };
		at += len;
	}
}

static void address_singles(struct singles *singles, const struct wr_udp_burst *burst,
			    bool with_local)
{
	address(&singles->envelope, burst, with_local);
	for (unsigned i = 0; i < singles->count; i++)
		fill(&singles->messages[i], &singles->parts[i], &singles->envelope);
}

/* Returns the last error, 0 if all went. */
static int send_singly(int fd, const struct wr_udp_burst *burst, unsigned *dropped)
{
	bool with_local = burst->remote.local.family != WR_FAMILY_NONE;
	struct singles singles;
	unsigned at = 0;
	int status = 0;

	divide(&singles, burst);
	address_singles(&singles, burst, with_local);
	while (at < singles.count) {
		int sent = send_messages(fd, singles.messages + at, singles.count - at);

		if (sent > 0) {
			at += (unsigned)sent;
		} else if (with_local && is_about_local(sent)) {
			with_local = false;
			address_singles(&singles, burst, with_local);
		} else {
			status = sent;
			++*dropped;
			at++;
		}
	}
	return status;
}

static int send_without_local(int fd, const struct wr_udp_burst *burst)
{
	struct envelope envelope;
	struct iovec part = { burst->data, burst->len };
	struct mmsghdr message;
	int sent;

	address(&envelope, burst, false);
	append_segment(&envelope, burst);
	fill(&message, &part, &envelope);
	sent = send_messages(fd, &message, 1);
	return sent < 0 ? sent : 0;
}

/* The kernel refused the burst with `error`: tries what else there is. */
static int send_otherwise(int fd, const struct wr_udp_burst *burst, int error, unsigned *dropped)
{
	if (burst->remote.local.family != WR_FAMILY_NONE && is_about_local(error) &&
	    !(burst->segment < burst->len && is_about_segment(error)))
		error = send_without_local(fd, burst);
	if (error < 0 && burst->segment < burst->len && is_about_segment(error))
		return send_singly(fd, burst, dropped);
	if (error < 0)
		*dropped += datagrams(burst);
	return error;
}

int wr_udp_send(int fd, const struct wr_udp_burst *bursts, unsigned count, unsigned *ret_dropped)
{
	struct envelope envelopes[WR_UDP_BATCH];
	struct iovec parts[WR_UDP_BATCH];
	struct mmsghdr messages[WR_UDP_BATCH];
	int status = 0;
	unsigned dropped = 0, at = 0;

	assert(count <= WR_UDP_BATCH);
	for (unsigned i = 0; i < count; i++) {
		address(&envelopes[i], &bursts[i], true);
		append_segment(&envelopes[i], &bursts[i]);
		parts[i] = (struct iovec){ bursts[i].data, bursts[i].len };
		fill(&messages[i], &parts[i], &envelopes[i]);
	}
	while (at < count) {
		int sent = send_messages(fd, messages + at, count - at);

		if (sent < 0) {
			int error = send_otherwise(fd, &bursts[at], sent, &dropped);

			status = error < 0 ? error : status;
		}
		at += sent > 0 ? (unsigned)sent : 1;
	}
	*ret_dropped = dropped;
	return status;
}
