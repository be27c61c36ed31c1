/* WireGuard's datagrams over the channel, at the agent: a UDP socket on 127.0.0.1 that stands for
 * the hub's port. What the tunnel sends to it goes out as a message, and what comes as a message
 * is sent to the tunnel.
 *
 * Other programs of this host can reach the socket too: only what looks like WireGuard is taken,
 * and answers go to the tunnel's port alone, once that is known (wr_datagrams_expect()).
 *
 * Floor 9.  On the thread of its loop.  Source: docs/agents.md, "The channel". */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "base/ip.h"

/* An IPv4 datagram can hold no more. */
#define WR_DATAGRAM_MAX 65507

struct wr_datagrams;

/* `send` is called with each datagram for the hub; it may drop it. 0 or a negative errno. */
int wr_datagrams_open(uv_loop_t *loop, void (*send)(void *context, struct wr_bytes datagram),
		      void *context, struct wr_datagrams **ret_datagrams) WR_MUST_CHECK;
/* Where the tunnel finds the hub now. */
void wr_datagrams_endpoint(const struct wr_datagrams *datagrams, struct wr_endpoint *ret_endpoint);
/* The tunnel's own port (wr_backend_port()): nobody else is listened to. 0: whoever sends what
 * looks like WireGuard's, the last one gets the answers. */
void wr_datagrams_expect(struct wr_datagrams *datagrams, uint16_t port);
/* One came over the channel. Dropped where nobody has sent anything yet and no port is known. */
void wr_datagrams_take(struct wr_datagrams *datagrams, struct wr_bytes datagram);
/* `send` is not called any more; handles close when the loop runs. NULL is fine; returns NULL. */
struct wr_datagrams *wr_datagrams_close(struct wr_datagrams *datagrams);
