/* A paced stream of numbered datagrams, and the far end that counts them.
 *
 *   udpload recv ADDRESS PORT                     counts until it is ended
 *   udpload send ADDRESS PORT BYTES RATE SECONDS  one trial; prints a line of JSON
 *
 * After its last datagram the sender waits for the queues to drain and asks the far end, over the
 * same path, how many came.  A token bucket paces: a sender that was held up does not make good for
 * it with a burst that no queue could hold, it sends less, and says how much it sent. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define MAX_BYTES 2048
/* Datagrams of a trial that are told apart: 16 s at a million a second. */
#define MAX_TRIAL (UINT64_C(1) << 24)
/* Holds a second of small datagrams while the counter waits for a CPU. */
#define SOCKET_BUFFER (64 * 1024 * 1024)
#define DRAIN_MS 150
#define ASK_MS 50
#define ASK_TRIES 40
#define NAP_NS 50000

enum kind {
	DATA = 1,
	ASK,
	ANSWER
};

struct header {
	uint32_t kind;
	uint32_t trial;
	uint64_t number; /* DATA: from 0; ANSWER: distinct datagrams that came */
	uint64_t late;   /* ANSWER: how many came behind a later one */
};

struct batch {
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	uint8_t bytes[BATCH][MAX_BYTES];
};

struct count {
	uint32_t trial;
	uint64_t received, late, next;
	uint8_t seen[MAX_TRIAL / 8];
};

_Noreturn static void die(const char *what)
{
	fprintf(stderr, "udpload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct sockaddr_in address_of(const char *address, const char *port)
{
	struct sockaddr_in name = { .sin_family = AF_INET,
				    .sin_port = htons((uint16_t)atoi(port)) };

	if (inet_pton(AF_INET, address, &name.sin_addr) != 1) {
		fprintf(stderr, "udpload: not an IPv4 address: %s\n", address);
		exit(2);
	}
	return name;
}

static int open_socket(void)
{
	int size = SOCKET_BUFFER;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		die("SO_RCVBUFFORCE");
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		die("SO_SNDBUFFORCE");
	return fd;
}

static struct batch *new_batch(size_t bytes)
{
	struct batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		die("memory");
	for (size_t i = 0; i < BATCH; i++) {
		batch->vectors[i] = (struct iovec){ batch->bytes[i], bytes };
		batch->messages[i].msg_hdr.msg_iov = &batch->vectors[i];
		batch->messages[i].msg_hdr.msg_iovlen = 1;
	}
	return batch;
}

/* ---- the far end ---- */

static void start_trial(struct count *count, uint32_t trial)
{
	memset(count, 0, sizeof(*count));
	count->trial = trial;
}

static void count_data(struct count *count, const struct header *header)
{
	uint64_t number = header->number;

	if (header->trial != count->trial)
		start_trial(count, header->trial);
	if (number >= MAX_TRIAL || (count->seen[number / 8] & (1 << number % 8)))
		return;
	count->seen[number / 8] |= (uint8_t)(1 << number % 8);
	count->received++;
	if (number < count->next)
		count->late++;
	else
		count->next = number + 1;
}

static void answer(int fd, const struct count *count, const struct header *ask,
		   const struct sockaddr_in *who)
{
	bool known = ask->trial == count->trial;
	struct header header = { .kind = ANSWER, .trial = ask->trial };

	header.number = known ? count->received : 0;
	header.late = known ? count->late : 0;
	/* A lost answer is asked for again. */
	(void)!sendto(fd, &header, sizeof(header), 0, (const struct sockaddr *)who, sizeof(*who));
}

static void take(int fd, struct count *count, const uint8_t *bytes, size_t len,
		 const struct sockaddr_in *who)
{
	struct header header;

	if (len < sizeof(header))
		return;
	memcpy(&header, bytes, sizeof(header));
	if (header.kind == DATA)
		count_data(count, &header);
	else if (header.kind == ASK)
		answer(fd, count, &header, who);
}

_Noreturn static void receive(const char *address, const char *port)
{
	static struct sockaddr_in names[BATCH];
	struct sockaddr_in name = address_of(address, port);
	struct batch *batch = new_batch(MAX_BYTES);
	struct count *count = calloc(1, sizeof(*count));
	int fd = open_socket();

	if (!count || bind(fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		die("bind");
	puts("ready");
	fflush(stdout);
	for (;;) {
		for (size_t i = 0; i < BATCH; i++) {
			batch->messages[i].msg_hdr.msg_name = &names[i];
			batch->messages[i].msg_hdr.msg_namelen = sizeof(names[i]);
		}
		int got = recvmmsg(fd, batch->messages, BATCH, MSG_WAITFORONE, NULL);

		if (got < 0 && errno != EINTR)
			die("recvmmsg");
		for (int i = 0; i < got; i++)
			take(fd, count, batch->bytes[i], batch->messages[i].msg_len, &names[i]);
	}
}

/* ---- the sender ---- */

struct trial {
	int fd;
	uint32_t id;
	double rate, seconds;
	uint64_t sent;
	double took;
};

/* Sends up to `want` datagrams, at most a batch.  One that the kernel refuses for want of room
 * counts as sent: it was offered, and is lost. */
static void send_some(struct trial *trial, struct batch *batch, uint64_t want)
{
	unsigned int many = want < BATCH ? (unsigned int)want : BATCH;

	for (unsigned int i = 0; i < many; i++) {
		struct header header = { .kind = DATA,
					 .trial = trial->id,
					 .number = trial->sent + i };

		memcpy(batch->bytes[i], &header, sizeof(header));
	}
	int done = sendmmsg(trial->fd, batch->messages, many, 0);

	if (done < 0 && errno != ENOBUFS && errno != EAGAIN)
		die("sendmmsg");
	trial->sent += done > 0 ? (uint64_t)done : 1;
}

static void run_trial(struct trial *trial, struct batch *batch)
{
	/* A millisecond's worth, and at least a batch. */
	double most = trial->rate / 1000 > BATCH ? trial->rate / 1000 : BATCH;
	double start = now(), last = start, tokens = 0;

	while (last - start < trial->seconds && trial->sent < MAX_TRIAL - BATCH) {
		struct timespec nap = { .tv_nsec = NAP_NS };
		double time = now();

		tokens += (time - last) * trial->rate;
		last = time;
		if (tokens > most)
			tokens = most;
		if (tokens < 1) {
			nanosleep(&nap, NULL);
			continue;
		}
		uint64_t before = trial->sent;

		send_some(trial, batch, (uint64_t)tokens);
		tokens -= (double)(trial->sent - before);
	}
	trial->took = last - start;
}

static bool wait_for_answer(const struct trial *trial, struct header *ret_answer)
{
	struct pollfd poll_fd = { .fd = trial->fd, .events = POLLIN };
	struct header header;

	while (poll(&poll_fd, 1, ASK_MS) > 0)
		if (recv(trial->fd, &header, sizeof(header), 0) == sizeof(header) &&
		    header.kind == ANSWER && header.trial == trial->id) {
			*ret_answer = header;
			return true;
		}
	return false;
}

static struct header ask(const struct trial *trial)
{
	struct header header = { .kind = ASK, .trial = trial->id }, answer;

	for (int i = 0; i < ASK_TRIES; i++) {
		(void)!send(trial->fd, &header, sizeof(header), 0);
		if (wait_for_answer(trial, &answer))
			return answer;
	}
	fprintf(stderr, "udpload: the far end does not answer\n");
	exit(1);
}

static int send_trial(char **arguments)
{
	struct sockaddr_in name = address_of(arguments[0], arguments[1]);
	size_t bytes = (size_t)atoi(arguments[2]);
	struct trial trial = { .id = (uint32_t)getpid() ^ (uint32_t)time(NULL) << 16,
			       .rate = atof(arguments[3]),
			       .seconds = atof(arguments[4]) };
	struct timespec drain = { .tv_nsec = DRAIN_MS * 1000000 };

	if (bytes < sizeof(struct header) || bytes > MAX_BYTES) {
		fprintf(stderr, "udpload: %zu to %d bytes\n", sizeof(struct header), MAX_BYTES);
		return 2;
	}
	trial.fd = open_socket();
	if (connect(trial.fd, (struct sockaddr *)&name, sizeof(name)) < 0)
		die("connect");
	prctl(PR_SET_TIMERSLACK, 1UL);
	run_trial(&trial, new_batch(bytes));
	nanosleep(&drain, NULL);
	struct header count = ask(&trial);

	printf("{\"sent\": %llu, \"received\": %llu, \"late\": %llu, \"seconds\": %.6f}\n",
	       (unsigned long long)trial.sent, (unsigned long long)count.number,
	       (unsigned long long)count.late, trial.took);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "recv") == 0)
		receive(argv[2], argv[3]);
	if (argc == 7 && strcmp(argv[1], "send") == 0)
		return send_trial(argv + 2);
	fprintf(stderr, "usage: udpload recv ADDRESS PORT\n"
			"       udpload send ADDRESS PORT BYTES RATE SECONDS\n");
	return 2;
}
