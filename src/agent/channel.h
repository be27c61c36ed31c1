/* The agent's end of the channel: keeps it open, with jittered back-off between attempts, and
 * hands over whole messages.
 *
 * Floor 9.  On the thread of its loop.  Source: docs/agents.md, "The channel". */
#pragma once

#include <jansson.h>
#include <uv.h>

#include "base/base.h"
#include "base/ip.h"

#define WR_CHANNEL_PROTOCOL "warren.v1"

struct wr_channel_config {
	const char *url, *pin; /* as of http/websocket.h; pin NULL: authorities */
	const char *token;     /* the machine's */
	/* The first message: a new object. */
	json_t *(*hello)(void *context);
	void (*received)(void *context, const char *type, const json_t *message);
	void (*datagram)(void *context, struct wr_bytes datagram);
	/* Open, or not any more; `why` then is one line for people. */
	void (*changed)(void *context, bool is_open, const char *why);
	void *context;
};

struct wr_channel;

/* Texts are copied. NULL where memory is short; begins to connect. */
struct wr_channel *wr_channel_open(uv_loop_t *loop, const struct wr_channel_config *config);
/* Says farewell, and ends; `closed` is called from the loop. */
void wr_channel_close(struct wr_channel *channel, void (*closed)(void *context), void *context);

bool wr_channel_is_open(const struct wr_channel *channel);
/* Takes the message. False if it is not open. */
bool wr_channel_send(struct wr_channel *channel, json_t *message);
bool wr_channel_send_datagram(struct wr_channel *channel, struct wr_bytes datagram);
/* Connects now, if it is not: the network changed. If it is open, asks for a sign of life. */
void wr_channel_hurry(struct wr_channel *channel);
/* The server said no: the next attempt is minutes away. */
void wr_channel_rest(struct wr_channel *channel);
/* Another connection, with another hello. */
void wr_channel_again(struct wr_channel *channel);
/* Seconds until the next attempt; 0: it is open, or being opened. */
unsigned wr_channel_waits(const struct wr_channel *channel);
/* Whom it is connected with; family none if it is not. */
struct wr_ip wr_channel_server(const struct wr_channel *channel);
