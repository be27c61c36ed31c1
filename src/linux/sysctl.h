/* Switches of the kernel that are on or off.
 *
 * Floor 4.  Any thread, in the network namespace that it is in.  Source: proc(5). */
#pragma once

#include "base/base.h"

/* `name` as in /proc/sys: "net/ipv4/ip_forward". 1, 0, or a negative errno: -ENOENT if this
 * kernel has no such switch. */
int wr_sysctl_read(const char *name);
/* 0 or a negative errno. */
int wr_sysctl_write(const char *name, bool is_on);
