/* The clocks. Floors below take the time as an argument; it is read here.
 *
 * Floor 4.  Any thread. */
#pragma once

#include "base/base.h"

/* CLOCK_BOOTTIME: goes on while the machine sleeps, so sessions expire. */
struct wr_instant wr_clock_now(void);
/* CLOCK_REALTIME. */
struct wr_wall wr_clock_wall(void);
/* How long this thread has run on a processor, in ns. */
uint64_t wr_clock_thread(void);
