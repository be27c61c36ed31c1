/* What a stranger may send once his WebSocket is open: frames of any kind, in two parts, cut at
 * the first byte's place; then he hangs up. Messages are sent back, and one that begins with 'c'
 * closes, with 'p' asks for a pong. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fuzz.h"
#include "http/server.h"
#include "http/websocket.h"

#define ROUNDS 300
#define MESSAGE_MAX 2000

static struct {
	uv_loop_t loop;
	struct wr_http_server *server;
	char folder[40], path[64];
	struct wr_websocket *websocket;
	unsigned open;
} serving;

static void on_received(void *context, bool is_text, const uint8_t *data, size_t len)
{
	(void)context;
	FUZZ_CHECK(len <= MESSAGE_MAX && data[len] == '\0');
	wr_websocket_send(serving.websocket, is_text, data, len);
	if (data[0] == 'p')
		wr_websocket_ping(serving.websocket);
	if (data[0] == 'c')
		wr_websocket_close(serving.websocket, 1000, "you asked for it");
}

static void on_ponged(void *context)
{
	(void)context;
}

static void on_closed(void *context, unsigned status, const char *why)
{
	(void)context;
	FUZZ_CHECK(status == 0 && why[0] && strlen(why) < 200);
	FUZZ_CHECK(serving.open == 1);
	serving.open = 0;
	serving.websocket = NULL;
}

static void handle(void *context, struct wr_http_request *request)
{
	static const struct wr_websocket_limits limits = { MESSAGE_MAX, 20000, 10 };
	static const struct wr_websocket_handlers handlers = { NULL, on_received, on_ponged,
							       on_closed };

	(void)context;
	serving.websocket = wr_websocket_accept(request, "warren.v1", &limits, &handlers, NULL);
	FUZZ_CHECK(serving.websocket);
	serving.open++;
}

static void clean_up(void)
{
	unlink(serving.path);
	rmdir(serving.folder);
}

static void start(void)
{
	struct wr_http_config config = { .unix_path = serving.path,
					 .limits = { 4096, 100, 100, 10, 0 },
					 .handle = handle };

	strcpy(serving.folder, "/tmp/warren-fuzz-XXXXXX");
	FUZZ_CHECK(mkdtemp(serving.folder));
	snprintf(serving.path, sizeof(serving.path), "%s/socket", serving.folder);
	FUZZ_CHECK(uv_loop_init(&serving.loop) == 0);
	FUZZ_CHECK(wr_http_server_open(&serving.loop, &config, &serving.server) == 0);
	atexit(clean_up);
}

static void run(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++)
		uv_run(&serving.loop, UV_RUN_NOWAIT);
}

static int dial(void)
{
	static const char request[] = "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
				      "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
				      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
				      "Sec-WebSocket-Protocol: warren.v1\r\n\r\n";
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ssize_t len = (ssize_t)strlen(request);

	strcpy(address.sun_path, serving.path);
	FUZZ_CHECK(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	FUZZ_CHECK(send(fd, request, (size_t)len, MSG_NOSIGNAL) == len);
	for (unsigned i = 0; i < 10 && !serving.websocket; i++)
		run(1);
	FUZZ_CHECK(serving.websocket);
	return fd;
}

/* Until the server hangs up, which it must. */
static void drain(int fd)
{
	char piece[65536];
	ssize_t len = 1;

	for (unsigned i = 0; i < ROUNDS && len; i++) {
		run(1);
		len = recv(fd, piece, sizeof(piece), 0);
		if (len < 0)
			len = errno == EAGAIN ? 1 : 0;
	}
	FUZZ_CHECK(len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t cut;
	int fd;

	if (!serving.server)
		start();
	if (size < 1 || size > 50000)
		return 0;
	cut = data[0] < size - 1 ? data[0] : size - 1;
	data++;
	size--;
	fd = dial();
	if (send(fd, data, cut, MSG_NOSIGNAL) == (ssize_t)cut) {
		run(2);
		FUZZ_CHECK(!serving.websocket || wr_websocket_unsent(serving.websocket) < 60000);
		if (send(fd, data + cut, size - cut, MSG_NOSIGNAL) >= 0)
			run(2);
	}
	shutdown(fd, SHUT_WR);
	drain(fd);
	close(fd);
	run(3);
	FUZZ_CHECK(serving.open == 0);
	return 0;
}
