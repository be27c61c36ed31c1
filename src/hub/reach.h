/* TCP connections from a gateway into its organisation.
 *
 * Floor 7, for this folder only. On the thread of the loop; the socket is made on its pool,
 * in the namespace, and connected on the loop, which a socket does from anywhere. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "hub/place.h"

struct wr_reach;

struct wr_reach_request {
	const struct wr_place *place; /* stays until `ended` */
	struct wr_ip ip;
	uint16_t port;
	struct wr_span patience;
	void (*connected)(void *context, int status, int fd);
	void *context;
	/* Nothing of it is left; after `connected`. */
	void (*ended)(void *owner, struct wr_reach *reach);
	void *owner;
};

/* NULL if there is no memory for it. */
struct wr_reach *wr_reach_new(uv_loop_t *loop, const struct wr_reach_request *request);
/* Gives up: `connected` is called with -ECANCELED, if it was not yet, before this returns. */
void wr_reach_cancel(struct wr_reach *reach);
