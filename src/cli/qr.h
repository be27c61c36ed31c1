/* QR codes for terminals: two modules a character, as half blocks.
 *
 * Floor 10.  libqrencode makes them. */
#pragma once

#include <stdio.h>

#include "base/base.h"

/* Writes the code of `text`, with the quiet zone around it that readers need. Light modules
 * are blocks, as on a dark terminal; `has_colour`: black on white on any. 0, -E2BIG where the
 * text is too long for one code, or -ENOMEM. */
int wr_qr_write(const char *text, bool has_colour, FILE *to) WR_MUST_CHECK;
