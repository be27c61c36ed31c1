/* The formats of single values: what a field of a kind (server/operation.h) may hold.
 *
 * Floor 8.  Pure. Texts come with their length, and need not be valid UTF-8. */
#pragma once

#include "base/base.h"

/* Valid UTF-8 (RFC 3629) without control characters. */
bool wr_format_is_text(const char *text, size_t len);
/* The same, but tabs and line ends are allowed. */
bool wr_format_is_long_text(const char *text, size_t len);
/* Code points of valid UTF-8. */
size_t wr_format_length(const char *text, size_t len);
/* 1 to 63 of a-z, 0-9, '-', '_'. */
bool wr_format_is_tag(const char *text, size_t len);
/* 32 bytes in base64, its one way to be written, not all zero. */
bool wr_format_is_key(const char *text, size_t len);
/* "host:port", "192.0.2.1:51820", "[2001:db8::1]:51820". */
bool wr_format_is_endpoint(const char *text, size_t len);
/* RFC 3339 in UTC ("2026-01-31T12:00:00Z"), the fraction dropped; seconds since 1970. */
bool wr_time_parse(const char *text, size_t len, int64_t *ret_seconds) WR_MUST_CHECK;
/* "90s", "15m", "1h", "7d": in seconds, at most 100 years. */
bool wr_span_parse(const char *text, size_t len, int64_t *ret_seconds) WR_MUST_CHECK;
