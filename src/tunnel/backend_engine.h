/* The engine as a backend: a TUN device and an engine of its own.
 *
 * Floor 6, for this folder only: structs are open here. */
#pragma once

#include "linux/tun.h"
#include "tunnel/backend_ops.h"
#include "tunnel/driver.h"
#include "tunnel/interface.h"
#include "tunnel/uapi_server.h"
#include "tunnel/uapi_socket.h"

struct wr_engine_backend {
	struct wr_backend base;
	struct wr_tun *tun;
	struct wr_engine *engine;
	struct wr_interface interface;
	struct wr_driver driver;
	struct wr_uapi_socket socket;
	struct wr_uapi_server server;
	uint32_t mtu;
};

static inline struct wr_engine_backend *wr_engine_backend_of(struct wr_backend *backend)
{
	return WR_CONTAINER_OF(backend, struct wr_engine_backend, base);
}

/* The functions of peers: of wr_backend_ops. */
int wr_engine_backend_set_peer(struct wr_backend *backend, const struct wr_backend_peer *peer);
int wr_engine_backend_remove_peer(struct wr_backend *backend, const struct wr_key *public_key);
int wr_engine_backend_set_endpoint(struct wr_backend *backend, const struct wr_key *public_key,
				   const struct wr_endpoint *endpoint);
int wr_engine_backend_set_spread(struct wr_backend *backend, const struct wr_key *public_key,
				 const struct wr_endpoint *endpoints, size_t count);
int wr_engine_backend_hasten(struct wr_backend *backend, const struct wr_key *public_key);
int wr_engine_backend_wake(struct wr_backend *backend, const struct wr_key *public_key);
int wr_engine_backend_renew(struct wr_backend *backend, const struct wr_key *public_key);
int wr_engine_backend_probe(struct wr_backend *backend, const struct wr_key *public_key,
			    const struct wr_endpoint *to);
int wr_engine_backend_look(struct wr_backend *backend,
			   void (*see)(void *context, const struct wr_backend_sight *sight),
			   void *context);
int wr_engine_backend_look_one(struct wr_backend *backend, const struct wr_key *public_key,
			       struct wr_backend_sight *ret_sight);
