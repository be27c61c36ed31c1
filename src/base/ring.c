#include "base/ring.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* Before each record.  Its size is also the records' alignment, so that there is
 * always room for one before the end of the memory. */
struct header {
	uint32_t len;
	uint32_t is_skip; /* no record: the next one is at the memory's start */
};

#define ALIGNMENT sizeof(struct header)

static_assert(ALIGNMENT == 8, "wr_ring_peek() promises records aligned to 8");

/* Indices count bytes and never wrap (at 100 Gbit/s they last 46 years); modulo
 * the capacity they are offsets.  Each side's index, with what it last saw of
 * the other's, has a cache line for itself. */
struct wr_ring {
	uint64_t capacity;
	alignas(WR_CACHE_LINE) _Atomic uint64_t pushed;
	uint64_t popped_seen;
	alignas(WR_CACHE_LINE) _Atomic uint64_t popped;
	uint64_t pushed_seen;
	alignas(WR_CACHE_LINE) uint8_t memory[];
};

struct wr_ring *wr_ring_new(size_t capacity)
{
	struct wr_ring *ring;

	assert(capacity >= 64 && capacity <= SIZE_MAX / 4);
	assert((capacity & (capacity - 1)) == 0);
	ring = aligned_alloc(WR_CACHE_LINE, sizeof(*ring) + capacity);
	if (!ring)
		return NULL;
	memset(ring, 0, sizeof(*ring));
	ring->capacity = capacity;
	return ring;
}

struct wr_ring *wr_ring_free(struct wr_ring *ring)
{
	free(ring);
	return NULL;
}

size_t wr_ring_record_max(const struct wr_ring *ring)
{
	/* The larger of the two parts into which an index divides the memory. */
	return ring->capacity / 2 - sizeof(struct header);
}

size_t wr_ring_used(const struct wr_ring *ring)
{
	return atomic_load_explicit(&ring->pushed, memory_order_acquire) -
	       atomic_load_explicit(&ring->popped, memory_order_relaxed);
}

uint64_t wr_ring_end(const struct wr_ring *ring)
{
	return atomic_load_explicit(&ring->pushed, memory_order_acquire);
}

bool wr_ring_is_past(const struct wr_ring *ring, uint64_t end)
{
	return atomic_load_explicit(&ring->popped, memory_order_relaxed) >= end;
}

static struct header *header_at(struct wr_ring *ring, uint64_t index)
{
	return (struct header *)(void *)&ring->memory[index & (ring->capacity - 1)];
}

static uint64_t bytes_until_end(const struct wr_ring *ring, uint64_t index)
{
	return ring->capacity - (index & (ring->capacity - 1));
}

static uint64_t bytes_of_record(uint64_t len)
{
	return sizeof(struct header) + ((len + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1));
}

static bool has_room(struct wr_ring *ring, uint64_t pushed, uint64_t wanted)
{
	if (pushed + wanted - ring->popped_seen <= ring->capacity)
		return true;
	ring->popped_seen = atomic_load_explicit(&ring->popped, memory_order_acquire);
	return pushed + wanted - ring->popped_seen <= ring->capacity;
}

static void copy(uint8_t *to, struct wr_bytes from)
{
	if (from.len)
		memcpy(to, from.data, from.len);
}

bool wr_ring_push(struct wr_ring *ring, struct wr_bytes head, struct wr_bytes body)
{
	uint64_t pushed = atomic_load_explicit(&ring->pushed, memory_order_relaxed);
	uint64_t skipped = 0, size;
	struct header *header;

	if (head.len > ring->capacity || body.len > ring->capacity)
		return false;
	size = bytes_of_record(head.len + body.len);
	if (size > bytes_until_end(ring, pushed))
		skipped = bytes_until_end(ring, pushed);
	if (!has_room(ring, pushed, skipped + size))
		return false;

	if (skipped)
		*header_at(ring, pushed) = (struct header){ .is_skip = 1 };
	header = header_at(ring, pushed + skipped);
	*header = (struct header){ .len = (uint32_t)(head.len + body.len) };
	copy((uint8_t *)(header + 1), head);
	copy((uint8_t *)(header + 1) + head.len, body);
	atomic_store_explicit(&ring->pushed, pushed + skipped + size, memory_order_release);
	return true;
}

static bool is_empty(struct wr_ring *ring, uint64_t popped)
{
	if (popped != ring->pushed_seen)
		return false;
	ring->pushed_seen = atomic_load_explicit(&ring->pushed, memory_order_acquire);
	return popped == ring->pushed_seen;
}

bool wr_ring_peek(struct wr_ring *ring, struct wr_bytes *ret_record)
{
	uint64_t popped = atomic_load_explicit(&ring->popped, memory_order_relaxed);
	struct header *header;

	if (is_empty(ring, popped))
		return false;
	header = header_at(ring, popped);
	if (header->is_skip) {
		/* A record follows: they were published together. */
		popped += bytes_until_end(ring, popped);
		atomic_store_explicit(&ring->popped, popped, memory_order_release);
		header = header_at(ring, popped);
	}
	*ret_record = (struct wr_bytes){ (uint8_t *)(header + 1), header->len };
	return true;
}

void wr_ring_pop(struct wr_ring *ring)
{
	uint64_t popped = atomic_load_explicit(&ring->popped, memory_order_relaxed);
	const struct header *header = header_at(ring, popped);

	assert(popped != ring->pushed_seen && !header->is_skip);
	atomic_store_explicit(&ring->popped, popped + bytes_of_record(header->len),
			      memory_order_release);
}
