/* A server on a thread of its own, for tests that speak to it from outside. */
#pragma once

#include <stdatomic.h>
#include <uv.h>

#include "http/server.h"

struct serving {
	uv_thread_t thread;
	uv_loop_t loop;
	uv_async_t async;
	struct wr_http_config config;
	struct wr_http_server *server;
	char folder[64]; /* temporary: certificate, key, socket */
	char cert_file[96], key_file[96], unix_path[96], listen[32];
	char pin[45];
	uint16_t port;
	uv_sem_t started;

	/* What the handler keeps; only on its thread. */
	struct wr_http_request *held[512];
	unsigned held_count;
	struct listener *streams[64];
	unsigned stream_count;

	_Atomic unsigned handled; /* requests that the handler got */
	_Atomic unsigned waiting; /* of them, that it holds */
	_Atomic unsigned listening, ended, too_slow;
	_Atomic int order; /* what the test wants of the loop */
	_Atomic bool is_closed;
	uv_sem_t done;
};

/* Paths: /echo (what came, as text), /big?N (N bytes), /hold (until serving_release), /events
 * (a stream: one event, then those of serving_publish), /none (204). */
void serving_start(struct serving *serving, const char *listen, bool has_tls,
		   const struct wr_http_limits *limits, bool trusts_proxy);
/* Each does its thing on the loop and comes back when it is done. */
void serving_release(struct serving *serving);
void serving_publish(struct serving *serving);
void serving_end_streams(struct serving *serving);
int serving_reload(struct serving *serving);
void serving_close(struct serving *serving, unsigned grace_ms); /* begins it only */
/* Closes it if that was not begun, waits for the thread, and removes the folder. */
void serving_stop(struct serving *serving);

/* A socket to it; fails the test where there is none. */
int serving_connect(const struct serving *serving);
int serving_connect_unix(const struct serving *serving);
void send_text(int fd, const char *text);
void send_bytes(int fd, const void *data, size_t len);
/* Reads until the other side closes, or `until` (NULL: only then) stands in what came, or 5
 * seconds are over; a new text. */
char *receive_until(int fd, const char *until);
/* The status of the answer; 0 if there was none. */
unsigned status_of(const char *answer);
/* Waits until the counter is `value`; fails the test after 5 seconds. */
void wait_until(_Atomic unsigned *counter, unsigned value);
