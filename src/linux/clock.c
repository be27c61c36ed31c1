#include "linux/clock.h"

#include <time.h>

static uint64_t read_clock(clockid_t clock)
{
	struct timespec at;
	int status = clock_gettime(clock, &at);

	assert(status == 0);
	(void)status;
	return (uint64_t)at.tv_sec * UINT64_C(1000000000) + (uint64_t)at.tv_nsec;
}

struct wr_instant wr_clock_now(void)
{
	return (struct wr_instant){ read_clock(CLOCK_BOOTTIME) };
}

struct wr_wall wr_clock_wall(void)
{
	return (struct wr_wall){ read_clock(CLOCK_REALTIME) };
}

uint64_t wr_clock_thread(void)
{
	return read_clock(CLOCK_THREAD_CPUTIME_ID);
}
