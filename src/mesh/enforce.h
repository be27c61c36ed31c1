/* The policy at the member: what the map's reduced text says is enforced on what arrives and on
 * what leaves; by the engine's guard, or by an nftables table of our own ("inet warren-IFACE")
 * where the kernel carries the packets, swapped in one transaction.
 *
 * Pulses (mesh/paths.h) between members pass, whatever the text says.
 *
 * Floor 7.  On the thread of its loop.  Removes its table at the end. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "mesh/netmap.h"
#include "tunnel/backend.h"

struct wr_enforcer;

int wr_enforcer_new(uv_loop_t *loop, struct wr_backend *backend, const char *interface,
		    struct wr_enforcer **ret_enforcer) WR_MUST_CHECK;
/* Runs the loop until its handles are closed. NULL is fine; returns NULL. */
struct wr_enforcer *wr_enforcer_free(struct wr_enforcer *enforcer);
/* The map's policy in force as soon as can be; nothing passes before the first. While a new one
 * is on its way, or where it cannot be had, the one before stays. The map is not kept. */
void wr_enforcer_set_map(struct wr_enforcer *enforcer, const struct wr_netmap *map);
void wr_enforcer_set_backend(struct wr_enforcer *enforcer, struct wr_backend *backend);
/* Looks whether it still is in force (somebody may have flushed the rules), and mends it. True if
 * it had to. */
bool wr_enforcer_mend(struct wr_enforcer *enforcer);
/* 0, or the negative errno of why the newest is not in force, and one line ("" if it is). */
int wr_enforcer_look(const struct wr_enforcer *enforcer, char ret_trouble[200]);
/* The nftables script for a map, as a new string: what `nft -f -` is given. For tests too. */
char *wr_enforcer_nft(const struct wr_netmap *map, const char *interface, char ret_why[200]);
