/* What one interface should be: up, with addresses and routes. Made so over rtnetlink,
 * compared, and watched.
 *
 * Floor 4.  In the network namespace that the calling thread is in when it opens a
 * socket; that may be used from anywhere. The calls wait for the kernel's rtnl lock.
 * Source: rtnetlink(7). */
#pragma once

#include "base/base.h"
#include "base/ip.h"

#define WR_SETUP_ADDRESSES 2
#define WR_SETUP_ROUTES 4

/* The interface forwards nothing, takes no redirects, and says nothing of its own (it has
 * no link-local address). */
struct wr_setup {
	uint32_t index;
	struct wr_ip addresses[WR_SETUP_ADDRESSES]; /* each alone, as /32 or /128 */
	size_t address_count;
	struct wr_prefix routes[WR_SETUP_ROUTES]; /* through it, from the address of their family */
	size_t route_count;
};

/* Makes it so; what is so already stays. 0, or a negative errno: -ENODEV if the interface
 * is gone. */
int wr_setup_apply(const struct wr_setup *setup) WR_MUST_CHECK;
/* Only that: no forwarding, no redirects, no link-local address; before it is up. 0 or a negative
 * errno. */
int wr_setup_quiet(uint32_t index) WR_MUST_CHECK;
/* 0 and whether it is so, or a negative errno. */
int wr_setup_look(const struct wr_setup *setup, bool *ret_is_whole) WR_MUST_CHECK;

/* A descriptor that is readable when links, addresses or routes changed. 0 or a negative
 * errno. */
int wr_setup_watch(int *ret_fd) WR_MUST_CHECK;
/* Reads all news of it, unseen. True if there was any. */
bool wr_setup_drain(int fd);
