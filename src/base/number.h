/* Decimal numbers in text.
 *
 * Floor 0. */
#pragma once

#include "base/base.h"

/* True if the `len` bytes are decimal digits only, at least one, and say a number
 * of at most `max`. */
bool wr_number_parse(const char *text, size_t len, uint64_t max, uint64_t *ret_number)
	WR_MUST_CHECK;
