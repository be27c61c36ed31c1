/* A WebSocket from inside: frames by libwslay, carried by a server's connection or a client's.
 *
 * Floor 7.  On the thread of its loop. Opaque to other folders.
 *
 * libwslay's state is 8 KiB, and the most of a WebSocket's time nothing happens: so it is made
 * when bytes come or go, and freed when it stands between two frames with nothing to send. */
#pragma once

#include <sys/socket.h>

#include <wslay/wslay.h>

#include "http/buffer.h"
#include "http/websocket.h"

#define WR_WEBSOCKET_WHY_LEN 200
/* RFC 6455 section 4.1: base64 of 16 bytes; of a SHA-1. */
#define WR_WEBSOCKET_KEY_LEN 24
#define WR_WEBSOCKET_ACCEPT_LEN 28
/* Once it is closing, all must be said within this time. */
#define WR_WEBSOCKET_GOODBYE_MS 2000
/* TCP asks who is silent so long; its users ask sooner, by pings. */
#define WR_WEBSOCKET_KEEPALIVE_SECONDS 600

/* What carries the bytes. */
struct wr_websocket_carrier {
	bool is_server;
	/* Sends what wr_websocket_make() makes, as far as there is room. Calls nobody back. */
	void (*write)(struct wr_websocket *websocket);
	/* Bytes that were made and are not gone. */
	size_t (*unsent)(const struct wr_websocket *websocket);
	/* It is closing: give it WR_WEBSOCKET_GOODBYE_MS, and end it when it is done. */
	void (*closing)(struct wr_websocket *websocket);
	/* The local address; false if there is none. */
	bool (*local)(const struct wr_websocket *websocket, struct sockaddr_storage *ret_address);
};

struct wr_websocket {
	const struct wr_websocket_carrier *carrier;
	void *carried; /* the carrier's own */
	struct wr_websocket_limits limits;
	struct wr_websocket_handlers handlers;
	void *context;
	struct wr_ip remote;

	wslay_event_context_ptr frames; /* NULL: at rest */
	uint64_t given, used;           /* bytes to `frames`, and those of frames that began */
	uint8_t opcode;                 /* of the frame that is coming */
	bool is_fragmented;             /* a message is half there */
	struct wr_buffer message;       /* that is coming */
	const uint8_t *coming;          /* during wr_websocket_take() */
	size_t coming_len;
	uint8_t *piece; /* during wr_websocket_make() */
	size_t piece_len, piece_room;

	bool is_open;
	bool is_busy;    /* libwslay is at work */
	bool is_closing; /* nothing more is taken to be sent, or told */
	bool is_broken;  /* memory is short, or the like: no goodbye */
	bool is_idle;    /* why it ends: nothing came */
	char *why;       /* the first reason; NULL: none yet */
};

/* NULL where memory is short. */
struct wr_websocket *wr_websocket_new(const struct wr_websocket_carrier *carrier, void *carried,
				      const struct wr_websocket_limits *limits,
				      const struct wr_websocket_handlers *handlers, void *context);
/* Calls `closed`, and frees it. */
void wr_websocket_gone(struct wr_websocket *websocket, unsigned status);
/* Frees it without a word. NULL is fine; returns NULL. */
struct wr_websocket *wr_websocket_free(struct wr_websocket *websocket);
/* Why it ends; the first one stays. */
void wr_websocket_say_why(struct wr_websocket *websocket, const char *format, ...) WR_PRINTF(2, 3);

/* libwslay is there. False where memory is short: then it is broken. */
bool wr_websocket_wake(struct wr_websocket *websocket) WR_MUST_CHECK;
/* Nothing more is taken to be sent, or told. */
void wr_websocket_begin_closing(struct wr_websocket *websocket);

/* Bytes came; messages are handed on. */
void wr_websocket_take(struct wr_websocket *websocket, const uint8_t *data, size_t len);
/* So much waits to go out that nothing should be taken now: each ping is answered. */
bool wr_websocket_is_full(const struct wr_websocket *websocket);
/* The next bytes to send: how many; 0: none. */
size_t wr_websocket_make(struct wr_websocket *websocket, uint8_t *piece, size_t room);
/* All has been said, by us and the other side: the connection can end. */
bool wr_websocket_is_done(const struct wr_websocket *websocket);

/* What answers the key (RFC 6455 section 4.2.2). */
void wr_websocket_answer_key(const char *key, char ret_accept[WR_WEBSOCKET_ACCEPT_LEN + 1]);
/* The list ("Upgrade, close") has the word, in any case of letters. */
bool wr_websocket_has_word(const char *list, const char *word);
