/* Changes an interface as a set request of the configuration protocol asks.
 *
 * Floor 6.  The control thread.
 * Source: "Cross-platform Userspace Implementation" of WireGuard; where it is
 * silent, as the kernel (netlink.c) and wireguard-go (device/uapi.go) do. */
#pragma once

#include "base/base.h"
#include "tunnel/interface.h"
#include "wire/uapi.h"

/* `text` is what follows "set=1\n", without the empty line that ends it. Parses
 * and checks all of it before anything is changed. 0, or a negative errno:
 *   -EINVAL, -EPROTO  malformed: nothing has changed; *ret_line is at fault, from 1,
 *                     or left alone where an endpoint names no interface
 *   -EADDRINUSE, -EACCES, -EPERM  port or mark: nothing has changed but a mark
 *   -ENOMEM           parts of it may be done */
int wr_uapi_set(struct wr_interface *interface, struct wr_bytes text, size_t *ret_line)
	WR_MUST_CHECK;
