/* One question to rtnetlink (or nftables), or one order.
 *
 * Floor 4, for this folder only. Any thread.  Source: rtnetlink(7), libmnl. */
#pragma once

#include <libmnl/libmnl.h>

#include "base/base.h"
#include "base/ip.h"

#define WR_RTNL_REQUEST_MAX 512

struct wr_rtnl_request {
	_Alignas(struct nlmsghdr) uint8_t bytes[WR_RTNL_REQUEST_MAX];
};

/* A socket in the namespace that the calling thread is in. 0 or a negative errno. */
int wr_rtnl_open(struct mnl_socket **ret_socket) WR_MUST_CHECK;
/* The same, of another netlink than routes. */
int wr_rtnl_open_bus(int bus, struct mnl_socket **ret_socket) WR_MUST_CHECK;
/* For WR_AUTO. */
void wr_rtnl_closep(struct mnl_socket **socket);
/* A message without anything in it; NLM_F_REQUEST is added to the flags. */
struct nlmsghdr *wr_rtnl_begin(struct wr_rtnl_request *request, uint16_t type, uint16_t flags);
void wr_rtnl_put_ip(struct nlmsghdr *message, uint16_t type, const struct wr_ip *ip);
/* AF_INET or AF_INET6. */
uint8_t wr_rtnl_family(const struct wr_ip *ip);
/* Sends it and reads what comes of it, to the last message of a dump. 0, or a negative
 * errno: -EINTR where something changed during a dump, so that some may be missing. */
int wr_rtnl_ask(struct mnl_socket *socket, const struct nlmsghdr *message, mnl_cb_t take,
		void *data);
/* With a socket of its own calls `look`, which asks for some dumps, again while it says -EINTR, but
 * not for ever. What it said last. */
int wr_rtnl_look(int (*look)(struct mnl_socket *socket, void *context), void *context)
	WR_MUST_CHECK;
