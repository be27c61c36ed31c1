/* A UDP port of the router that is passed on to us: asked for by NAT-PMP (RFC 6886), else by UPnP
 * (IGD), of the default gateway alone; renewed at half its life, given back at the end.
 *
 * Nothing of it blocks: NAT-PMP is a datagram each way, UPnP runs on libuv's pool. Where no router
 * helps, it is asked again after 5 s, 20 s and so on, then every ten minutes, and when the network
 * changed. A host whose own address is the Internet's asks nobody.
 *
 * Floor 8.  On the thread of its loop.  libnatpmp, libminiupnpc. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "base/ip.h"

enum wr_portmap_method {
	WR_PORTMAP_NONE,
	WR_PORTMAP_PCP,
	WR_PORTMAP_NAT_PMP,
	WR_PORTMAP_UPNP,
	WR_PORTMAP_METHODS
};

struct wr_portmap_sight {
	bool is_looking;               /* an answer is waited for */
	enum wr_portmap_method method; /* by which it is mapped; NONE: it is not */
	struct wr_endpoint external;   /* of the router; family none */
	bool is_global;       /* the router's address is the Internet's: no NAT behind it */
	struct wr_ip gateway; /* that was asked; family none: there is none */
	unsigned seconds;     /* that it was given for */
	const char *why;      /* not mapped: one line, for people */
};

struct wr_portmap;

struct wr_portmap_config {
	uint16_t port; /* UDP, of this host */
	/* The mapping is there, another, or gone. */
	void (*changed)(void *context);
	void *context;
};

/* Begins to ask. 0 or a negative errno. */
int wr_portmap_open(uv_loop_t *loop, const struct wr_portmap_config *config,
		    struct wr_portmap **ret_portmap) WR_MUST_CHECK;
/* Another port of this host from now on: the old mapping is given back. */
void wr_portmap_set_port(struct wr_portmap *portmap, uint16_t port);
/* This host's network changed: asks anew, and the gateway that there is now. */
void wr_portmap_moved(struct wr_portmap *portmap);
void wr_portmap_look(const struct wr_portmap *portmap, struct wr_portmap_sight *ret_sight);
/* "PCP", "NAT-PMP", "UPnP", "none". */
const char *wr_portmap_method_name(enum wr_portmap_method method);
/* Gives the mapping back, for which it has two seconds, or what UPnP takes; `changed` is not
 * called any more, and the loop has to run until its handles are closed. NULL is fine; returns
 * NULL. */
struct wr_portmap *wr_portmap_close(struct wr_portmap *portmap);
