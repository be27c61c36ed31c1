/* One question to the router: to map a port, or to give it back; in one of three ways.
 *
 * Floor 8, for portmap alone.  On the thread of its loop. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "base/ip.h"
#include "node/portmap.h"
#include "wire/pcp.h"

#define WR_UPNP_URL_LEN 256

/* Where a router takes UPnP's orders. */
struct wr_upnp_service {
	char url[WR_UPNP_URL_LEN]; /* "": not found yet */
	char type[128];
};

struct wr_ask_order {
	struct wr_ip gateway, local; /* IPv4 */
	uint16_t port;
	uint16_t external_port; /* wished for, or had; 0: any */
	unsigned seconds;       /* 0: give it back */
	uint8_t nonce[WR_PCP_NONCE_LEN];
	struct wr_upnp_service upnp;
};

struct wr_ask_answer {
	int error; /* 0, or a negative errno */
	struct wr_endpoint external;
	unsigned seconds;
	struct wr_upnp_service upnp;
};

struct wr_ask;

struct wr_ask_way {
	enum wr_portmap_method method;
	/* `done` is called once, from the loop, unless it is cancelled; then it is gone. NULL where
	 * it could not begin. */
	struct wr_ask *(*start)(uv_loop_t *loop, const struct wr_ask_order *order,
				void (*done)(void *context, const struct wr_ask_answer *answer),
				void *context);
	/* Nobody is told any more.  NULL: it cannot be called back, and goes on to its end. */
	void (*cancel)(struct wr_ask *ask);
};

extern const struct wr_ask_way wr_ask_pcp, wr_ask_nat_pmp, wr_ask_upnp;
