/* What unit tests share: cmocka with the headers that it wants, bytes from
 * hexadecimal text, and random numbers that a failed run can be repeated with. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/base.h"

struct unit_random {
	uint64_t state;
};

/* Prints its seed; WARREN_TEST_SEED=N repeats a run. */
static inline struct unit_random unit_random_start(const char *name)
{
	const char *wanted = getenv("WARREN_TEST_SEED");
	struct timespec now;
	uint64_t seed;

	clock_gettime(CLOCK_REALTIME, &now);
	seed = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	if (wanted)
		seed = strtoull(wanted, NULL, 0);
	print_message("%s: WARREN_TEST_SEED=%llu\n", name, (unsigned long long)seed);
	return (struct unit_random){ seed };
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNIT_IS_SANITIZED 1
#endif
#endif
#ifndef UNIT_IS_SANITIZED
#define UNIT_IS_SANITIZED 0
#endif

/* How often what is random is tried: under a sanitizer, which makes it some ten times slower, a
 * tenth. Programs that ask are of the suite `plain`, so that each day has all of it too. */
static inline unsigned unit_runs(unsigned runs)
{
	return UNIT_IS_SANITIZED && runs > 10 ? runs / 10 : runs;
}

/* SplitMix64. */
static inline uint64_t unit_random_next(struct unit_random *random)
{
	uint64_t z = (random->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0 to `limit` - 1. */
static inline size_t unit_random_below(struct unit_random *random, size_t limit)
{
	return (size_t)(unit_random_next(random) % limit);
}

static inline void unit_random_bytes(struct unit_random *random, void *memory, size_t len)
{
	uint8_t *bytes = memory;

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)unit_random_next(random);
}

static inline uint8_t unit_hex_digit(char digit)
{
	const char *digits = "0123456789abcdef";
	const char *found = strchr(digits, digit);

	assert_true(digit != '\0' && found != NULL);
	return (uint8_t)(found - digits);
}

/* Reads lower-case hexadecimal text, spaces allowed between bytes; returns the
 * number of bytes, which must fit. */
static inline size_t unit_hex(const char *text, void *ret, size_t size)
{
	uint8_t *bytes = ret;
	size_t len = 0;

	while (*text) {
		if (*text == ' ') {
			text++;
			continue;
		}
		assert_true(len < size);
		bytes[len++] = (uint8_t)(unit_hex_digit(text[0]) << 4 | unit_hex_digit(text[1]));
		text += 2;
	}
	return len;
}
