/* The texts of HTTP that we read ourselves, but for those of server.h and client.h.
 *
 * Floor 7.  Any thread. */
#pragma once

#include "base/base.h"
#include "base/ip.h"

/* RFC 9110 section 5.6.2: a token, as a header's name. */
bool wr_http_is_token(const char *text, size_t len);
/* RFC 9110 section 5.5: no control characters but the tab. */
bool wr_http_is_value(const char *text, size_t len);
/* Of X-Forwarded-For, the last: the one that the proxy next to us saw. False if that is no
 * address (a port behind it is left out). */
bool wr_http_forwarded_for(const char *value, struct wr_ip *ret_ip) WR_MUST_CHECK;
/* X-Forwarded-Proto: its last word is "https". */
bool wr_http_forwarded_is_secure(const char *value);
/* The words of a status ("Not Found"); "Status" for one that is not known. */
const char *wr_http_reason(unsigned status);
