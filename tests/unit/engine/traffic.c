#include "traffic.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/clock.h"
#include "unit.h"

#define TCP_PORT 5001
#define UDP_PORT 5002
#define PATIENCE WR_SPAN_S(30)
/* One call with UDP_SEGMENT: what the TUN gets is a super-packet. */
#define BURST 16
#define DATAGRAM 1200
#define BURST_GAP WR_SPAN_MS(5)
#define CHUNK 65536

/* The byte at `offset` of a direction of a connection. */
static uint8_t byte_at(unsigned way, uint64_t offset)
{
	return (uint8_t)(offset * 167 + offset / 251 + way * 59);
}

static struct sockaddr_in address_of(unsigned device, unsigned host, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = { htonl(10u << 24 | 88u << 16 | device << 8 | (host + 1)) },
	};
}

static int open_bound(unsigned device, unsigned host, int type, uint16_t port)
{
	struct sockaddr_in self = address_of(device, host, port);
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&self, sizeof(self)), 0);
	return fd;
}

static void open_udp(struct traffic_end *end, unsigned device, unsigned host)
{
	struct sockaddr_in other = address_of(device, 1 - host, UDP_PORT);
	int segment = DATAGRAM;

	end->udp = open_bound(device, host, SOCK_DGRAM, UDP_PORT);
	assert_int_equal(connect(end->udp, (struct sockaddr *)&other, sizeof(other)), 0);
	assert_int_equal(setsockopt(end->udp, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)),
			 0);
}

static void wait_for(int fd, short events)
{
	struct pollfd wanted = { fd, events, 0 };

	assert_int_equal(poll(&wanted, 1, (int)(PATIENCE.ns / 1000000)), 1);
}

static void open_device(struct traffic *traffic, const struct lab *lab, unsigned device)
{
	struct traffic_end *ends = traffic->ends[device];
	struct sockaddr_in to = address_of(device, 1, TCP_PORT);
	int listener, error = 0;
	socklen_t len = sizeof(error);

	lab_enter(&lab->hosts[1]);
	listener = open_bound(device, 1, SOCK_STREAM, TCP_PORT);
	assert_int_equal(listen(listener, 1), 0);
	open_udp(&ends[1], device, 1);
	lab_enter(&lab->hosts[0]);
	ends[0].tcp = open_bound(device, 0, SOCK_STREAM, 0);
	open_udp(&ends[0], device, 0);
	lab_leave(lab);
	assert_int_equal(connect(ends[0].tcp, (struct sockaddr *)&to, sizeof(to)), -1);
	assert_int_equal(errno, EINPROGRESS);
	wait_for(listener, POLLIN);
	ends[1].tcp = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	assert_true(ends[1].tcp >= 0);
	wait_for(ends[0].tcp, POLLOUT);
	assert_int_equal(getsockopt(ends[0].tcp, SOL_SOCKET, SO_ERROR, &error, &len), 0);
	assert_int_equal(error, 0);
	close(listener);
}

void traffic_open(struct traffic *traffic, const struct lab *lab)
{
	memset(traffic, 0, sizeof(*traffic));
	for (unsigned i = 0; i < LAB_DEVICES; i++)
		open_device(traffic, lab, i);
}

void traffic_close(struct traffic *traffic)
{
	for (unsigned i = 0; i < LAB_DEVICES; i++) {
		for (unsigned j = 0; j < 2; j++) {
			close(traffic->ends[i][j].tcp);
			close(traffic->ends[i][j].udp);
		}
	}
}

/* --- TCP. --- */

static void send_stream(const struct traffic *traffic, struct traffic_end *end, unsigned way)
{
	uint8_t chunk[CHUNK];
	uint64_t left = traffic->stop - end->sent;
	size_t len = left < CHUNK ? (size_t)left : CHUNK;
	ssize_t sent;

	for (size_t i = 0; i < len; i++)
		chunk[i] = byte_at(way, end->sent + i);
	sent = send(end->tcp, chunk, len, MSG_NOSIGNAL);
	assert_true(sent >= 0 || errno == EAGAIN);
	if (sent > 0)
		end->sent += (uint64_t)sent;
}

static void take_stream(struct traffic_end *end, unsigned way)
{
	uint8_t chunk[CHUNK];
	ssize_t got = recv(end->tcp, chunk, sizeof(chunk), 0);

	assert_true(got > 0 || (got < 0 && errno == EAGAIN));
	for (ssize_t i = 0; i < got; i++)
		if (chunk[i] != byte_at(way, end->taken + (uint64_t)i))
			fail_msg("way %u: another byte at %llu", way,
				 (unsigned long long)end->taken + (unsigned long long)i);
	if (got > 0)
		end->taken += (uint64_t)got;
}

/* --- UDP. --- */

static void send_burst(struct traffic_end *end, unsigned way, struct wr_instant now)
{
	uint8_t burst[BURST * DATAGRAM];

	if (!wr_is_past(end->next_burst, now) || end->next + BURST > TRAFFIC_DATAGRAMS)
		return;
	end->next_burst = wr_after(now, BURST_GAP);
	for (unsigned i = 0; i < BURST; i++) {
		uint32_t number = end->next + i;

		memset(burst + i * DATAGRAM, (int)byte_at(way, number), DATAGRAM);
		memcpy(burst + i * DATAGRAM, &number, sizeof(number));
	}
	/* A full queue, or a route that is gone for a moment: these are lost. */
	(void)send(end->udp, burst, sizeof(burst), 0);
	end->next += BURST;
}

static void check_datagram(struct traffic_end *end, unsigned way, const uint8_t *datagram)
{
	uint32_t number;

	memcpy(&number, datagram, sizeof(number));
	assert_true(number < TRAFFIC_DATAGRAMS);
	for (unsigned i = sizeof(number); i < DATAGRAM; i++)
		assert_int_equal(datagram[i], byte_at(way, number));
	assert_false(end->seen[number / 8] & 1u << number % 8);
	end->seen[number / 8] |= (uint8_t)(1u << number % 8);
	end->came++;
}

static void take_datagrams(struct traffic_end *end, unsigned way)
{
	uint8_t datagram[DATAGRAM + 1];
	ssize_t got;

	while ((got = recv(end->udp, datagram, sizeof(datagram), 0)) >= 0) {
		assert_int_equal(got, DATAGRAM);
		check_datagram(end, way, datagram);
	}
}

uint64_t traffic_datagrams(const struct traffic *traffic)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < LAB_DEVICES; i++)
		sum += traffic->ends[i][0].came + traffic->ends[i][1].came;
	return sum;
}

/* --- All. --- */

static struct pollfd *fill(struct traffic *traffic, struct pollfd *at)
{
	for (unsigned i = 0; i < LAB_DEVICES * 2; i++) {
		struct traffic_end *end = &traffic->ends[i / 2][i % 2];
		short wants = end->sent < traffic->stop ? POLLIN | POLLOUT : POLLIN;

		*at++ = (struct pollfd){ end->tcp, wants, 0 };
		*at++ = (struct pollfd){ end->udp, POLLIN, 0 };
	}
	return at;
}

void traffic_step(struct traffic *traffic)
{
	struct pollfd fds[LAB_DEVICES * 4];
	nfds_t count = (nfds_t)(fill(traffic, fds) - fds);
	struct wr_instant now;

	assert_true(poll(fds, count, 10) >= 0);
	now = wr_clock_now();
	for (unsigned i = 0; i < LAB_DEVICES * 2; i++) {
		struct traffic_end *end = &traffic->ends[i / 2][i % 2];
		unsigned sends = i, takes = i ^ 1; /* ways; the other end sends what we take */

		if (fds[2 * i].revents & POLLOUT)
			send_stream(traffic, end, sends);
		if (fds[2 * i].revents & (POLLIN | POLLERR | POLLHUP))
			take_stream(end, takes);
		if (fds[2 * i + 1].revents)
			take_datagrams(end, takes);
		send_burst(end, sends, now);
	}
}

static bool has_all_come(const struct traffic *traffic)
{
	for (unsigned i = 0; i < LAB_DEVICES * 2; i++)
		if (traffic->ends[i / 2][i % 2].taken < traffic->stop)
			return false;
	return true;
}

void traffic_run(struct traffic *traffic, uint64_t bytes)
{
	struct wr_instant until = wr_after(wr_clock_now(), PATIENCE);

	traffic->stop = bytes;
	while (!has_all_come(traffic)) {
		assert_false(wr_is_past(until, wr_clock_now()));
		traffic_step(traffic);
	}
}
