/* Deadlines in order: a binary min-heap of nodes that are embedded in the objects
 * they belong to, so that a deadline is moved or removed without a search.
 *
 * Floor 0.  Belongs to one thread.  Owns its array of pointers, not the nodes. */
#pragma once

#include "base/base.h"

/* All zero is a node in no heap. */
struct wr_heap_node {
	struct wr_instant deadline;
	size_t position; /* in the heap's array, from 1; 0 if in no heap */
};

/* All zero is an empty heap. */
struct wr_heap {
	struct wr_heap_node **nodes; /* the first at [1] */
	size_t count;
	size_t capacity;
};

void wr_heap_done(struct wr_heap *heap);

/* Makes room for `count` nodes in all: wr_heap_set() cannot fail while there are
 * no more.  False where memory is short. */
bool wr_heap_reserve(struct wr_heap *heap, size_t count) WR_MUST_CHECK;
/* Puts the node in, or moves it if it is in already.  False, and nothing is
 * changed, where it is new and memory is short. */
bool wr_heap_set(struct wr_heap *heap, struct wr_heap_node *node, struct wr_instant deadline)
	WR_MUST_CHECK;
/* A node in no heap is fine. */
void wr_heap_remove(struct wr_heap *heap, struct wr_heap_node *node);

static inline bool wr_heap_has(const struct wr_heap_node *node)
{
	return node->position != 0;
}

/* The node with the soonest deadline, or NULL. */
static inline struct wr_heap_node *wr_heap_first(const struct wr_heap *heap)
{
	return heap->count ? heap->nodes[1] : NULL;
}

/* The soonest deadline, or WR_NEVER. */
static inline struct wr_instant wr_heap_deadline(const struct wr_heap *heap)
{
	return heap->count ? heap->nodes[1]->deadline : WR_NEVER;
}
