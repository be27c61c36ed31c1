/* What readers without locks may still hold: objects taken out of a shared
 * structure wait on a list until whoever runs the readers knows that none of
 * them can see the objects any more (a grace period), and then frees them.
 *
 * Floor 0.  A list belongs to one thread, the one that writes the structure. */
#pragma once

#include "base/base.h"

/* Embedded in an object that can be retired. */
struct wr_retired {
	struct wr_retired *next;
	void (*free_it)(struct wr_retired *retired);
};

struct wr_retire_list {
	struct wr_retired *first;
};

/* `retired` is freed by `free_it` in a later wr_retire_free_all(). */
static inline void wr_retire(struct wr_retire_list *list, struct wr_retired *retired,
			     void (*free_it)(struct wr_retired *retired))
{
	retired->free_it = free_it;
	retired->next = list->first;
	list->first = retired;
}

/* Takes all that waits, to be freed by wr_retire_free_all() after a grace
 * period. */
static inline struct wr_retire_list wr_retire_take(struct wr_retire_list *list)
{
	struct wr_retire_list taken = *list;

	list->first = NULL;
	return taken;
}

static inline void wr_retire_free_all(struct wr_retire_list *list)
{
	while (list->first) {
		struct wr_retired *retired = list->first;

		list->first = retired->next;
		retired->free_it(retired);
	}
}
