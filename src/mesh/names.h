/* Names of the network on this host: of all machines, of ourselves, of the hub, and records. By
 * systemd-resolved, which asks the hub for names of the network's suffix and for nothing else; or
 * by a marked block in the hosts file. Put back at the end.
 *
 * Only names below the network's suffix, in full: no network can name what is not its own.
 *
 * Floor 7.  On the thread of its loop.  Source: resolvectl(1), hosts(5); docs/agents.md. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "mesh/mend.h"
#include "mesh/netmap.h"
#include "mesh/prefixes.h"
#include "mesh/reconcile.h"

/* In the hosts file; every look-up of every program reads all of them. */
#define WR_NAMES_LINES 10000

struct wr_names_config {
	const char *interface;
	enum wr_names_kind kind;
	const char *hosts_file; /* NULL: "/etc/hosts" */
};

struct wr_names;

/* 0 or a negative errno. */
int wr_names_new(uv_loop_t *loop, const struct wr_names_config *config, struct wr_names **ret_names)
	WR_MUST_CHECK;
/* Puts everything back. Runs the loop until its programs have ended, so not from a callback. NULL
 * is fine; returns NULL. */
struct wr_names *wr_names_free(struct wr_names *names);

/* The map is not kept. Only addresses of families that are `reached` by the network are names'
 * (another network may have the same range here). */
void wr_names_set_map(struct wr_names *names, const struct wr_netmap *map,
		      struct wr_families reached);
/* The interface was made anew. */
void wr_names_set_link(struct wr_names *names);
/* Makes it so. Cheap where it is. */
enum wr_mend wr_names_run(struct wr_names *names);
/* What is not so, and why; "" if all is. */
const char *wr_names_trouble(const struct wr_names *names);
/* True if systemd-resolved is used. */
bool wr_names_is_resolved(const struct wr_names *names);

/* The lines of the hosts file for a map, as a new string. NULL where memory is short. Pure. */
char *wr_names_lines(const struct wr_netmap *map, struct wr_families reached, bool *ret_is_cut);
