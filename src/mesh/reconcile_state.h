/* The reconciler's insides.
 *
 * Floor 7.  For reconcile*.c only. */
#pragma once

#include <net/if.h>
#include <uv.h>

#include "base/base.h"
#include "linux/network.h"
#include "mesh/enforce.h"
#include "mesh/forwarding.h"
#include "mesh/names.h"
#include "mesh/prefixes.h"
#include "mesh/reconcile.h"
#include "mesh/reconcile_want.h"

struct wr_reconciler {
	uv_loop_t *loop;
	struct wr_reconciler_config config; /* its texts are not kept */
	char interface[IF_NAMESIZE];
	struct wr_backend *backend;  /* NULL: there is none now */
	const struct wr_netmap *map; /* NULL before the first */
	struct wr_want want;
	struct wr_ip outside[WR_RECONCILER_OUTSIDE];
	size_t outside_count;
	struct wr_key kept[WR_RECONCILER_KEPT];
	size_t kept_count;

	struct wr_enforcer *enforcer;
	struct wr_forwarding *forwarding;
	struct wr_names *names;
	struct wr_families named; /* families that names were made for */
	bool is_renamed;          /* names are to be made anew: there is another map */

	uv_timer_t timer; /* every few seconds */
	uv_timer_t soon;  /* after news */
	uv_poll_t watch;
	int watch_fd;
	unsigned handles; /* that are open */

	bool is_quiet; /* the interface's own settings are made */
	bool expects;  /* what differs now is no drift: there is a new map, or a new interface */
	unsigned told; /* lines of drift in this run */
	struct wr_reconciler_sight sight;
	bool had_redirects; /* before the interface was brought up, which turned them off */
	/* Of the run under way. */
	int error;
	char trouble[200];
};

/* Something was changed: counted, and told if it was drift. */
void wr_reconcile_did(struct wr_reconciler *reconciler, const char *format, ...) WR_PRINTF(2, 3);
/* Something is not as it should be; the first in a run is shown. */
void wr_reconcile_trouble(struct wr_reconciler *reconciler, int error, const char *format, ...)
	WR_PRINTF(3, 4);

void wr_reconcile_peers(struct wr_reconciler *reconciler);
void wr_reconcile_link(struct wr_reconciler *reconciler);
void wr_reconcile_network(struct wr_reconciler *reconciler);
/* What bringing the interface up changed of the host. */
void wr_reconcile_put_back(struct wr_reconciler *reconciler);

#define WR_REFUSAL_LEN 160
/* Why a route is not taken, as the end of a sentence; NULL if it is. `seen` is of the host. */
const char *wr_reconcile_refusal(const struct wr_reconciler *reconciler,
				 const struct wr_want_route *route, const struct wr_network *seen,
				 char ret_text[WR_REFUSAL_LEN]);
