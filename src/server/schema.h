/* The database's schema, as steps from nothing to now; a step that was released is never changed.
 *
 * Floor 8.  Constant. */
#pragma once

extern const char *const wr_schema[];
extern const unsigned wr_schema_len;
