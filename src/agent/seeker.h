/* Looks each minute whether UDP to an address works: a STUN request, until one is answered.
 *
 * Floor 9.  On the thread of its loop. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "base/ip.h"

struct wr_seeker;

/* Asks `hub` from now on, first after a minute; `found` is called once per answer. NULL where
 * memory is short. */
struct wr_seeker *wr_seeker_new(uv_loop_t *loop, const struct wr_endpoint *hub,
				void (*found)(void *context), void *context);
/* Its handles are closed when the loop has run; NULL is fine. Returns NULL. */
struct wr_seeker *wr_seeker_free(struct wr_seeker *seeker);
