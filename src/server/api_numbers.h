/* What the API has counted, for the document of metrics.
 *
 * Floor 8.  On the thread of the loop. */
#pragma once

#include "server/metrics.h"

/* Bounds of the histogram's buckets in seconds: from a look-up in memory to an Argon2id that
 * waits for others. */
#define WR_API_BUCKETS 12

/* Adds its families. */
void wr_api_numbers_write(const struct wr_api_numbers *numbers, struct wr_metrics *metrics);
