/* Tells at the verbose level what becomes of an interface's peers.
 *
 * Floor 6.  The control thread.  Keys are shortened as wireguard-go does. */
#pragma once

#include "base/base.h"
#include "wg/port.h"

struct wr_journal {
	struct wr_wall newest; /* handshake that was told of */
};

/* Logs handshakes that were done since it was called last; costs a look at each
 * peer at the verbose level, nothing below. */
void wr_journal_update(struct wr_journal *journal, const struct wr_device *device);
