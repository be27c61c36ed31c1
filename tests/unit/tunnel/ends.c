#include "ends.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "crypto/noise.h"

/* Nothing that is waited for takes as long, in an emulated machine neither. */
#define PATIENCE_MS 20000

uv_loop_t loop;
struct end first = { .name = "first" }, second = { .name = "second" };

/* --- What is told. --- */

static void on_heard(void *context, const struct wr_key *peer, const struct wr_endpoint *from)
{
	struct end *end = context;

	end->heard++;
	end->peer = *peer;
	end->from = *from;
}

static void on_shook(void *context, const struct wr_key *peer)
{
	struct end *end = context;

	end->shook++;
	end->peer = *peer;
}

static void on_knocked(void *context, struct wr_bytes datagram, const struct wr_endpoint *from)
{
	struct end *end = context;

	assert_in_range(datagram.len, 1, sizeof(end->knock));
	memcpy(end->knock, datagram.data, datagram.len);
	end->knock_len = datagram.len;
	end->knocks++;
	end->from = *from;
}

static void on_gone(void *context)
{
	struct end *end = context;

	end->gone++;
}

/* --- The cable. --- */

static enum wr_backend_kind kind_of(const char *word)
{
	return strncmp(word, "kernel", 6) == 0 ? WR_BACKEND_KERNEL : WR_BACKEND_ENGINE;
}

static void make_key(struct end *end)
{
	wr_random(&end->private_key, sizeof(end->private_key));
	wr_x25519_clamp(&end->private_key);
	end->public_key = wr_x25519_public(&end->private_key);
}

/* The whole path of ip: busybox has a smaller one in the guest. */
static void lay_cable(void)
{
	assert_int_equal(wr_netns_create("first", &first.netns), 0);
	assert_int_equal(wr_netns_create("second", &second.netns), 0);
	namespace_run(
		"/usr/sbin/ip link add cable netns first type veth peer name cable netns second");
	namespace_run("/usr/sbin/ip -n first addr add " FIRST_ADDRESS "/24 dev cable");
	namespace_run("/usr/sbin/ip -n first addr add " FIRST_OTHER_ADDRESS "/24 dev cable");
	namespace_run("/usr/sbin/ip -n second addr add " SECOND_ADDRESS "/24 dev cable");
	namespace_run("/usr/sbin/ip -n second addr add " SECOND_OTHER_ADDRESS "/24 dev cable");
	namespace_run(
		"/usr/sbin/ip -n first link set cable up && /usr/sbin/ip -n second link set cable up");
}

int ends_enter(void **state)
{
	const char *kinds = getenv("WARREN_TEST_BACKENDS");

	(void)state;
	if (!kinds)
		kinds = "engine engine";
	first.kind = kind_of(kinds);
	assert_non_null(strchr(kinds, ' '));
	second.kind = kind_of(strchr(kinds, ' ') + 1);
	namespace_enter();
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(wr_crypto_start(), 0);
	lay_cable();
	return 0;
}

int ends_leave(void **state)
{
	(void)state;
	assert_int_equal(uv_loop_close(&loop), 0);
	wr_netns_delete("first");
	wr_netns_delete("second");
	wr_netns_close(&first.netns);
	wr_netns_close(&second.netns);
	return 0;
}

/* --- An end. --- */

struct wr_backend_config end_config(struct end *end, const char *name, uint16_t port)
{
	return (struct wr_backend_config){
		.name = name,
		.kind = end->kind,
		.private_key = end->private_key,
		.port = port,
		.mtu = 1400,
		.workers = 2,
		.aead = wr_aead_pick(NULL),
		.has_wg_view = end == &first,
		.heard = on_heard,
		.shook = on_shook,
		.knocked = on_knocked,
		.has_stun = true,
		.gone = on_gone,
		.context = end,
	};
}

int end_open(struct end *end, const char *name, uint16_t port, char ret_why[200])
{
	struct wr_backend_config config = end_config(end, name, port);
	struct wr_netns_visit visit;
	int status;

	end->heard = end->shook = end->gone = end->knocks = 0;
	assert_int_equal(wr_netns_enter(&end->netns, &visit), 0);
	status = wr_backend_open(&loop, &config, &end->backend, ret_why);
	wr_netns_leave(&visit);
	return status;
}

void end_close(struct end *end)
{
	struct wr_netns_visit visit;

	assert_int_equal(wr_netns_enter(&end->netns, &visit), 0);
	end->backend = wr_backend_free(end->backend);
	wr_netns_leave(&visit);
}

int end_set_up(struct end *end, bool is_up)
{
	struct wr_netns_visit visit;
	int status;

	assert_int_equal(wr_netns_enter(&end->netns, &visit), 0);
	status = wr_backend_set_up(end->backend, is_up);
	wr_netns_leave(&visit);
	return status;
}

static void open_up(struct end *end, const char *inside)
{
	char why[200];

	make_key(end);
	if (end_open(end, "wg0", 0, why) < 0)
		fail_msg("%s", why);
	assert_int_equal(end_set_up(end, true), 0);
	namespace_run("/usr/sbin/ip -n %s addr add %s/24 dev wg0", end->name, inside);
}

int ends_open(void **state)
{
	(void)state;
	open_up(&first, FIRST_INSIDE);
	open_up(&second, SECOND_INSIDE);
	return 0;
}

int ends_close(void **state)
{
	(void)state;
	end_close(&first);
	end_close(&second);
	return 0;
}

/* --- Peers. --- */

void end_add(struct end *end, const struct end *other, const char *const *allowed)
{
	struct wr_prefix prefixes[8];
	struct wr_backend_peer peer = { .public_key = other->public_key, .allowed = prefixes };

	for (; allowed[peer.allowed_count]; peer.allowed_count++) {
		const char *text = allowed[peer.allowed_count];

		assert_true(wr_prefix_parse(text, strlen(text), &prefixes[peer.allowed_count]));
	}
	assert_int_equal(wr_backend_set_peer(end->backend, &peer), 0);
}

struct wr_endpoint endpoint_of(const struct end *end, const char *address)
{
	struct wr_endpoint endpoint = { .port = wr_backend_port(end->backend) };

	assert_true(wr_ip_parse(address, strlen(address), &endpoint.ip));
	return endpoint;
}

void ends_introduce(void)
{
	struct wr_endpoint endpoint = endpoint_of(&second, SECOND_ADDRESS);

	end_add(&first, &second, (const char *[]){ SECOND_INSIDE "/32", NULL });
	end_add(&second, &first, (const char *[]){ FIRST_INSIDE "/32", NULL });
	assert_int_equal(wr_backend_set_endpoint(first.backend, &second.public_key, &endpoint), 0);
	endpoint = endpoint_of(&first, FIRST_ADDRESS);
	assert_int_equal(wr_backend_set_endpoint(second.backend, &first.public_key, &endpoint), 0);
}

static bool have_shaken(void)
{
	return first.shook && second.shook;
}

void ends_shake_hands(void)
{
	assert_int_equal(wr_backend_wake(first.backend, &second.public_key), 0);
	await(have_shaken, "a handshake");
}

struct see {
	const struct end *other;
	struct wr_backend_sight sight;
	unsigned count;
};

static void see(void *context, const struct wr_backend_sight *sight)
{
	struct see *seen = context;

	if (!wr_key_equal(&sight->public_key, &seen->other->public_key))
		return;
	seen->sight = *sight;
	seen->count++;
}

struct wr_backend_sight end_see(struct end *end, const struct end *other)
{
	struct see seen = { .other = other };

	assert_int_equal(wr_backend_look(end->backend, see, &seen), 0);
	assert_int_equal(seen.count, 1);
	return seen.sight;
}

/* --- Time. --- */

static void on_timer(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

static void turn_until(bool (*is_so)(void), unsigned ms)
{
	uv_timer_t timer;
	bool is_over = false;

	uv_timer_init(&loop, &timer);
	timer.data = &is_over;
	/* Again and again: uv_run() may call it first, and wait for something else after. */
	uv_timer_start(&timer, on_timer, ms, ms ? ms : 1);
	while (!is_over && !(is_so && is_so()))
		uv_run(&loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
}

void await(bool (*is_so)(void), const char *what)
{
	turn_until(is_so, PATIENCE_MS);
	if (!is_so())
		fail_msg("%s did not come within %d s", what, PATIENCE_MS / 1000);
}

void turn_for(unsigned ms)
{
	turn_until(NULL, ms);
}

/* --- Packets. --- */

int end_socket(struct end *end, const char *address, uint16_t port)
{
	struct wr_ip ip;
	int fd;

	assert_true(wr_ip_parse(address, strlen(address), &ip));
	assert_int_equal(wr_netns_bind(&end->netns, SOCK_DGRAM, &ip, port, &fd), 0);
	return fd;
}

void send_to(int fd, const char *address, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };

	assert_int_equal(inet_pton(AF_INET, address, &to.sin_addr), 1);
	assert_int_equal(sendto(fd, "hello", 5, 0, (struct sockaddr *)&to, sizeof(to)), 5);
}

static int listener;
static bool has_come;

static bool has_received(void)
{
	char bytes[64];

	has_come |= recv(listener, bytes, sizeof(bytes), MSG_DONTWAIT) > 0;
	return has_come;
}

/* The loop sleeps between packets of the tunnel, so it is turned a little at a time. */
bool receives(int fd, unsigned ms)
{
	listener = fd;
	has_come = false;
	for (unsigned waited = 0; !has_received() && waited < ms; waited += 10)
		turn_until(NULL, 10);
	return has_come;
}

static int connect_to(struct end *end, const char *address, uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd;

	assert_int_equal(inet_pton(AF_INET, address, &to.sin_addr), 1);
	assert_int_equal(wr_netns_socket(&end->netns, WR_IPV4, SOCK_STREAM, &fd), 0);
	(void)!connect(fd, (struct sockaddr *)&to, sizeof(to));
	return fd;
}

static int listen_at(struct end *end, const char *address, uint16_t port)
{
	struct wr_ip ip;
	int fd;

	assert_true(wr_ip_parse(address, strlen(address), &ip));
	assert_int_equal(wr_netns_bind(&end->netns, SOCK_STREAM, &ip, port, &fd), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* Accepts, once; then reads what there is. Returns how much. */
static size_t drain(int server, int *reader)
{
	static char bytes[65536];
	size_t got = 0;
	ssize_t len;

	if (*reader < 0)
		*reader = accept4(server, NULL, NULL, SOCK_NONBLOCK);
	while (*reader >= 0 && (len = read(*reader, bytes, sizeof(bytes))) > 0)
		got += (size_t)len;
	return got;
}

bool ends_carry_tcp(uint16_t port, size_t bytes)
{
	static const char zeros[65536];
	int server = listen_at(&second, SECOND_INSIDE, port), reader = -1;
	int writer = connect_to(&first, SECOND_INSIDE, port);
	size_t sent = 0, got = 0;

	for (unsigned turns = 0; got < bytes && turns < 20000; turns++) {
		size_t rest = bytes - sent < sizeof(zeros) ? bytes - sent : sizeof(zeros);
		ssize_t len = rest ? send(writer, zeros, rest, MSG_NOSIGNAL) : 0;

		sent += len > 0 ? (size_t)len : 0;
		got += drain(server, &reader);
		turn_until(NULL, 1);
	}
	close(server);
	close(writer);
	if (reader >= 0)
		close(reader);
	return got == bytes;
}
