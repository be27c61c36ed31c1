/* The sockets of discovery: on each interface that can one for multicast of each family, following
 * the host's interfaces and addresses; and a port of our own for what comes straight to us, where
 * WireGuard's own cannot be used.
 *
 * Floor 9.  On the thread of its loop.  Source: linux/multicast.h. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "base/ip.h"

struct wr_ears_config {
	uint16_t port;          /* of multicast */
	struct wr_ip groups[2]; /* IPv4, IPv6 */
	bool has_lan;           /* false: no multicast */
	bool has_own_port;      /* opens a port of our own */
	uint16_t own_port;      /* that one if it is free, else another; 0: any */
	const char *skip;       /* the name of one that is left out; copied; may be NULL */
	/* A datagram came. */
	void (*heard)(void *context, struct wr_bytes datagram, const struct wr_endpoint *from);
	/* Interfaces or addresses are others now. */
	void (*changed)(void *context);
	void *context;
};

struct wr_ears;

/* 0; or a negative errno with one line in `ret_why`. No interface is no error. */
int wr_ears_open(uv_loop_t *loop, const struct wr_ears_config *config, struct wr_ears **ret_ears,
		 char ret_why[200]) WR_MUST_CHECK;
/* Nothing is called any more; handles close when the loop runs. NULL is fine; returns NULL. */
struct wr_ears *wr_ears_close(struct wr_ears *ears);

/* Where multicast can be sent now: one place an interface and family. */
size_t wr_ears_places(const struct wr_ears *ears);
int wr_ears_say(const struct wr_ears *ears, size_t place, struct wr_bytes datagram);
/* From our own port, to one. 0 or a negative errno: -EAFNOSUPPORT. */
int wr_ears_tell(const struct wr_ears *ears, const struct wr_endpoint *to,
		 struct wr_bytes datagram);
/* 0: there is none. */
uint16_t wr_ears_own_port(const struct wr_ears *ears);
unsigned wr_ears_interfaces(const struct wr_ears *ears);
/* Looks at the interfaces again: for what news did not tell. */
void wr_ears_follow(struct wr_ears *ears);
