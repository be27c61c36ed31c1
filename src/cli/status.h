/* Parts of a status as people read it.
 *
 * Floor 10. */
#pragma once

#include <jansson.h>

#include "base/base.h"

/* "title     text" */
void wr_status_line(const char *title, const char *format, ...) WR_PRINTF(2, 3);

/* status_mesh.c: which mesh, who may be in, how many are. */
void wr_status_print_mesh(const json_t *mesh);
/* How others get here: LANs, relays; and layer 2. */
void wr_status_print_reach(const json_t *mesh);
/* Who knocks, or waits to be admitted; nothing if nobody does. */
void wr_status_print_guests(const json_t *mesh);
