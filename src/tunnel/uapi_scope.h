/* Names of interfaces in endpoints, "[fe80::1%eth0]:51820", which the parser does
 * not know: floor 2 asks no kernel.
 *
 * Floor 6.  Any thread. */
#pragma once

#include "base/base.h"
#include "wire/uapi.h"

/* Where `text` has such names, writes it with their indices to `resolved` (begin
 * with { 0 }; the caller's to wr_text_done()) and lets *text be that. An unknown
 * name stays, for the parser to refuse. 0 or -ENOMEM. */
int wr_uapi_resolve_scopes(struct wr_bytes *text, struct wr_text *resolved) WR_MUST_CHECK;
