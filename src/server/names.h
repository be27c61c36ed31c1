/* Names that people give, of any script, and the DNS labels that are made of them.
 *
 * Floor 8.  Pure; any thread.  libunistring, libidn2.
 * Source: RFC 5891 (IDNA 2008), RFC 1123 section 2.1 (labels); docs/hub.md, "Names". */
#pragma once

#include "base/base.h"

#define WR_NAME_POINTS 63                /* code points of a name */
#define WR_NAME_LEN (WR_NAME_POINTS * 4) /* bytes of UTF-8, without a NUL */
#define WR_LABEL_LEN 63                  /* RFC 1035 section 2.3.4 */

/* NULL if the bytes are a good name: UTF-8, 1 to 63 code points, something to see, no
 * control characters, line ends or bidirectional overrides, no space at its ends. If not, what is
 * wrong, as the end of a sentence ("has ..."). */
const char *wr_name_fault(const char *text, size_t len);

/* 1 to 63 of a-z, 0-9 and '-', which is neither first nor last. */
bool wr_label_is_good(const char *text, size_t len);

/* Makes a label of a good name: lower case, IDNA to ASCII as a whole, everything else to '-'.
 * A name of which nothing is left becomes `fallback` (a label). `number` 0 or 1: nothing behind
 * it; more: "-N". Shortened where it would be too long. */
void wr_label_make(const char *name, const char *fallback, uint64_t number,
		   char ret_label[WR_LABEL_LEN + 1]);

/* The same, with the number that makes it new: `is_taken` answers 1, 0 or a negative errno. Asks
 * some dozens of times at the most, however many there are. 0, or what `is_taken` failed with. */
int wr_label_choose(const char *name, const char *fallback,
		    int (*is_taken)(void *context, const char *label), void *context,
		    char ret_label[WR_LABEL_LEN + 1]) WR_MUST_CHECK;
