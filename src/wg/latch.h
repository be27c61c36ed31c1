/* Where a peer is, written and read by any thread: a reader never waits, and never
 * sees half of one endpoint and half of another.
 *
 * Two cells and a version. The version's lowest bit names the cell that holds the
 * endpoint; a writer fills the other cell and then moves the version on. A reader
 * copies the cell and looks at the version again: only if that has moved may
 * someone have begun to write what was copied, and it copies again. Writers keep
 * each other out with a flag.
 *
 * Floor 3.  Source: Linux, include/linux/seqlock.h, "Latch sequence counters". */
#pragma once

#include <stdatomic.h>

#include "base/base.h"
#include "base/ip.h"

#define WR_LATCH_WORDS ((sizeof(struct wr_endpoint) + 7) / 8)

/* All zero: not known. */
struct wr_latch {
	_Atomic uint32_t version; /* 0: not known */
	_Atomic bool is_writing;
	_Atomic uint64_t cells[2][WR_LATCH_WORDS];
};

/* The version of what is copied to *ret_endpoint, never 0; or 0, and *ret_endpoint
 * is as it was, if nothing was written yet. */
uint32_t wr_latch_read(const struct wr_latch *latch, struct wr_endpoint *ret_endpoint);

/* Any thread. False, and nothing is changed, if another is writing. */
bool wr_latch_try_write(struct wr_latch *latch, const struct wr_endpoint *endpoint);

/* The same; false too if its version is not `version` any more. */
bool wr_latch_try_replace(struct wr_latch *latch, uint32_t version,
			  const struct wr_endpoint *endpoint);

/* Waits for another that is writing: not for the data plane. */
void wr_latch_write(struct wr_latch *latch, const struct wr_endpoint *endpoint);
