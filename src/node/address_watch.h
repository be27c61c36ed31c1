/* Tells when this host's addresses or its way out changed: once things have settled.
 *
 * Floor 8.  On the thread of its loop.  Source: linux/addresses.h. */
#pragma once

#include <uv.h>

#include "base/base.h"

struct wr_address_watch;

/* `changed` comes when addresses (linux/addresses.h) or gateways are others than before: a third
 * of a second after the last of several changes, some two seconds after the first at the latest. 0
 * or a negative errno. */
int wr_address_watch_open(uv_loop_t *loop, void (*changed)(void *context), void *context,
			  struct wr_address_watch **ret_watch) WR_MUST_CHECK;
/* Changes of this interface are not told: our own tunnel. 0: none. */
void wr_address_watch_skip(struct wr_address_watch *watch, uint32_t interface);
/* Handles close when the loop runs. NULL is fine; returns NULL. */
struct wr_address_watch *wr_address_watch_close(struct wr_address_watch *watch);
