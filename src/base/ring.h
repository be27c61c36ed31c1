/* A queue of byte records from one thread to another, without locks: bounded,
 * allocated once, its records contiguous in memory.
 *
 * Floor 0.  One producer thread pushes, one consumer thread peeks and pops; the
 * ring outlives both.  Waking the other side up is the caller's business. */
#pragma once

#include "base/base.h"

struct wr_ring;

/* `capacity` in bytes, a power of two, at least 64.  A record takes its length
 * and 8 bytes, rounded up to 8.  NULL where memory is short. */
struct wr_ring *wr_ring_new(size_t capacity) WR_MUST_CHECK;
/* NULL is fine; returns NULL, to be assigned. */
struct wr_ring *wr_ring_free(struct wr_ring *ring);

/* Longest record (head and body together) that an empty ring is sure to take,
 * wherever its indices stand. */
size_t wr_ring_record_max(const struct wr_ring *ring);

/* Producer: appends one record, `head` followed by `body` (either may be empty);
 * false, and nothing is changed, where it does not fit now. */
bool wr_ring_push(struct wr_ring *ring, struct wr_bytes head, struct wr_bytes body) WR_MUST_CHECK;

/* Consumer: bytes that records take up, theirs and what the ring adds to them. */
size_t wr_ring_used(const struct wr_ring *ring);

/* Consumer: where the records end that are there now; and whether all before such
 * a place were popped. */
uint64_t wr_ring_end(const struct wr_ring *ring);
bool wr_ring_is_past(const struct wr_ring *ring, uint64_t end);

/* Consumer: true if there is a record; *ret_record is the oldest, aligned to 8,
 * valid until wr_ring_pop(). */
bool wr_ring_peek(struct wr_ring *ring, struct wr_bytes *ret_record) WR_MUST_CHECK;
/* Consumer: drops the record that the last wr_ring_peek() gave. */
void wr_ring_pop(struct wr_ring *ring);
