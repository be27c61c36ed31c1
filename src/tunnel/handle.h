/* Closing a libuv handle that may not have been initialised: half-built objects
 * can be given up.
 *
 * Floor 6.  On the thread of its loop. */
#pragma once

#include <uv.h>

/* Nothing to do for one that is all zero, or closing already. */
static inline void wr_handle_close(uv_handle_t *handle)
{
	if (handle->type != UV_UNKNOWN_HANDLE && !uv_is_closing(handle))
		uv_close(handle, NULL);
}
