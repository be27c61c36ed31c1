/* Thousands of agents in one process: each a real channel (TLS, a machine's token) with nothing
 * behind it. It keeps the version of its map, reads what comes, and comes back when its channel
 * ends, as agents do (src/agent/channel.c).
 *
 *   agents_load URLS PIN TOKENS
 *
 * URLS are separated by commas, and taken in turn: a server limits what comes from one address.
 * TOKENS is a file with a token a line. Commands on standard input, an answer a line:
 *
 *   all            when every agent has its map: "all SECONDS SAME MAPS", since the command
 *   expect COUNT   when so many have been told something: "told P50 P99 MAX", in milliseconds since
 *                  the command
 *   report NUMBER  that agent reports another candidate
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <uv.h>

#include "base/log.h"
#include "crypto/crypto.h"
#include "http/tls.h"
#include "http/websocket.h"

#define MOST 50000
#define FIRST_WAIT_MS 1000
#define LONGEST_WAIT_MS 60000
/* At the first time they come so fast, in a second. */
#define FIRST_RATE 1500
/* Handshakes at one time: they are all this process's own work, where agents have hosts of their
 * own. */
#define CONNECTING 300

struct load;

struct agent {
	struct load *load;
	struct wr_websocket *websocket;
	uv_timer_t timer;
	char *authorization;
	uint64_t wait_ms;
	char map[64], epoch[24];
	bool has_map, is_told, is_connecting;
	unsigned reports;
};

struct load {
	uv_loop_t loop;
	uv_pipe_t input;
	char line[256];
	size_t line_len;
	char *urls[64];
	size_t url_count;
	const char *pin;
	SSL_CTX *tls;
	struct agent *agents;
	size_t count, with_map, same, maps, connecting;
	uint64_t asked_all, asked_told; /* uv_hrtime(); 0: not asked */
	size_t expected, told;
	double *times;
};

static struct load load;

/* --- What is measured. --- */

static int by_size(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return left < right ? -1 : left > right;
}

static void look_all(void)
{
	if (!load.asked_all || load.with_map < load.count)
		return;
	printf("all %.3f %zu %zu\n", (double)(uv_hrtime() - load.asked_all) / 1e9, load.same,
	       load.maps);
	fflush(stdout);
	load.asked_all = 0;
}

static void tell(struct agent *agent)
{
	if (!load.asked_told || agent->is_told)
		return;
	agent->is_told = true;
	load.times[load.told++] = (double)(uv_hrtime() - load.asked_told) / 1e6;
	if (load.told < load.expected)
		return;
	qsort(load.times, load.told, sizeof(*load.times), by_size);
	printf("told %.2f %.2f %.2f\n", load.times[load.told / 2], load.times[load.told * 99 / 100],
	       load.times[load.told - 1]);
	fflush(stdout);
	load.asked_told = 0;
}

/* --- A channel. --- */

/* The text member behind `name`, by its letters: maps are large, and there are many. */
static void take_text(const char *message, const char *name, char *ret_text, size_t size)
{
	const char *at = strstr(message, name);
	size_t len;

	if (!at)
		return;
	at += strlen(name);
	len = strcspn(at, "\"");
	if (len < size) {
		memcpy(ret_text, at, len);
		ret_text[len] = '\0';
	}
}

static bool begins(const char *message, const char *with)
{
	return strncmp(message, with, strlen(with)) == 0;
}

static void have_map(struct agent *agent)
{
	if (!agent->has_map) {
		agent->has_map = true;
		load.with_map++;
	}
	look_all();
}

static void on_message(void *context, bool is_text, const uint8_t *data, size_t len)
{
	struct agent *agent = context;
	const char *message = (const char *)data;

	(void)len;
	if (!is_text)
		return;
	if (begins(message, "{\"type\":\"map\"")) {
		take_text(message, "\"version\":\"", agent->map, sizeof(agent->map));
		load.maps++;
		have_map(agent);
		tell(agent);
	} else if (begins(message, "{\"type\":\"delta\"")) {
		take_text(message, "\"version\":\"", agent->map, sizeof(agent->map));
		tell(agent);
	} else if (begins(message, "{\"type\":\"same\"")) {
		load.same++;
		have_map(agent);
	} else if (begins(message, "{\"type\":\"welcome\"")) {
		take_text(message, "\"epoch\":\"", agent->epoch, sizeof(agent->epoch));
	} else if (begins(message, "{\"type\":\"refused\"")) {
		fprintf(stderr, "%s\n", message);
	}
}

static void stop_connecting(struct agent *agent)
{
	load.connecting -= agent->is_connecting;
	agent->is_connecting = false;
}

static void on_opened(void *context)
{
	struct agent *agent = context;
	char hello[400];
	int len = snprintf(
		hello, sizeof(hello),
		"{\"type\":\"hello\",\"protocol\":1,\"version\":\"load\",\"instance\":\"i%p\","
		"\"backend\":\"engine\",\"epoch\":\"%s\",\"map\":\"%s\"}",
		(void *)agent, agent->epoch, agent->map);

	agent->wait_ms = FIRST_WAIT_MS;
	stop_connecting(agent);
	(void)wr_websocket_send(agent->websocket, true, hello, (size_t)len);
}

static void attempt(uv_timer_t *timer);

static void come_back(struct agent *agent)
{
	uint64_t ms = agent->wait_ms / 2 + (uint64_t)rand() % agent->wait_ms;

	agent->wait_ms = agent->wait_ms * 2 < LONGEST_WAIT_MS ? agent->wait_ms * 2
							      : LONGEST_WAIT_MS;
	uv_timer_start(&agent->timer, attempt, ms, 0);
}

static void on_closed(void *context, unsigned status, const char *why)
{
	struct agent *agent = context;

	if (status)
		fprintf(stderr, "answered with %u\n", status);
	else if (agent->wait_ms > FIRST_WAIT_MS)
		fprintf(stderr, "%s\n", why);
	agent->websocket = NULL;
	stop_connecting(agent);
	if (agent->has_map)
		load.with_map--;
	agent->has_map = false;
	come_back(agent);
}

static void attempt(uv_timer_t *timer)
{
	static const struct wr_websocket_limits limits = {
		.message = 32u << 20,
		.unsent = 1u << 20,
	};
	static const struct wr_websocket_handlers handlers = {
		.opened = on_opened,
		.received = on_message,
		.closed = on_closed,
	};
	struct agent *agent = timer->data;
	const struct wr_websocket_target target = {
		.url = load.urls[(size_t)(agent - load.agents) % load.url_count],
		.pin = load.pin,
		.path = "/api/v1/agent",
		.protocol = "warren.v1",
		.authorization = agent->authorization,
		.timeout_seconds = 20,
		.tls = load.tls,
	};

	if (load.connecting >= CONNECTING) {
		uv_timer_start(timer, attempt, 20 + (uint64_t)rand() % 60, 0);
		return;
	}
	if (wr_websocket_connect(&load.loop, &target, &limits, &handlers, agent,
				 &agent->websocket) < 0) {
		come_back(agent);
		return;
	}
	agent->is_connecting = true;
	load.connecting++;
}

/* --- Commands. --- */

static void report(size_t number)
{
	struct agent *agent = number < load.count ? &load.agents[number] : NULL;
	char text[200];
	int len;

	if (!agent || !agent->websocket)
		return;
	len = snprintf(text, sizeof(text),
		       "{\"type\":\"report\",\"candidates\":[{\"kind\":\"local\",\"endpoint\":"
		       "\"192.168.1.1:%u\"}]}",
		       1 + agent->reports++ % 60000);
	(void)wr_websocket_send(agent->websocket, true, text, (size_t)len);
}

static void obey(const char *line)
{
	unsigned long number = 0;

	if (strcmp(line, "all") == 0) {
		load.asked_all = uv_hrtime();
		load.same = load.maps = 0;
		look_all();
	} else if (sscanf(line, "expect %lu", &number) == 1) {
		load.asked_told = uv_hrtime();
		load.expected = number;
		load.told = 0;
		for (size_t i = 0; i < load.count; i++)
			load.agents[i].is_told = false;
	} else if (sscanf(line, "report %lu", &number) == 1) {
		report(number);
	}
}

static void on_buffer(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
	(void)handle;
	(void)suggested;
	*buffer = uv_buf_init(load.line + load.line_len,
			      (unsigned)(sizeof(load.line) - 1 - load.line_len));
}

static void on_input(uv_stream_t *stream, ssize_t len, const uv_buf_t *buffer)
{
	char *end;

	(void)stream;
	(void)buffer;
	if (len < 0)
		exit(0);
	load.line_len += (size_t)len;
	while ((end = memchr(load.line, '\n', load.line_len))) {
		size_t used = (size_t)(end - load.line) + 1;

		*end = '\0';
		obey(load.line);
		load.line_len -= used;
		memmove(load.line, load.line + used, load.line_len);
	}
}

/* --- The start. --- */

static bool read_tokens(const char *path)
{
	FILE *file = fopen(path, "re");
	char token[200];

	load.agents = calloc(MOST, sizeof(*load.agents));
	load.times = calloc(MOST, sizeof(*load.times));
	if (!file || !load.agents || !load.times)
		return false;
	while (load.count < MOST && fscanf(file, "%199s", token) == 1) {
		struct agent *agent = &load.agents[load.count++];

		if (asprintf(&agent->authorization, "Bearer %s", token) < 0)
			return false;
		agent->wait_ms = FIRST_WAIT_MS;
		uv_timer_init(&load.loop, &agent->timer);
		agent->timer.data = agent;
	}
	fclose(file);
	return true;
}

static void split_urls(char *text)
{
	char *url;

	while (load.url_count < 64 && (url = strsep(&text, ",")))
		load.urls[load.url_count++] = url;
}

static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: agents_load URLS PIN TOKENS\n");
		return 2;
	}
	raise_limit();
	(void)signal(SIGPIPE, SIG_IGN);
	if (wr_crypto_start() < 0 || uv_loop_init(&load.loop) < 0)
		return 1;
	split_urls(argv[1]);
	load.pin = argv[2];
	load.tls = wr_tls_client_context(true);
	if (!load.tls || !read_tokens(argv[3]))
		return 1;
	for (size_t i = 0; i < load.count; i++)
		uv_timer_start(&load.agents[i].timer, attempt, i * 1000 / FIRST_RATE, 0);
	uv_pipe_init(&load.loop, &load.input, 0);
	uv_pipe_open(&load.input, 0);
	uv_read_start((uv_stream_t *)&load.input, on_buffer, on_input);
	printf("ready %zu\n", load.count);
	fflush(stdout);
	return uv_run(&load.loop, UV_RUN_DEFAULT);
}
