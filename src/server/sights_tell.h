/* Who came and who went, as events.
 *
 * Floor 8.  On the loop's thread. */
#pragma once

#include "base/base.h"

struct wr_server;

struct wr_sights_change {
	int64_t machine;
	bool is_online;
};
/* In order; grows. */
struct wr_sights_changes {
	struct wr_sights_change *items;
	size_t count, room;
};
/* Adds one; where memory is short, nobody hears of it. */
void wr_sights_change(struct wr_sights_changes *changes, int64_t machine, bool is_online);
/* Looks up who they are, and tells those who listen. Empties the list. */
void wr_sights_tell(struct wr_server *server, struct wr_sights_changes *changes);
