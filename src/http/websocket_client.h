/* The client's end of a WebSocket from inside: name, address, TLS, request; then it carries frames.
 * Each step ends in the next, or in wr_client_fail(); the end is the callbacks of uv_close().
 *
 * Floor 7, for websocket_client*.c alone.  On the thread of its loop. */
#pragma once

#include <uv.h>

#include "http/certificate.h"
#include "http/tls.h"
#include "http/url.h"
#include "http/websocket_state.h"

enum wr_client_phase {
	WR_CLIENT_LOOKING,
	WR_CLIENT_CONNECTING,
	WR_CLIENT_SHAKING, /* hands: TLS */
	WR_CLIENT_ASKING,
	WR_CLIENT_OPEN,
	WR_CLIENT_ENDING
};

/* Outlives the client, if that ends first: a look-up cannot be stopped. */
struct wr_client_lookup {
	uv_getaddrinfo_t request;
	struct wr_client *client; /* NULL: not wanted any more */
};

struct wr_client {
	struct wr_websocket *websocket;
	uv_loop_t *loop;
	enum wr_client_phase phase;
	struct wr_url url;
	char *path, *protocol, *authorization;
	char pin[WR_PIN_LEN + 1]; /* "": the system's authorities decide */
	uint32_t mark;
	SSL_CTX *context;
	uint64_t deadline; /* uv_now() by when it is open */

	struct wr_client_lookup *lookup;
	struct addrinfo *found, *next;
	uv_connect_t connect;
	uv_tcp_t tcp;
	uv_timer_t timer;
	bool has_tcp;
	unsigned handles; /* not closed yet */

	struct wr_tls *tls;
	char key[WR_WEBSOCKET_KEY_LEN + 1];
	struct wr_buffer head;
	unsigned status; /* of a refusal */
	size_t unsent;
	bool is_reading;
};

/* --- websocket_client.c --- */
void wr_client_end(struct wr_client *client);
/* Says why, and ends. */
void wr_client_fail(struct wr_client *client, const char *format, ...) WR_PRINTF(2, 3);
/* A handle is closed: was it the last? */
void wr_client_look_gone(struct wr_client *client);
/* Something came: from now on it may be silent for so long. */
void wr_client_watch(struct wr_client *client);

/* --- websocket_client_dial.c --- */
/* Begins: the name's addresses, one after the other. 0 or a negative errno. */
int wr_client_look_up(struct wr_client *client) WR_MUST_CHECK;

/* It took too long: the next address, or none. */
void wr_client_on_time(uv_timer_t *timer);

/* --- websocket_client_ask.c --- */
/* TLS stands: asks, if it is who it should be. */
void wr_client_look_at_certificate(struct wr_client *client);
void wr_client_ask(struct wr_client *client);
void wr_client_read_answer(struct wr_client *client, const uint8_t *data, size_t len);

/* --- websocket_client_bytes.c --- */
void wr_client_send(struct wr_client *client, const uint8_t *data, size_t len);
/* What came, after TLS. */
void wr_client_take(struct wr_client *client, const uint8_t *data, size_t len);
void wr_client_read_tls(struct wr_client *client);
/* Reads, or waits until what it has to say is gone. */
void wr_client_read_on(struct wr_client *client);
void wr_client_write_frames(struct wr_websocket *websocket);
