/* A paced flood of handshake initiations that are garbage: the right length and type, random
 * otherwise, each from another source address.
 *
 *   flood ADDRESS PORT RATE      prints "ready" and floods until it is ended */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#define INITIATION_LEN 148
#define BATCH 64
#define NAP_NS 500000
/* RFC 2544: addresses for benchmarks, 198.18.0.0/15. */
#define SOURCES 0xc6120000u
#define SOURCE_MASK 0x0001ffffu

struct packet {
	struct iphdr ip;
	struct udphdr udp;
	uint8_t payload[INITIATION_LEN];
};

struct batch {
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	struct packet packets[BATCH];
};

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* The kernel fills in the IP checksum and length; a UDP checksum of 0 is none (RFC 768). */
static void packet_init(struct packet *packet, const struct sockaddr_in *to)
{
	packet->ip = (struct iphdr){ .version = 4,
				     .ihl = 5,
				     .ttl = 64,
				     .protocol = IPPROTO_UDP,
				     .daddr = to->sin_addr.s_addr };
	packet->udp = (struct udphdr){ .uh_sport = htons(51820),
				       .uh_dport = to->sin_port,
				       .uh_ulen = htons(sizeof(packet->udp) + INITIATION_LEN) };
}

static void packet_fill(struct packet *packet)
{
	static const uint8_t type[4] = { 1, 0, 0, 0 };
	uint32_t source;

	if (getrandom(packet->payload, INITIATION_LEN, 0) != INITIATION_LEN)
		die("getrandom");
	memcpy(&source, packet->payload, sizeof(source));
	packet->ip.saddr = htonl(SOURCES | (source & SOURCE_MASK));
	memcpy(packet->payload, type, sizeof(type));
	/* mac2 is zero where no cookie was given. */
	memset(packet->payload + INITIATION_LEN - 16, 0, 16);
}

static struct batch *batch_new(struct sockaddr_in *to)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		die("memory");
	for (size_t i = 0; i < BATCH; i++) {
		packet_init(&batch->packets[i], to);
		batch->vectors[i] = (struct iovec){ &batch->packets[i], sizeof(batch->packets[i]) };
		batch->messages[i].msg_hdr = (struct msghdr){
			.msg_name = to,
			.msg_namelen = sizeof(*to),
			.msg_iov = &batch->vectors[i],
			.msg_iovlen = 1,
		};
	}
	return batch;
}

_Noreturn static void flood(int fd, struct batch *batch, double rate)
{
	double start = now(), sent = 0;

	for (;;) {
		struct timespec nap = { .tv_nsec = NAP_NS };
		double due = (now() - start) * rate - sent;
		unsigned int many = due < BATCH ? (unsigned int)due : BATCH;

		if (many == 0) {
			nanosleep(&nap, NULL);
			continue;
		}
		for (unsigned int i = 0; i < many; i++)
			packet_fill(&batch->packets[i]);
		if (sendmmsg(fd, batch->messages, many, 0) < 0 && errno != ENOBUFS)
			die("sendmmsg");
		sent += many;
	}
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd;

	if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 || atof(argv[3]) < 1) {
		fprintf(stderr, "usage: flood ADDRESS PORT RATE\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (fd < 0)
		die("socket");
	prctl(PR_SET_TIMERSLACK, 1UL);
	puts("ready");
	fflush(stdout);
	flood(fd, batch_new(&to), atof(argv[3]));
}
