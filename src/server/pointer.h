/* Where a fault is: a JSON pointer into the body, or a name of the query.
 *
 * Floor 8.  Pure.  Source: RFC 6901. */
#pragma once

#include "base/base.h"

#define WR_POINTER_LEN 128 /* with its NUL; longer ones are cut behind a whole letter */

/* "/routes" and "name" to "/routes/name" (RFC 6901), cut if it is too long. */
void wr_pointer_make(const char *at, const char *name, size_t len,
		     char ret_pointer[WR_POINTER_LEN]);
/* "?name" */
void wr_pointer_of_query(const char *name, char ret_pointer[WR_POINTER_LEN]);
