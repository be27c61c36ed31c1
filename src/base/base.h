/* What every floor may use: time, bytes, attributes.  No I/O, no state.
 *
 * Floor 0.  Includes nothing of ours. */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WR_MUST_CHECK __attribute__((warn_unused_result))
#define WR_PRINTF(at, first) __attribute__((format(printf, at, first)))
#define WR_CACHE_LINE 64

#define WR_ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define WR_CONTAINER_OF(pointer, type, member) \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* A point in time and a span of it, told apart by the compiler: a bare number
 * of seconds cannot be passed where nanoseconds are meant. */
struct wr_instant {
	uint64_t ns; /* since boot, CLOCK_BOOTTIME */
};
struct wr_span {
	uint64_t ns;
};

/* The time of day, which may jump: only for what leaves the machine (TAI64N
 * timestamps, "latest handshake").  Nanoseconds since 1970, CLOCK_REALTIME. */
struct wr_wall {
	uint64_t ns;
};

#define WR_SPAN_MS(n) ((struct wr_span){ UINT64_C(1000000) * (n) })
#define WR_SPAN_S(n) ((struct wr_span){ UINT64_C(1000000000) * (n) })
#define WR_NEVER ((struct wr_instant){ UINT64_MAX })

static inline bool wr_is_never(struct wr_instant instant)
{
	return instant.ns == UINT64_MAX;
}

static inline bool wr_is_past(struct wr_instant deadline, struct wr_instant now)
{
	return deadline.ns <= now.ns;
}

/* Saturates at WR_NEVER, so that a far deadline never wraps into the past. */
static inline struct wr_instant wr_after(struct wr_instant now, struct wr_span span)
{
	return span.ns > UINT64_MAX - now.ns ? WR_NEVER : (struct wr_instant){ now.ns + span.ns };
}

static inline struct wr_instant wr_sooner(struct wr_instant a, struct wr_instant b)
{
	return a.ns < b.ns ? a : b;
}

/* Bytes that someone else owns. */
struct wr_bytes {
	const uint8_t *data;
	size_t len;
};

/* Runs `free_it` on the variable when it leaves scope.  Hand an object over
 * with WR_TAKE, which leaves NULL behind. */
#define WR_AUTO(free_it) __attribute__((cleanup(free_it)))
#define WR_TAKE(pointer) \
	({ \
		__typeof__(pointer) taken_ = (pointer); \
		(pointer) = NULL; \
		taken_; \
	})
