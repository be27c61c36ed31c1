#include "base/heap.h"

#include <stdlib.h>

#define FIRST_CAPACITY 16

static void put(struct wr_heap *heap, size_t position, struct wr_heap_node *node)
{
	heap->nodes[position] = node;
	node->position = position;
}

static void sift_up(struct wr_heap *heap, struct wr_heap_node *node, size_t position)
{
	while (position > 1 && heap->nodes[position / 2]->deadline.ns > node->deadline.ns) {
		put(heap, position, heap->nodes[position / 2]);
		position /= 2;
	}
	put(heap, position, node);
}

static size_t sooner_child(const struct wr_heap *heap, size_t position)
{
	size_t child = position * 2;

	if (child < heap->count &&
	    heap->nodes[child + 1]->deadline.ns < heap->nodes[child]->deadline.ns)
		child++;
	return child;
}

static void sift_down(struct wr_heap *heap, struct wr_heap_node *node, size_t position)
{
	while (position * 2 <= heap->count) {
		size_t child = sooner_child(heap, position);

		if (node->deadline.ns <= heap->nodes[child]->deadline.ns)
			break;
		put(heap, position, heap->nodes[child]);
		position = child;
	}
	put(heap, position, node);
}

/* Finds the place of a node whose deadline is not that of its neighbours. */
static void sift(struct wr_heap *heap, struct wr_heap_node *node, size_t position)
{
	if (position > 1 && heap->nodes[position / 2]->deadline.ns > node->deadline.ns)
		sift_up(heap, node, position);
	else
		sift_down(heap, node, position);
}

void wr_heap_done(struct wr_heap *heap)
{
	for (size_t i = 1; i <= heap->count; i++)
		heap->nodes[i]->position = 0;
	free(heap->nodes);
	*heap = (struct wr_heap){ 0 };
}

bool wr_heap_reserve(struct wr_heap *heap, size_t count)
{
	size_t capacity = heap->capacity ? heap->capacity : FIRST_CAPACITY;
	struct wr_heap_node **nodes;

	if (count <= heap->capacity)
		return true;
	while (capacity < count)
		capacity *= 2;
	nodes = reallocarray(heap->nodes, capacity + 1, sizeof(struct wr_heap_node *));
	if (!nodes)
		return false;
	heap->nodes = nodes;
	heap->capacity = capacity;
	return true;
}

bool wr_heap_set(struct wr_heap *heap, struct wr_heap_node *node, struct wr_instant deadline)
{
	if (!wr_heap_has(node)) {
		if (!wr_heap_reserve(heap, heap->count + 1))
			return false;
		node->position = ++heap->count;
	}
	assert(node->position <= heap->count);
	node->deadline = deadline;
	sift(heap, node, node->position);
	return true;
}

void wr_heap_remove(struct wr_heap *heap, struct wr_heap_node *node)
{
	size_t position = node->position;
	struct wr_heap_node *last;

	if (!wr_heap_has(node))
		return;
	assert(position <= heap->count && heap->nodes[position] == node);
	last = heap->nodes[heap->count--];
	if (last != node)
		sift(heap, last, position);
	node->position = 0;
}
