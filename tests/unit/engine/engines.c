#include "engines.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "linux/clock.h"
#include "wire/message.h"

#define BUFFER_BYTES (32 << 20)

int engines_setup(void **state)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		fail_msg("a network namespace needs root: %s", strerror(errno));
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &request), 0);
	request.ifr_flags |= IFF_UP;
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
	close(fd);
	assert_int_equal(wr_crypto_start(), 0);
	return 0;
}

/* --- A side. --- */

static void open_queue(struct side *side, unsigned number)
{
	int size = BUFFER_BYTES;
	int ends[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(
			setsockopt(ends[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)), 0);
	side->tun.queues[number] = ends[0];
	side->ends[number] = ends[1];
}

static void open_tun(struct side *side, unsigned queues, bool has_offload)
{
	side->tun = (struct wr_tun){
		.queue_count = queues,
		.has_offload = has_offload,
		.has_udp_offload = has_offload,
	};
	for (unsigned i = 0; i < queues; i++)
		open_queue(side, i);
}

static void open_side(struct side *side, const struct wr_engine_config *config, bool has_offload)
{
	struct wr_key private_key;

	*side = (struct side){ 0 };
	wr_random(&private_key, sizeof(private_key));
	wr_x25519_clamp(&private_key);
	side->public_key = wr_x25519_public(&private_key);
	open_tun(side, config->workers, has_offload);
	assert_int_equal(wr_engine_new(config, &side->engine), 0);
	side->device = wr_device_new(wr_engine_port(side->engine));
	assert_non_null(side->device);
	assert_int_equal(wr_device_set_private_key(side->device, &private_key), 0);
	assert_int_equal(wr_engine_attach(side->engine, side->device, &side->tun), 0);
	wr_device_set_up(side->device, true, wr_clock_now());
	assert_int_equal(wr_engine_start(side->engine), 0);
	assert_int_equal(wr_engine_listen(side->engine, 0, 0), 0);
}

void side_open(struct side *side, unsigned workers, bool has_offload, uint32_t factor)
{
	struct wr_engine_config config = {
		.workers = workers,
		.aead = wr_aead_pick(NULL),
		.timing = wr_timing_scaled(factor),
	};

	open_side(side, &config, has_offload);
}

void side_open_relay(struct side *side, unsigned workers,
		     bool (*may_relay)(void *context, const struct wr_peer *from,
				       const struct wr_peer *to),
		     void *context)
{
	struct wr_engine_config config = {
		.workers = workers,
		.aead = wr_aead_pick(NULL),
		.timing = wr_timing_paper,
		.may_relay = may_relay,
		.has_stun = true,
		.context = context,
	};

	open_side(side, &config, false);
}

void side_open_knocked(struct side *side, unsigned workers,
		       void (*knocked)(void *context, struct wr_bytes datagram,
				       const struct wr_endpoint *from),
		       void *context)
{
	struct wr_engine_config config = {
		.workers = workers,
		.aead = wr_aead_pick(NULL),
		.timing = wr_timing_paper,
		.knocked = knocked,
		.context = context,
	};

	open_side(side, &config, false);
}

void side_close(struct side *side)
{
	wr_engine_free(side->engine);
	for (unsigned i = 0; i < side->tun.queue_count; i++) {
		close(side->tun.queues[i]);
		close(side->ends[i]);
	}
}

void side_turn(struct side *side)
{
	side->due = wr_engine_run(side->engine);
}

uint64_t side_verdicts(const struct side *side, enum wr_verdict verdict)
{
	struct wr_counters counters;

	wr_engine_counters(side->engine, &counters);
	return counters.verdicts[verdict];
}

struct wr_endpoint loopback_endpoint(uint16_t port)
{
	return (struct wr_endpoint){ .ip = { WR_IPV4, { 127, 0, 0, 1 } }, .port = port };
}

struct wr_endpoint side_endpoint(const struct side *side)
{
	return loopback_endpoint(wr_engine_listen_port(side->engine));
}

static void allow(struct wr_peer *peer, const char *text)
{
	struct wr_prefix prefix;

	assert_true(wr_prefix_parse(text, strlen(text), &prefix));
	assert_int_equal(wr_peer_allow(peer, &prefix), 0);
}

struct wr_peer *side_add_peer(struct side *side, const struct wr_key *public_key,
			      const struct wr_endpoint *endpoint, const char *prefix)
{
	struct wr_peer *peer = wr_device_add_peer(side->device, public_key);

	assert_non_null(peer);
	if (endpoint)
		wr_peer_set_endpoint(peer, endpoint);
	if (prefix)
		allow(peer, prefix);
	side->due = (struct wr_instant){ 0 };
	return peer;
}

/* --- Running. --- */

static int ms_until(struct wr_instant due, struct wr_instant now)
{
	uint64_t ms = wr_is_past(due, now) ? 0 : (due.ns - now.ns + 999999) / 1000000;

	return ms > PATIENCE_MS ? PATIENCE_MS : (int)ms;
}

/* Waits for news from `fd` or a side, or until `until`; true if `fd` has some. */
static bool wait_and_run(struct side *const *sides, unsigned count, int fd, struct wr_instant until)
{
	struct pollfd fds[8] = { { .fd = fd, .events = POLLIN } };

	assert_true(count < WR_ARRAY_LEN(fds));
	for (unsigned i = 0; i < count; i++) {
		fds[i + 1] = (struct pollfd){ wr_engine_fd(sides[i]->engine), POLLIN, 0 };
		until = wr_sooner(until, sides[i]->due);
	}
	assert_true(poll(fds, count + 1, ms_until(until, wr_clock_now())) >= 0);
	for (unsigned i = 0; i < count; i++)
		if (fds[i + 1].revents || wr_is_past(sides[i]->due, wr_clock_now()))
			side_turn(sides[i]);
	return fds[0].revents != 0;
}

bool sides_run(struct side *const *sides, unsigned count, int fd, unsigned ms)
{
	struct wr_instant until = wr_after(wr_clock_now(), WR_SPAN_MS(ms));

	do {
		if (wait_and_run(sides, count, fd, until))
			return true;
	} while (!wr_is_past(until, wr_clock_now()));
	return false;
}

void side_await(struct side *side, enum wr_verdict verdict, uint64_t count)
{
	struct wr_instant until = wr_after(wr_clock_now(), WR_SPAN_MS(PATIENCE_MS));

	while (side_verdicts(side, verdict) < count && !wr_is_past(until, wr_clock_now()))
		sides_run(&side, 1, -1, 1);
	assert_int_equal(side_verdicts(side, verdict), count);
}

/* --- The puppet. --- */

static void open_socket(struct puppet *puppet)
{
	struct sockaddr_in self = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(self);
	int yes = 1, size = BUFFER_BYTES;

	puppet->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(puppet->fd >= 0);
	assert_int_equal(setsockopt(puppet->fd, IPPROTO_IP, IP_RECVTOS, &yes, sizeof(yes)), 0);
	assert_int_equal(setsockopt(puppet->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)),
			 0);
	assert_int_equal(bind(puppet->fd, (struct sockaddr *)&self, sizeof(self)), 0);
	assert_int_equal(getsockname(puppet->fd, (struct sockaddr *)&self, &len), 0);
	puppet->self = loopback_endpoint(ntohs(self.sin_port));
}

void puppet_move(struct puppet *puppet)
{
	int old = puppet->fd;

	open_socket(puppet);
	close(old);
}

void puppet_open(struct puppet *puppet, struct side *side, const char *prefix, bool is_known)
{
	struct wr_siphash_key hash_key;
	struct wr_endpoint endpoint = side_endpoint(side);
	struct wr_key private_key;

	wr_random(&hash_key, sizeof(hash_key));
	wr_random(&private_key, sizeof(private_key));
	*puppet = (struct puppet){ .side = side, .aead = wr_aead_pick(NULL) };
	puppet->context = puppet->aead->context_new();
	puppet->port = wr_port_new(&wr_timing_paper, &hash_key);
	puppet->device = wr_device_new(puppet->port);
	assert_int_equal(wr_device_set_private_key(puppet->device, &private_key), 0);
	wr_device_set_up(puppet->device, true, wr_clock_now());
	puppet->peer = wr_device_add_peer(puppet->device, &side->public_key);
	wr_peer_set_endpoint(puppet->peer, &endpoint);
	open_socket(puppet);
	puppet->as_peer = side_add_peer(side, &puppet->device->identity.public_key,
					is_known ? &puppet->self : NULL, prefix);
}

void puppet_close(struct puppet *puppet)
{
	puppet->aead->context_free(puppet->context);
	wr_port_free(puppet->port);
	close(puppet->fd);
}

void puppet_send(const struct puppet *puppet, const void *datagram, size_t len, uint8_t tos)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(wr_engine_listen_port(puppet->side->engine)),
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	int value = tos;

	assert_int_equal(setsockopt(puppet->fd, IPPROTO_IP, IP_TOS, &value, sizeof(value)), 0);
	assert_int_equal(sendto(puppet->fd, datagram, len, 0, (struct sockaddr *)&to, sizeof(to)),
			 len);
}

static size_t receive(const struct puppet *puppet, struct heard *heard)
{
	struct iovec part = { heard->bytes, sizeof(heard->bytes) };
	_Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(1)];
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t len = recvmsg(puppet->fd, &header, 0);

	assert_true(len >= 4);
	assert_non_null(CMSG_FIRSTHDR(&header));
	heard->tos = *CMSG_DATA(CMSG_FIRSTHDR(&header));
	heard->type = heard->bytes[0];
	return (size_t)len;
}

static void open_message(struct puppet *puppet, struct heard *heard, size_t len)
{
	struct wr_index_entry *entry = wr_index_find(&puppet->port->indices,
						     wr_data_receiver(heard->bytes));
	struct wr_aead_job job = {
		.src = heard->bytes + WR_DATA_HEADER_LEN,
		.dst = heard->bytes + WR_DATA_HEADER_LEN,
		.len = (uint32_t)(len - WR_DATA_OVERHEAD),
		.counter = wr_data_counter(heard->bytes),
	};

	assert_true(entry && entry->kind == WR_INDEX_SESSION);
	struct wr_session *session = WR_CONTAINER_OF(entry, struct wr_session, index);

	puppet->aead->open(puppet->context, &session->receive_key, &job, 1);
	assert_true(job.is_authentic);
	assert_true(wr_replay_accept(&session->replay, job.counter));
	(void)wr_peer_note_received(puppet->peer, session, wr_clock_now(), len, job.len > 0);
	heard->counter = job.counter;
	heard->len = job.len;
	memmove(heard->bytes, job.dst, job.len);
}

/* Does what the puppet's port asks for now, as far as it is handshakes. */
static void poll_port(struct puppet *puppet)
{
	struct wr_moment moment = { wr_clock_now(), wr_clock_wall() };
	struct wr_output output = { .kind = WR_OUTPUT_NONE };
	struct wr_entropy entropy;

	wr_random(&entropy, sizeof(entropy));
	while (wr_port_poll(puppet->port, &moment, &entropy, &output)) {
		if (output.kind == WR_OUTPUT_DATAGRAM)
			puppet_send(puppet, output.datagram, output.len, 0);
		wr_random(&entropy, sizeof(entropy));
	}
}

void puppet_hear(struct puppet *puppet, struct heard *ret_heard)
{
	size_t len;

	assert_true(sides_run(&puppet->side, 1, puppet->fd, PATIENCE_MS));
	len = receive(puppet, ret_heard);
	ret_heard->len = (uint32_t)len;
	if (ret_heard->type != WR_MESSAGE_DATA)
		return;
	open_message(puppet, ret_heard, len);
	poll_port(puppet); /* the first one confirms a session */
}

static void input(struct puppet *puppet, const struct heard *heard, struct wr_output *output)
{
	struct wr_moment moment = { wr_clock_now(), wr_clock_wall() };
	struct wr_endpoint from = side_endpoint(puppet->side);
	struct wr_entropy entropy;

	wr_random(&entropy, sizeof(entropy));
	assert_int_equal(wr_port_input(puppet->port, (struct wr_bytes){ heard->bytes, heard->len },
				       &from, false, &moment, &entropy, output),
			 WR_TAKEN);
}

void puppet_answer(struct puppet *puppet, const struct heard *heard)
{
	struct wr_output output;

	assert_int_equal(heard->type, WR_MESSAGE_INITIATION);
	input(puppet, heard, &output);
	assert_int_equal(output.kind, WR_OUTPUT_DATAGRAM);
	puppet_send(puppet, output.datagram, output.len, 0);
}

size_t puppet_seal(const struct puppet *puppet, uint64_t counter, const uint8_t *plain, size_t len,
		   uint8_t *ret_message)
{
	const struct wr_session *session = wr_peer_session(puppet->peer, wr_clock_now());
	struct wr_aead_job job = {
		.src = plain,
		.dst = ret_message + WR_DATA_HEADER_LEN,
		.len = (uint32_t)len,
		.counter = counter,
	};

	assert_non_null(session);
	wr_data_header_write(ret_message, session->remote_index, counter);
	puppet->aead->seal(puppet->context, &session->send_key, &job, 1);
	return len + WR_DATA_OVERHEAD;
}

void puppet_shake_hands(struct puppet *puppet)
{
	static struct heard heard;
	uint8_t keepalive[WR_KEEPALIVE_LEN];
	struct wr_output output;

	(void)wr_peer_ask(puppet->peer, WR_ATTENTION_HANDSHAKE);
	poll_port(puppet);
	do /* the side may want a handshake too, for what waits */
		puppet_hear(puppet, &heard);
	while (heard.type == WR_MESSAGE_INITIATION);
	assert_int_equal(heard.type, WR_MESSAGE_RESPONSE);
	input(puppet, &heard, &output);
	assert_int_equal(output.kind, WR_OUTPUT_SESSION);
	struct wr_session *session = wr_peer_session(puppet->peer, wr_clock_now());
	uint64_t counter;

	assert_non_null(session);
	assert_true(wr_session_take_counters(session, 1, &counter));
	size_t len = puppet_seal(puppet, counter, keepalive, 0, keepalive);
	struct wr_instant until = wr_after(wr_clock_now(), WR_SPAN_MS(PATIENCE_MS));

	puppet_send(puppet, keepalive, len, 0);
	while (!wr_peer_session(puppet->as_peer, wr_clock_now()) &&
	       !wr_is_past(until, wr_clock_now()))
		sides_run(&puppet->side, 1, -1, 1);
	assert_non_null(wr_peer_session(puppet->as_peer, wr_clock_now()));
}
