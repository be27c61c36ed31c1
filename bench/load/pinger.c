/* Round-trip times of ICMP echoes, sent on a fixed schedule whether or not the last one came back.
 *
 *   pinger ADDRESS COUNT INTERVAL_US     prints a line of JSON, times in microseconds
 *
 * The far kernel answers, and the near kernel stamps the arrival (SO_TIMESTAMPNS), so that what is
 * measured is the path and not when this program got a CPU.  A lost echo counts as LOST_MS: losing
 * is not a way to be fast. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define LOST_MS 1000
#define MAX_COUNT 60000 /* the sequence number has 16 bits */

struct pinger {
	int fd;
	uint16_t id;
	uint32_t count, sent, received;
	uint64_t interval;    /* ns */
	uint64_t *sent_at;    /* ns, CLOCK_REALTIME, as the kernel stamps */
	uint64_t *round_trip; /* ns; LOST_MS until the answer is there */
};

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "pinger: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t ns_of(struct timespec time)
{
	return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return ns_of(time);
}

static uint16_t checksum(const void *data, size_t len)
{
	const uint16_t *words = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < len / 2; i++)
		sum += words[i];
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return (uint16_t)~sum;
}

static int open_socket(const char *address)
{
	struct sockaddr_in name = { .sin_family = AF_INET };
	struct icmp_filter {
		uint32_t mask;
	} only_answers = { ~(1u << ICMP_ECHOREPLY) };
	int on = 1, fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);

	if (inet_pton(AF_INET, address, &name.sin_addr) != 1) {
		fprintf(stderr, "pinger: not an IPv4 address: %s\n", address);
		exit(2);
	}
	if (fd < 0 || connect(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		die("socket");
	/* 1 is ICMP_FILTER of linux/icmp.h, which cannot be included beside netinet/ip_icmp.h. */
	if (setsockopt(fd, SOL_RAW, 1, &only_answers, sizeof(only_answers)) < 0)
		die("ICMP_FILTER");
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0)
		die("SO_TIMESTAMPNS");
	return fd;
}

static void send_one(struct pinger *pinger)
{
	struct {
		struct icmphdr header;
		uint8_t payload[56];
	} echo = { .header.type = ICMP_ECHO };

	echo.header.un.echo.id = pinger->id;
	echo.header.un.echo.sequence = htons((uint16_t)pinger->sent);
	echo.header.checksum = checksum(&echo, sizeof(echo));
	pinger->sent_at[pinger->sent] = now();
	pinger->round_trip[pinger->sent] = LOST_MS * UINT64_C(1000000);
	if (send(pinger->fd, &echo, sizeof(echo), 0) < 0 && errno != ENOBUFS)
		die("send");
	pinger->sent++;
}

static uint64_t stamp_of(struct msghdr *message)
{
	struct timespec time;

	for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control;
	     control = CMSG_NXTHDR(message, control))
		if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&time, CMSG_DATA(control), sizeof(time));
			return ns_of(time);
		}
	die("an answer without a time stamp");
	return 0;
}

static void receive_one(struct pinger *pinger)
{
	struct {
		struct iphdr ip;
		struct icmphdr icmp;
		uint8_t rest[128];
	} packet;
	union {
		struct cmsghdr align;
		uint8_t bytes[128];
	} control;
	struct iovec vector = { &packet, sizeof(packet) };
	struct msghdr message = { .msg_iov = &vector,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(pinger->fd, &message, MSG_DONTWAIT);

	if (len < (ssize_t)(sizeof(packet.ip) + sizeof(packet.icmp)) ||
	    packet.icmp.un.echo.id != pinger->id)
		return;
	uint16_t number = ntohs(packet.icmp.un.echo.sequence);

	if (number >= pinger->sent)
		return;
	pinger->round_trip[number] = stamp_of(&message) - pinger->sent_at[number];
	pinger->received++;
}

/* Takes answers in until `until`, or until all are there. */
static void receive_until(struct pinger *pinger, uint64_t until)
{
	struct pollfd poll_fd = { .fd = pinger->fd, .events = POLLIN };

	for (uint64_t time = now(); time < until; time = now()) {
		uint64_t left = until - time;
		struct timespec wait = { (time_t)(left / 1000000000), (long)(left % 1000000000) };

		if (pinger->received == pinger->count)
			return;
		if (ppoll(&poll_fd, 1, &wait, NULL) > 0)
			receive_one(pinger);
	}
}

static int by_size(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

static double percentile(const struct pinger *pinger, uint32_t per_mille)
{
	size_t at = (size_t)(pinger->count - 1) * per_mille / 1000;

	return (double)pinger->round_trip[at] / 1000;
}

static void report(struct pinger *pinger)
{
	qsort(pinger->round_trip, pinger->count, sizeof(*pinger->round_trip), by_size);
	printf("{\"sent\": %u, \"received\": %u, \"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"max\": %.1f}\n",
	       pinger->sent, pinger->received, percentile(pinger, 500), percentile(pinger, 900),
	       percentile(pinger, 990), percentile(pinger, 1000));
}

int main(int argc, char **argv)
{
	struct pinger pinger = { .id = (uint16_t)getpid() };

	if (argc != 4 || atoi(argv[2]) < 1 || atoi(argv[2]) > MAX_COUNT || atoi(argv[3]) < 1) {
		fprintf(stderr, "usage: pinger ADDRESS COUNT INTERVAL_US\n");
		return 2;
	}
	pinger.count = (uint32_t)atoi(argv[2]);
	pinger.interval = (uint64_t)atoi(argv[3]) * 1000;
	pinger.sent_at = calloc(pinger.count, sizeof(*pinger.sent_at));
	pinger.round_trip = calloc(pinger.count, sizeof(*pinger.round_trip));
	if (!pinger.sent_at || !pinger.round_trip)
		die("memory");
	pinger.fd = open_socket(argv[1]);

	uint64_t start = now();

	for (uint32_t i = 0; i < pinger.count; i++) {
		receive_until(&pinger, start + i * pinger.interval);
		send_one(&pinger);
	}
	receive_until(&pinger, now() + LOST_MS * UINT64_C(1000000));
	report(&pinger);
	return 0;
}
