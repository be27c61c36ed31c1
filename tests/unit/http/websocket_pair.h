/* A server and clients of WebSockets on one loop, and raw sockets to the server. */
#pragma once

#include <uv.h>

#include "http/server.h"
#include "http/websocket.h"

#define PAIR_MESSAGES 64

/* One end: what it was told. */
struct end {
	struct wr_websocket *websocket; /* NULL: closed */
	struct pair *pair;
	bool is_open, is_closed;
	unsigned opened, ponged, closed, status;
	char why[256];
	unsigned count; /* messages */
	size_t bytes;
	bool is_text;
	uint8_t *last; /* of them */
	size_t last_len;
	bool echoes; /* what comes */
};

struct pair {
	uv_loop_t loop;
	uv_timer_t guard;
	struct wr_http_config config;
	struct wr_http_server *server;
	struct wr_websocket_limits limits; /* of the server's ends */
	char folder[64], cert_file[96], key_file[96], listen[32], pin[45], url[64];
	uint16_t port;
	bool is_served, is_late;
	unsigned refuse; /* status of an answer, instead of a WebSocket */
	bool takes_later;
	struct wr_http_request *held;
	struct end served[PAIR_MESSAGES]; /* in the order that they came */
	unsigned served_count;
};

void pair_start(struct pair *pair, bool has_tls, const struct wr_websocket_limits *limits);
void pair_stop(struct pair *pair);
/* What was held. */
void pair_accept(struct pair *pair, struct wr_http_request *request);
/* Begins to connect; fails the test where that cannot be. */
void pair_connect(struct pair *pair, struct end *end, const struct wr_websocket_limits *limits);
struct wr_websocket_target pair_target(const struct pair *pair);
void pair_connect_to(struct pair *pair, struct end *end, const struct wr_websocket_target *target,
		     const struct wr_websocket_limits *limits);
void end_done(struct end *end);
/* Runs the loop until the condition holds; fails the test after ten seconds. */
#define pair_until(pair, condition) \
	do { \
		pair_arm(pair); \
		while (!(condition) && !(pair)->is_late) \
			uv_run(&(pair)->loop, UV_RUN_ONCE); \
		if (!(condition)) \
			print_error("never: %s\n", #condition); \
		assert_true(condition); \
	} while (0)
void pair_arm(struct pair *pair);

/* A socket to it, which has shaken hands and speaks frames; in the clear only. */
int pair_raw(struct pair *pair);
/* As pair_raw(), with the request given; the answer's head is left in `ret_answer`. */
int pair_raw_ask(struct pair *pair, const char *request, char *ret_answer, size_t room);
void pair_raw_send(int fd, const void *data, size_t len);
/* Runs the loop until so many bytes came, or the other side closed; how many there are. */
size_t pair_raw_receive(struct pair *pair, int fd, uint8_t *data, size_t len);
