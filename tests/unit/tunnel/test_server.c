#include "tunnel/uapi_server.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/crypto.h"
#include "linux/namespace.h"
#include "tunnel/uapi_socket.h"

#define OK "errno=0\n\n"

static uv_loop_t loop;
static struct wr_engine *engine;
static struct wr_interface interface;
static struct wr_uapi_socket listening;
static struct wr_uapi_server server;
static unsigned changes;

static void on_changed(void *context)
{
	(void)context;
	changes++;
}

static int begin(void **state)
{
	struct wr_engine_config config = {
		.workers = 1,
		.aead = wr_aead_pick(NULL),
		.timing = wr_timing_paper,
	};

	(void)state;
	changes = 0;
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(wr_engine_new(&config, &engine), 0);
	interface = (struct wr_interface){
		.engine = engine,
		.device = wr_device_new(wr_engine_port(engine)),
	};
	assert_int_equal(wr_uapi_socket_open("wg0", &listening), 0);
	assert_int_equal(wr_uapi_server_start(&server, &loop, listening.fd, &interface, on_changed,
					      NULL),
			 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	wr_uapi_server_stop(&server);
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(server.client_count, 0);
	wr_uapi_socket_done(&listening);
	engine = wr_engine_free(engine);
	return 0;
}

static int client(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_int_equal(
		connect(fd, (struct sockaddr *)&listening.address, sizeof(listening.address)), 0);
	return fd;
}

static void turn(void)
{
	for (int i = 0; i < 3; i++)
		uv_run(&loop, UV_RUN_NOWAIT);
}

static void say(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	turn();
}

/* What the server has written so far. */
static void assert_hears(int fd, const char *want)
{
	char heard[4096];
	ssize_t len = read(fd, heard, sizeof(heard) - 1);

	if (len < 0)
		len = 0;
	heard[len] = '\0';
	assert_string_equal(heard, want);
}

static bool is_hung_up(int fd)
{
	char byte;

	return read(fd, &byte, 1) == 0;
}

static void test_server_answers_request_after_request(void **state)
{
	int fd = client();

	(void)state;
	say(fd, "get=1\n\n");
	assert_hears(fd, OK);
	say(fd, "set=1\nlisten_port=5\n\nget=1\n\n");
	assert_hears(fd, OK "listen_port=5\n" OK);
	say(fd, "set=1\nlisten_port=six\n\nget=1\n\n");
	assert_hears(fd, "errno=-22\n\nlisten_port=5\n" OK);
	close(fd);
	turn();
}

static void test_server_takes_a_request_in_pieces(void **state)
{
	static const char request[] = "set=1\nfwmark=7\n\nget=1\n\n";
	int fd = client();

	(void)state;
	for (size_t i = 0; i < sizeof(request) - 1; i++) {
		assert_int_equal(write(fd, request + i, 1), 1);
		turn();
	}
	assert_hears(fd, OK "fwmark=7\n" OK);
	close(fd);
	turn();
}

static void test_server_does_nothing_for_half_a_request(void **state)
{
	int fd = client();

	(void)state;
	say(fd, "set=1\nfwmark=7\n");
	shutdown(fd, SHUT_WR);
	turn();
	assert_true(is_hung_up(fd));
	assert_int_equal(interface.fwmark, 0);
	assert_int_equal(changes, 0);
	close(fd);
}

/* As `printf 'get=1\n\n' | nc -U` does. */
static void test_server_answers_who_says_no_more(void **state)
{
	int fd = client();

	(void)state;
	assert_int_equal(write(fd, "set=1\nfwmark=9\n\nget=1\n\n", 23), 23);
	shutdown(fd, SHUT_WR);
	turn();
	assert_hears(fd, OK "fwmark=9\n" OK);
	assert_true(is_hung_up(fd));
	close(fd);
}

static void test_server_cuts_off_who_asks_nonsense(void **state)
{
	int fd = client();

	(void)state;
	say(fd, "GET / HTTP/1.1\r\n\n\nset=1\nfwmark=3\n\n");
	assert_hears(fd, "errno=-22\n\n");
	assert_true(is_hung_up(fd));
	assert_int_equal(interface.fwmark, 0);
	close(fd);
}

static void test_server_tells_of_changes_only(void **state)
{
	int fd = client();

	(void)state;
	say(fd, "get=1\n\nget=1\n\nstats=1\n\n");
	assert_int_equal(changes, 0);
	say(fd, "set=1\nfwmark=1\n\n");
	assert_int_equal(changes, 1);
	close(fd);
	turn();
}

static void test_server_serves_many_and_lets_more_wait(void **state)
{
	int fds[WR_UAPI_CLIENTS + 3];

	(void)state;
	for (size_t i = 0; i < WR_ARRAY_LEN(fds); i++) {
		fds[i] = client();
		turn();
		assert_int_equal(write(fds[i], "get=1\n\n", 7), 7);
	}
	for (int i = 0; i < 100; i++)
		turn();
	assert_int_equal(server.client_count, WR_UAPI_CLIENTS);
	for (size_t i = 0; i < WR_ARRAY_LEN(fds); i++)
		assert_hears(fds[i], i < WR_UAPI_CLIENTS ? OK : "");
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
	for (int i = 0; i < 100; i++)
		turn();
	for (size_t i = WR_UAPI_CLIENTS; i < WR_ARRAY_LEN(fds); i++)
		assert_hears(fds[i], OK);
	for (size_t i = 3; i < WR_ARRAY_LEN(fds); i++)
		close(fds[i]);
	for (int i = 0; i < 100; i++)
		turn();
	assert_int_equal(server.client_count, 0);
}

static void add_peers(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct wr_key key = { { (uint8_t)i, (uint8_t)(i >> 8), 1 } };

		assert_non_null(wr_device_add_peer(interface.device, &key));
	}
}

/* An answer that is much longer than a socket holds. */
static void test_server_writes_as_its_client_reads(void **state)
{
	static char heard[1 << 20];
	size_t len = 0, peers = 0;
	int fd = client();
	ssize_t more;

	(void)state;
	add_peers(3000);
	say(fd, "get=1\n\nset=1\nfwmark=1\n\n");
	/* The next request waits until the answer was read. */
	assert_int_equal(interface.fwmark, 0);
	while ((more = read(fd, heard + len, sizeof(heard) - len - 1)) > 0) {
		len += (size_t)more;
		turn();
	}
	heard[len] = '\0';
	assert_string_equal(heard + len - 2 * strlen(OK), OK OK);
	for (const char *at = heard; (at = strstr(at, "public_key=")); at++)
		peers++;
	assert_int_equal(peers, 3000);
	assert_int_equal(interface.fwmark, 1);
	close(fd);
	turn();
}

static void test_server_survives_a_client_that_dies_at_its_answer(void **state)
{
	int fd = client();

	(void)state;
	add_peers(3000);
	say(fd, "get=1\n\n");
	close(fd);
	turn();
	assert_int_equal(server.client_count, 0);
}

/* Keeps writing until the server has had enough. */
static void test_server_cuts_off_who_never_ends(void **state)
{
	static char text[1 << 16];
	size_t written = 0;
	int fd = client();

	(void)state;
	memset(text, 'x', sizeof(text));
	say(fd, "set=1\n");
	for (;;) {
		ssize_t len = send(fd, text, sizeof(text), MSG_NOSIGNAL);

		if (len < 0 && errno != EAGAIN)
			break;
		written += len > 0 ? (size_t)len : 0;
		assert_true(written < 2 * (size_t)WR_UAPI_REQUEST_MAX);
		uv_run(&loop, UV_RUN_NOWAIT);
	}
	assert_int_equal(errno, EPIPE);
	assert_true(written >= WR_UAPI_REQUEST_MAX);
	close(fd);
	turn();
	assert_int_equal(server.client_count, 0);
}

static void test_server_stops_with_clients_connected(void **state)
{
	int fd = client();

	(void)state;
	say(fd, "set=1\nfwmark=1\n\nset=1\n");
	assert_int_equal(server.client_count, 1);
	/* end() must find nothing left. */
}

static int start(void **state)
{
	(void)state;
	namespace_enter();
	return wr_crypto_start();
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_server_answers_request_after_request),
		CASE(test_server_takes_a_request_in_pieces),
		CASE(test_server_does_nothing_for_half_a_request),
		CASE(test_server_answers_who_says_no_more),
		CASE(test_server_cuts_off_who_asks_nonsense),
		CASE(test_server_tells_of_changes_only),
		CASE(test_server_serves_many_and_lets_more_wait),
		CASE(test_server_writes_as_its_client_reads),
		CASE(test_server_survives_a_client_that_dies_at_its_answer),
		CASE(test_server_cuts_off_who_never_ends),
		CASE(test_server_stops_with_clients_connected),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
