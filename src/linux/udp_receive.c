/* Receiving: up to WR_UDP_BATCH bursts with one system call. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/mman.h>

#include "linux/udp.h"

/* Before and after each buffer, so that headers can be put there in place. */
#define SPARE 64

/* UDP_GRO and the class as int, and the larger PKTINFO. */
#define CONTROL_LEN (2 * CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct in6_pktinfo)))

union address {
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct slot {
	struct iovec part;
	union address from;
	_Alignas(struct cmsghdr) uint8_t control[CONTROL_LEN];
};

struct buffer {
	uint8_t before[SPARE];
	uint8_t bytes[WR_UDP_BUFFER_LEN];
	uint8_t after[SPARE];
};

struct wr_udp_receiver {
	struct mmsghdr messages[WR_UDP_BATCH];
	struct slot slots[WR_UDP_BATCH];
	unsigned used; /* messages that the kernel has written to */
	struct buffer buffers[WR_UDP_BATCH];
};

/* What recvmsg() overwrites. */
static void reset(struct wr_udp_receiver *receiver, unsigned at)
{
	struct msghdr *header = &receiver->messages[at].msg_hdr;

	header->msg_namelen = sizeof(receiver->slots[at].from);
	header->msg_controllen = sizeof(receiver->slots[at].control);
}

static void prepare(struct wr_udp_receiver *receiver, unsigned at)
{
	struct msghdr *header = &receiver->messages[at].msg_hdr;
	struct slot *slot = &receiver->slots[at];

	slot->part = (struct iovec){ receiver->buffers[at].bytes, WR_UDP_BUFFER_LEN };
	header->msg_name = &slot->from;
	header->msg_iov = &slot->part;
	header->msg_iovlen = 1;
	header->msg_control = slot->control;
	reset(receiver, at);
}

/* Mapped, not allocated: pages that no datagram was long enough to reach are
 * never there. */
struct wr_udp_receiver *wr_udp_receiver_new(void)
{
	struct wr_udp_receiver *receiver = mmap(NULL, sizeof(*receiver), PROT_READ | PROT_WRITE,
						MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (receiver == MAP_FAILED)
		return NULL;
	for (unsigned i = 0; i < WR_UDP_BATCH; i++)
		prepare(receiver, i);
	return receiver;
}

struct wr_udp_receiver *wr_udp_receiver_free(struct wr_udp_receiver *receiver)
{
	if (receiver)
		munmap(receiver, sizeof(*receiver));
	return NULL;
}

static void read_address(const union address *from, struct wr_endpoint *endpoint)
{
	if (from->v4.sin_family == AF_INET) {
		endpoint->ip.family = WR_IPV4;
		memcpy(endpoint->ip.bytes, &from->v4.sin_addr, 4);
		endpoint->port = ntohs(from->v4.sin_port);
	} else {
		endpoint->ip.family = WR_IPV6;
		memcpy(endpoint->ip.bytes, &from->v6.sin6_addr, 16);
		endpoint->port = ntohs(from->v6.sin6_port);
		endpoint->scope = from->v6.sin6_scope_id;
	}
}

static void read_control_v4(const struct cmsghdr *control, struct wr_udp_burst *burst)
{
	struct in_pktinfo info;

	if (control->cmsg_type == IP_PKTINFO) {
		memcpy(&info, CMSG_DATA(control), sizeof(info));
		burst->remote.local.family = WR_IPV4;
		memcpy(burst->remote.local.bytes, &info.ipi_spec_dst, 4);
		burst->remote.interface = (uint32_t)info.ipi_ifindex;
	} else if (control->cmsg_type == IP_TOS) {
		burst->tos = *CMSG_DATA(control);
	}
}

static void read_control_v6(const struct cmsghdr *control, struct wr_udp_burst *burst)
{
	struct in6_pktinfo info;
	int class;

	if (control->cmsg_type == IPV6_PKTINFO) {
		memcpy(&info, CMSG_DATA(control), sizeof(info));
		burst->remote.local.family = WR_IPV6;
		memcpy(burst->remote.local.bytes, &info.ipi6_addr, 16);
		burst->remote.interface = info.ipi6_ifindex;
	} else if (control->cmsg_type == IPV6_TCLASS) {
		memcpy(&class, CMSG_DATA(control), sizeof(class));
		burst->tos = (uint8_t) class;
	}
}

static void read_control(const struct cmsghdr *control, struct wr_udp_burst *burst)
{
	int size;

	if (control->cmsg_level == IPPROTO_IP) {
		read_control_v4(control, burst);
	} else if (control->cmsg_level == IPPROTO_IPV6) {
		read_control_v6(control, burst);
	} else if (control->cmsg_level == IPPROTO_UDP && control->cmsg_type == UDP_GRO) {
		memcpy(&size, CMSG_DATA(control), sizeof(size));
		if (size > 0 && (uint32_t)size < burst->len)
			burst->segment = (uint32_t)size;
	}
}

static void read_message(struct wr_udp_receiver *receiver, unsigned at, struct wr_udp_burst *burst)
{
	struct msghdr *header = &receiver->messages[at].msg_hdr;
	struct cmsghdr *control;

	*burst = (struct wr_udp_burst){
		.data = receiver->buffers[at].bytes,
		.len = receiver->messages[at].msg_len,
		.segment = receiver->messages[at].msg_len,
	};
	read_address(&receiver->slots[at].from, &burst->remote);
	for (control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control))
		read_control(control, burst);
}

int wr_udp_receive(int fd, struct wr_udp_receiver *receiver,
		   struct wr_udp_burst ret_bursts[WR_UDP_BATCH])
{
	int count;

	for (unsigned i = 0; i < receiver->used; i++)
		reset(receiver, i);
	count = recvmmsg(fd, receiver->messages, WR_UDP_BATCH, MSG_DONTWAIT, NULL);
	if (count < 0) {
		receiver->used = 0;
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	}
	receiver->used = (unsigned)count;
	for (unsigned i = 0; i < receiver->used; i++)
		read_message(receiver, i, &ret_bursts[i]);
	return count;
}
