/* Our own nftables table for what goes through this machine to networks behind it: that comes from
 * this host's own address then, so that those networks need no route back.
 *
 * Floor 7.  On the thread of its loop; nft runs on its pool.  Source: nft(8). */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "mesh/mend.h"
#include "mesh/netmap.h"

struct wr_masquerade;

/* NULL where memory is short. */
struct wr_masquerade *wr_masquerade_new(uv_loop_t *loop, const char *interface);
/* Removes the table. Runs the loop meanwhile. NULL is fine; returns NULL. */
struct wr_masquerade *wr_masquerade_free(struct wr_masquerade *masquerade);
/* For the map (not kept); NULL, or one in which we are no router: there is to be no table. */
void wr_masquerade_set_map(struct wr_masquerade *masquerade, const struct wr_netmap *map);
/* Begins to make it so. */
enum wr_mend wr_masquerade_run(struct wr_masquerade *masquerade);
/* "" if all is so, or will be. */
const char *wr_masquerade_trouble(const struct wr_masquerade *masquerade);

/* The script for a map, as a new string; NULL where memory is short, or there is nothing to
 * masquerade. Pure. */
char *wr_masquerade_script(const struct wr_netmap *map, const char *interface);
