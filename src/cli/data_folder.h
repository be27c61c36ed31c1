/* The server's data folder as others find it: is a server at work there, is its database whole.
 *
 * Floor 10. */
#pragma once

#include "base/base.h"

#define WR_DATABASE "warren.db"

/* Keeps servers from the folder while the descriptor is open. A descriptor; -EBUSY where a
 * server is at work there; -ENOENT where none ever was; or another negative errno. */
int wr_data_hold(const char *data) WR_MUST_CHECK;
/* A server is at work there. */
bool wr_data_is_in_use(const char *data);
/* 0 if the database at `path` is whole and of this program's age; -EBADMSG, -ENOTSUP (of a
 * later one), -ENODATA (another program's), or another negative errno. */
int wr_data_check(const char *path) WR_MUST_CHECK;
/* A copy of the past becomes another past, so that agents do not take it for the one that they
 * know (docs/agents.md). 0 or a negative errno. */
int wr_data_begin_epoch(const char *path) WR_MUST_CHECK;
