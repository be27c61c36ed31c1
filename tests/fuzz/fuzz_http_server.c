/* What a stranger may send to the server: HTTP/1.1, or HTTP/2 if it begins so. Two parts, cut at
 * the first byte's place; then the other side hangs up. Requests are answered at once, later,
 * or by a stream, as their path's length says. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fuzz.h"
#include "http/server.h"

#define ROUNDS 200
#define HELD 64

static struct {
	uv_loop_t loop;
	struct wr_http_server *server;
	char folder[40], path[64];
	struct wr_http_request *held[HELD];
	unsigned held_count, stream_count;
} serving;

static void respond(struct wr_http_request *request)
{
	struct wr_bytes body = wr_http_body(request);

	FUZZ_CHECK(wr_http_path(request)[0] == '/' && wr_http_query(request));
	FUZZ_CHECK(body.len <= 4096 && wr_http_is_unix(request));
	wr_http_respond(request, &(struct wr_http_response){ .status = 200,
							     .content_type = "text/plain",
							     .body = body });
}

static void on_ended(void *context)
{
	(void)context;
	serving.stream_count--;
}

static void handle(void *context, struct wr_http_request *request)
{
	struct wr_http_stream *stream;

	(void)context;
	switch (strlen(wr_http_path(request)) % 4) {
	case 2:
		if (serving.held_count < HELD) {
			serving.held[serving.held_count++] = request;
			return;
		}
		break;
	case 3:
		stream = wr_http_stream_begin(request, on_ended, NULL);
		if (stream) {
			serving.stream_count++;
			wr_http_stream_send(stream, "data: x\n\n", 9);
			return;
		}
		break;
	default: break;
	}
	respond(request);
}

static void clean_up(void)
{
	unlink(serving.path);
	rmdir(serving.folder);
}

static void start(void)
{
	struct wr_http_config config = { .unix_path = serving.path,
					 .limits = { 4096, 100, 100, 10 },
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
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, serving.path);
	FUZZ_CHECK(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
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
	if (size < 1 || size > 100000)
		return 0;
	cut = data[0] < size - 1 ? data[0] : size - 1;
	data++;
	size--;
	fd = dial();
	if (send(fd, data, cut, MSG_NOSIGNAL) == (ssize_t)cut) {
		run(2);
		if (send(fd, data + cut, size - cut, MSG_NOSIGNAL) >= 0)
			run(2);
	}
	shutdown(fd, SHUT_WR);
	run(2);
	/* Again and again: what waited behind may be held too. */
	for (unsigned i = 0; i < ROUNDS; i++) {
		while (serving.held_count)
			respond(serving.held[--serving.held_count]);
		run(1);
	}
	drain(fd);
	close(fd);
	run(3);
	FUZZ_CHECK(serving.stream_count == 0);
	return 0;
}
