/* Watches one network interface over netlink: up and down, MTU, deletion.
 *
 * Floor 4.  One thread.  Source: rtnetlink(7). */
#pragma once

#include "base/base.h"

struct wr_link_state {
	bool exists; /* in this network namespace */
	bool is_up;
	uint32_t mtu;
};

struct wr_link_watch;

/* 0 or a negative errno. */
int wr_link_watch_open(uint32_t index, struct wr_link_watch **ret_watch) WR_MUST_CHECK;
struct wr_link_watch *wr_link_watch_free(struct wr_link_watch *watch);
/* Readable when there is news; for a poll loop. */
int wr_link_watch_fd(const struct wr_link_watch *watch);
/* Reads all news (asks anew where some were lost) and gives the state as it is now. */
int wr_link_watch_read(struct wr_link_watch *watch, struct wr_link_state *ret_state) WR_MUST_CHECK;

/* Whether a program holds the TUN device of that name, be it up or down. 0, or a
 * negative errno: -ENODEV if there is no such interface, -EEXIST if it is of another
 * kind. */
int wr_link_is_tun_held(const char *name, bool *ret_is_held) WR_MUST_CHECK;
