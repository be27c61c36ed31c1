/* What the files of the state share.
 *
 * Floor 9.  For state*.c only. */
#pragma once

#define WR_FOUNDER_FILE "founder.json"
