/* Tells systemd-resolved who knows the names of an interface's network.
 *
 * Floor 7.  On the thread of its loop.  Source: resolvectl(1), systemd-resolved.service(8). */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "mesh/mend.h"
#include "mesh/netmap.h"
#include "mesh/prefixes.h"

struct wr_resolved;

/* True if it runs, and this host asks it. */
bool wr_resolved_is_used(void);

struct wr_resolved *wr_resolved_new(uv_loop_t *loop, const char *interface);
/* Takes back what it told. Runs the loop meanwhile. NULL is fine; returns NULL. */
struct wr_resolved *wr_resolved_free(struct wr_resolved *resolved);
void wr_resolved_set_map(struct wr_resolved *resolved, const struct wr_netmap *map,
			 struct wr_families reached);
/* It has to be told again: the interface is another one. */
void wr_resolved_forget(struct wr_resolved *resolved);
/* Begins to tell it what it does not know, also after it was started anew. */
enum wr_mend wr_resolved_run(struct wr_resolved *resolved);
/* "" if there is none. */
const char *wr_resolved_trouble(const struct wr_resolved *resolved);
