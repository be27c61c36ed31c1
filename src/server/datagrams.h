/* WireGuard's datagrams over the channel, at the server: one UDP socket a machine, which stands
 * for it on the loopback interface and speaks to the hub's own port. To the hub it is a machine
 * that comes from 127.64.0.0/10, each from another address, so that what is limited by address
 * does not hit others.
 *
 * Floor 8.  On the thread of its loop.  Source: docs/agents.md, "The channel". */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "base/ip.h"

struct wr_member_datagrams;

struct wr_member_datagrams_config {
	uint16_t hub_port;
	unsigned most;         /* machines at one time; others' are dropped. 0: 4096 */
	unsigned idle_seconds; /* a machine's socket is closed after this. 0: 180 */
	/* One for the machine; it may be dropped where its channel has no room. */
	void (*send)(void *context, int64_t machine, struct wr_bytes datagram);
	void *context;
};

/* 0 or a negative errno. */
int wr_member_datagrams_open(uv_loop_t *loop, const struct wr_member_datagrams_config *config,
			     struct wr_member_datagrams **ret_datagrams) WR_MUST_CHECK;
/* One came from the machine over its channel; what is none of WireGuard's is dropped. */
void wr_member_datagrams_take(struct wr_member_datagrams *datagrams, int64_t machine,
			      struct wr_bytes datagram);
/* Its channel is closed. */
void wr_member_datagrams_end(struct wr_member_datagrams *datagrams, int64_t machine);
/* Machines whose datagrams go this way now. */
size_t wr_member_datagrams_count(const struct wr_member_datagrams *datagrams);
/* True for the address that the hub sees of such a machine: no candidate, and not to be shown. */
bool wr_member_datagrams_is_own(const struct wr_ip *ip);
/* `send` is not called any more; handles close when the loop runs. NULL is fine; returns NULL. */
struct wr_member_datagrams *wr_member_datagrams_close(struct wr_member_datagrams *datagrams);
