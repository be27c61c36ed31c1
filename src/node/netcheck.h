/* What kind of network this host is in, as far as it can be seen by asking the server's port "from
 * where do you see me?" (STUN), and the router for a port mapping. Names are those of RFC 4787.
 *
 * Nobody but the user's own server, or in a mesh other members, is asked. Two sockets ask each of
 * its addresses at two ports; then each sends to where the server sees the other: that shows
 * hairpinning, and some of the filtering.
 *
 * Floor 8.  On the thread of its loop.  Source: RFC 4787, RFC 5780, wire/stun.h. */
#pragma once

#include <jansson.h>
#include <uv.h>

#include "base/base.h"
#include "base/ip.h"
#include "node/portmap.h"

/* Addresses of a server; of one, each of two ports is asked. */
#define WR_NETCHECK_SERVERS 8

enum wr_netcheck_mapping {
	WR_MAPPING_UNKNOWN,
	WR_MAPPING_NONE, /* no NAT: we are seen as what we are */
	WR_MAPPING_ENDPOINT_INDEPENDENT,
	WR_MAPPING_NOT_PORT_DEPENDENT, /* endpoint-independent or address-dependent: the server
					* has one address only */
	WR_MAPPING_ADDRESS_DEPENDENT,
	WR_MAPPING_ADDRESS_AND_PORT_DEPENDENT,
	WR_MAPPING_DEPENDENT, /* of the last two: there was one port only */
	WR_MAPPINGS
};

enum wr_netcheck_filtering {
	WR_FILTERING_UNKNOWN,
	WR_FILTERING_ENDPOINT_INDEPENDENT, /* who was never sent anything got through */
	WR_FILTERING_DEPENDENT,            /* only who was sent something */
	WR_FILTERINGS
};

enum wr_netcheck_answer {
	WR_ANSWER_UNKNOWN,
	WR_ANSWER_NO,
	WR_ANSWER_YES
};

/* What one port of the server said. */
struct wr_netcheck_view {
	struct wr_endpoint server;
	struct wr_endpoint mapped; /* family none: no answer */
	uint32_t latency_us;
};

/* Of one family. */
struct wr_netcheck_side {
	bool has_address;         /* a global one (IPv6), or any (IPv4) */
	bool has_server;          /* there is one to ask */
	bool has_answer;          /* UDP goes there and back */
	struct wr_endpoint local; /* as we see it */
	struct wr_endpoint mapped;
	enum wr_netcheck_mapping mapping;
	enum wr_netcheck_filtering filtering;
	enum wr_netcheck_answer hairpin;
	bool keeps_port; /* port preservation */
	uint32_t latency_us;
};

struct wr_netcheck_report {
	bool is_mesh; /* other members were asked, not a server */
	struct wr_netcheck_side v4, v6;
	bool is_udp_blocked; /* nothing came back, though there was somebody to ask */
	bool has_portmap;    /* it was asked for */
	struct wr_portmap_sight portmap;
	struct wr_netcheck_view views[2 * WR_NETCHECK_SERVERS];
	size_t view_count;
};

struct wr_netcheck_config {
	const struct wr_endpoint *servers; /* the hub's: its port answers STUN; copied */
	size_t server_count;
	uint16_t stun_port; /* the second one; 0: none */
	bool is_mesh;       /* these are other members, not a server: for the texts */
	uint32_t mark;      /* SO_MARK of the sockets; 0: none */
	bool asks_router;   /* for a port mapping, which is given back; takes up to five seconds */
	/* Once, also when nothing was found out; the report is the callee's for the time of the
	 * call. */
	void (*done)(void *context, const struct wr_netcheck_report *report);
	void *context;
};

struct wr_netcheck;

/* Takes two to seven seconds. 0 or a negative errno. */
int wr_netcheck_start(uv_loop_t *loop, const struct wr_netcheck_config *config,
		      struct wr_netcheck **ret_netcheck) WR_MUST_CHECK;
/* Not before `done`: `done` is not called any more. After it: needs not be called, and must not
 * be. NULL is fine; returns NULL. */
struct wr_netcheck *wr_netcheck_cancel(struct wr_netcheck *netcheck);

/* NULL where memory is short. */
json_t *wr_netcheck_json(const struct wr_netcheck_report *report);
/* Line after line, for people: "mapping", "endpoint-independent". */
void wr_netcheck_lines(const struct wr_netcheck_report *report,
		       void (*line)(void *context, const char *name, const char *text),
		       void *context);
/* "endpoint-independent", as JSON has them. */
const char *wr_netcheck_mapping_name(enum wr_netcheck_mapping mapping);
const char *wr_netcheck_filtering_name(enum wr_netcheck_filtering filtering);
