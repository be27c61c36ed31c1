/* The log: one line an event to standard error, `key=value` by the callers.
 * Never a key or a token, at any level.
 *
 * Floor 0, but only floors 6 and up call it (and the floor that must say why the
 * program cannot start).  Any thread; a line is one write. */
#pragma once

#include "base/base.h"

enum wr_log_level {
	WR_LOG_SILENT,
	WR_LOG_ERROR,
	WR_LOG_VERBOSE,
};

/* The level that LOG_LEVEL names ("silent", "error", "verbose" or "debug"), as
 * wireguard-go reads it; NULL or another word is WR_LOG_ERROR. */
enum wr_log_level wr_log_level_parse(const char *text);
/* Call once, before threads.  `prefix` (borrowed, may be NULL) begins each line,
 * as in "(wg0) ".  Until then the level is WR_LOG_ERROR. */
void wr_log_start(enum wr_log_level level, const char *prefix);
/* True if a line of this level would be written: for callers that would have to
 * compute its words. */
bool wr_log_is_on(enum wr_log_level level);

/* The newline is added; lines longer than about 1,000 bytes are cut; errno is kept. */
void wr_log_error(const char *format, ...) WR_PRINTF(1, 2);
void wr_log_verbose(const char *format, ...) WR_PRINTF(1, 2);
