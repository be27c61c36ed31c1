/* The kernel's WireGuard as a backend. No engine, no threads: a netlink socket and a timer, which
 * looks what became of the peers while there is something to see.
 *
 * Floor 6, for this folder only: structs are open here. */
#pragma once

#include "tunnel/backend_ops.h"
#include "tunnel/kernel_peers.h"

struct wr_kernel_backend {
	struct wr_backend base;
	struct wr_wgnl *wgnl;
	struct wr_key public_key;
	uint16_t port;
	bool is_link_ours; /* it is there, and goes with us */
	struct wr_kernel_peers peers;
	uv_timer_t timer;
	bool has_set;  /* an endpoint, and nobody looked since */
	bool is_stale; /* the same of anything */
	struct wr_instant looked, eager_until, active_until;
};

static inline struct wr_kernel_backend *wr_kernel_backend_of(struct wr_backend *base)
{
	return WR_CONTAINER_OF(base, struct wr_kernel_backend, base);
}

/* --- backend_kernel_look.c --- */
/* Looks at all peers now, and has it told what became of them. 0 or a negative errno. */
int wr_kernel_backend_see(struct wr_kernel_backend *backend);
/* The next look is when it should be. Of nobody there is no news. */
void wr_kernel_backend_arm(struct wr_kernel_backend *backend);
/* Something was sent that may be answered soon. */
void wr_kernel_backend_expect(struct wr_kernel_backend *backend);
/* An endpoint was set: what comes from now on is to be known to come from there. */
void wr_kernel_backend_note_set(struct wr_kernel_backend *backend);
int wr_kernel_backend_look(struct wr_backend *backend,
			   void (*see)(void *context, const struct wr_backend_sight *sight),
			   void *context);
int wr_kernel_backend_look_one(struct wr_backend *backend, const struct wr_key *public_key,
			       struct wr_backend_sight *ret_sight);

/* --- backend_kernel_peers.c: of wr_backend_ops --- */
int wr_kernel_backend_set_peer(struct wr_backend *backend, const struct wr_backend_peer *peer);
int wr_kernel_backend_remove_peer(struct wr_backend *backend, const struct wr_key *public_key);
int wr_kernel_backend_set_endpoint(struct wr_backend *backend, const struct wr_key *public_key,
				   const struct wr_endpoint *endpoint);
int wr_kernel_backend_wake(struct wr_backend *backend, const struct wr_key *public_key);
int wr_kernel_backend_renew(struct wr_backend *backend, const struct wr_key *public_key);
