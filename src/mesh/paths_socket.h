/* Where members speak to each other inside the network: UDP from a port of our own addresses to the
 * same port of theirs. Pulses do, and the gossip of a mesh.
 *
 * What did not come through the interface is not taken: only the tunnel says who sent it.
 *
 * Floor 7.  On the thread of its loop. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "base/ip.h"

#define WR_PATHS_FAMILIES 2

struct wr_paths_socket {
	uv_loop_t *loop;
	struct {
		struct wr_ip own; /* family none: none */
		uv_poll_t *poll;  /* NULL: it is not open */
		int fd;
	} families[WR_PATHS_FAMILIES]; /* IPv4, IPv6 */
	uint32_t interface;            /* index */
	uint16_t port;
	void (*received)(void *context, const struct wr_ip *from, struct wr_bytes datagram);
	void *context;
};

/* Longer datagrams are taken, but not whole. */
#define WR_PATHS_SOCKET_MAX 1280

void wr_paths_socket_init(struct wr_paths_socket *socket, uv_loop_t *loop, uint16_t port,
			  void (*received)(void *context, const struct wr_ip *from,
					   struct wr_bytes datagram),
			  void *context);
/* What is open already stays so. Addresses need not be on the interface yet. */
int wr_paths_socket_open(struct wr_paths_socket *socket, const struct wr_ip *v4,
			 const struct wr_ip *v6, uint32_t interface);
/* The handles are closed when the loop has run. */
void wr_paths_socket_close(struct wr_paths_socket *socket);
/* 0 or a negative errno: -EAFNOSUPPORT if we have no address of that family. */
int wr_paths_socket_send(struct wr_paths_socket *socket, const struct wr_ip *to,
			 struct wr_bytes datagram);
