/* What operations of the server do that takes more than a few lines.
 *
 * Floor 8.  As `run` of an operation. */
#pragma once

#include "server/call.h"

int wr_server_back_up(struct wr_call *call);
int wr_server_change_unlock(struct wr_call *call);
