/* Links, addresses and default routes, as rtnetlink tells of them.
 *
 * Floor 4, for this folder only. Any thread.  Source: rtnetlink(7). */
#pragma once

#include "linux/rtnl.h"

/* Attributes by type; those of later kernels are left out. */
#define WR_RTNL_TYPES 64
struct wr_rtnl_attributes {
	const struct nlattr *of[WR_RTNL_TYPES];
};

/* For mnl_attr_parse() into them. */
int wr_rtnl_note(const struct nlattr *attribute, void *attributes);

struct wr_default_route {
	struct wr_ip gateway, source; /* family none: not said */
	uint32_t interface, metric;
};

/* True if the message is one, of the main table. */
bool wr_rtnl_read_default(const struct nlmsghdr *message, struct wr_default_route *ret_route);

struct wr_read_address {
	struct wr_ip ip;
	uint8_t length;
	uint32_t interface, flags;
};

bool wr_rtnl_read_address(const struct nlmsghdr *message, struct wr_read_address *ret_address);

struct wr_read_link {
	uint32_t index;
	uint32_t under; /* what it lies over, in this namespace; 0: nothing */
	uint32_t flags; /* IFF_ */
	uint16_t type;  /* ARPHRD_ */
	/* Inside of the message; "" where there is none. */
	const char *name, *kind;
	const char *port_kind; /* of what it is a port of */
};

bool wr_rtnl_read_link(const struct nlmsghdr *message, struct wr_read_link *ret_link);

/* All of a family, as RTM_GETADDR and the like ask for it: as wr_rtnl_ask(). */
int wr_rtnl_dump(struct mnl_socket *socket, uint16_t type, uint8_t family, mnl_cb_t take,
		 void *data) WR_MUST_CHECK;
