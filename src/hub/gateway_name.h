/* Names of gateways' namespaces, and what a killed server left of them.
 *
 * Floor 7, for this folder only. */
#pragma once

#include "linux/netns.h"

/* "warren-TAG-NUMBER": 0, or -EINVAL for what is no tag. */
int wr_gateway_name_of(const char *tag, uint64_t number, char ret_name[WR_NETNS_NAME_LEN])
	WR_MUST_CHECK;
