/* One WireGuard interface: a TUN device, an engine that carries its packets, the
 * socket that it is configured through, and a watch on what becomes of all three.
 *
 * Floor 6.  On the thread of its loop.  Owns all of these.
 * Source: docs/architecture.md; wireguard-go main.go. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "engine/engine.h"

struct wr_tunnel_config {
	const char *name; /* of the interface; may hold a %d */
	int tun_fd;       /* an open TUN device, taken; or -1: it is made */
	int uapi_fd;      /* a listening socket, taken; or -1: it is made */
	struct wr_engine_config engine;
	/* Called once, from the loop, when the interface was deleted or the file of
	 * its socket removed: the tunnel is then to be freed. */
	void (*ended)(void *context);
	void *context;
};

/* Where opening a tunnel fails. */
enum wr_tunnel_step {
	WR_TUNNEL_DEVICE,  /* the TUN device */
	WR_TUNNEL_ENGINE,  /* memory, mostly */
	WR_TUNNEL_WATCH,   /* netlink and the loop */
	WR_TUNNEL_SOCKET,  /* the configuration socket */
	WR_TUNNEL_THREADS, /* of the engine */
};

struct wr_tunnel;

/* Makes the interface; nothing runs yet. 0; or a negative errno, and in which step. */
int wr_tunnel_open(uv_loop_t *loop, const struct wr_tunnel_config *config,
		   struct wr_tunnel **ret_tunnel, enum wr_tunnel_step *ret_step) WR_MUST_CHECK;
/* Starts the engine's threads, and then opens the configuration socket: whoever sees
 * that finds all of it usable. 0; or a negative errno, and in which step. */
int wr_tunnel_start(struct wr_tunnel *tunnel, enum wr_tunnel_step *ret_step) WR_MUST_CHECK;
/* Ends the threads, removes the socket's file and the interface; NULL is fine. Runs
 * the loop until its handles are closed, so not from a callback. Returns NULL. */
struct wr_tunnel *wr_tunnel_free(struct wr_tunnel *tunnel);

/* The interface's name, as the kernel knows it. */
const char *wr_tunnel_name(const struct wr_tunnel *tunnel);
