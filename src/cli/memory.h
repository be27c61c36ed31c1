/* Memory that a process which mostly waits does not need: what its start took.
 *
 * Floor 10.  Any thread.
 * Source: madvise(2); dl_iterate_phdr(3); malloc_trim(3). */
#pragma once

/* Gives back to the system what malloc(3) keeps, and the pages of the program's and its libraries'
 * files that nothing of ours was written to: code and constants that are used again are found in
 * the page cache, and those that only the start used are resident no more. Takes less than a
 * millisecond, and some microseconds for each piece that is used again. */
void wr_memory_give_back(void);
