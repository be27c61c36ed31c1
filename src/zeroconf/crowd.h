/* Guests are few at a time: whose place goes to a newcomer when all are taken. Sources share the
 * places, so that one who makes up any number of identities keeps out nobody else.
 *
 * Floor 9.  Pure. */
#pragma once

#include "base/base.h"
#include "base/ip.h"

struct wr_crowd_guest {
	struct wr_ip from;       /* where it knocked from; family none: we called it, it stays */
	bool has_shaken;         /* it has the mesh's key */
	struct wr_instant since; /* the last knock */
};

/* Of the source that has most guests; of these who has not shaken hands, and of these the one that
 * was not heard for longest. Nobody gives way to one of a source that has more guests itself, and
 * who has shaken hands only to one of a source that has fewer. Its index, or -1: nobody gives way.
 * `from` of family none: we call the newcomer. */
int wr_crowd_yield(const struct wr_crowd_guest *guests, size_t count, const struct wr_ip *from);
