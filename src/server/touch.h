/* When a session or token was used last: written after the call, in an entry of its own, so
 * that a full disk does not keep anybody from reading.
 *
 * Floor 8.  On the loop's thread. */
#pragma once

#include "server/call.h"

/* Rows say it to the minute: not each call is to be a write. */
#define WR_TOUCH_SECONDS 60

/* The call's credential was used now. Nothing happens where it cannot be entered. */
void wr_touch(const struct wr_call *call);
