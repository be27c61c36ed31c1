/* A socket that tells when something of the kernel changed, for who then looks himself.
 *
 * Floor 4, for this folder only. Any thread.  Source: netlink(7). */
#pragma once

#include <stdint.h>

#include "base/base.h"

/* Of `protocol` (NETLINK_ROUTE), for the groups (a bit each); non-blocking, close-on-exec. 0 or a
 * negative errno. */
int wr_news_watch(int protocol, uint32_t groups, int *ret_fd) WR_MUST_CHECK;
/* Reads all news of it, unseen. True if there was any. */
bool wr_news_drain(int fd);
