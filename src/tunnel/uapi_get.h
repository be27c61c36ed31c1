/* What an interface tells about itself: its configuration and state, in the
 * configuration protocol's words and wireguard-go's order; its counters.
 *
 * Floor 6.  The control thread. */
#pragma once

#include "base/base.h"
#include "tunnel/interface.h"
#include "wire/uapi.h"

/* Appends the lines of a get answer, without the errno that ends it. */
void wr_uapi_get(const struct wr_interface *interface, struct wr_text *answer);
/* Appends "name=value" lines, our own addition to the protocol: one a counter of
 * struct wr_counters and one a verdict, by wr_verdict_name(). */
void wr_uapi_stats(const struct wr_interface *interface, struct wr_text *answer);
