#include "wg/latch.h"

#include <sched.h>
#include <string.h>

/* Each word is read before the version is read again: an acquire for each, since
 * the thread sanitizer does not know fences. They cost nothing on x86-64. */
static void copy_out(const _Atomic uint64_t *cell, uint64_t words[WR_LATCH_WORDS])
{
	for (size_t i = 0; i < WR_LATCH_WORDS; i++)
		words[i] = atomic_load_explicit(&cell[i], memory_order_acquire);
}

/* Each word is written after the version that freed this cell: a release for each. */
static void copy_in(_Atomic uint64_t *cell, const uint64_t words[WR_LATCH_WORDS])
{
	for (size_t i = 0; i < WR_LATCH_WORDS; i++)
		atomic_store_explicit(&cell[i], words[i], memory_order_release);
}

uint32_t wr_latch_read(const struct wr_latch *latch, struct wr_endpoint *ret_endpoint)
{
	uint32_t version = atomic_load_explicit(&latch->version, memory_order_acquire);
	uint64_t words[WR_LATCH_WORDS];

	while (version) {
		uint32_t seen = version;

		copy_out(latch->cells[seen & 1], words);
		version = atomic_load_explicit(&latch->version, memory_order_acquire);
		if (version == seen)
			break;
	}
	if (version)
		memcpy(ret_endpoint, words, sizeof(*ret_endpoint));
	return version;
}

static bool lock(struct wr_latch *latch)
{
	return !atomic_exchange_explicit(&latch->is_writing, true, memory_order_acquire);
}

static void unlock(struct wr_latch *latch)
{
	atomic_store_explicit(&latch->is_writing, false, memory_order_release);
}

static void write_locked(struct wr_latch *latch, uint32_t version,
			 const struct wr_endpoint *endpoint)
{
	uint64_t words[WR_LATCH_WORDS] = { 0 };
	uint32_t next = version + 1;

	if (next == 0) /* that means "not known"; and keeps the parity */
		next = 2;
	memcpy(words, endpoint, sizeof(*endpoint));
	copy_in(latch->cells[next & 1], words);
	atomic_store_explicit(&latch->version, next, memory_order_release);
}

bool wr_latch_try_write(struct wr_latch *latch, const struct wr_endpoint *endpoint)
{
	if (!lock(latch))
		return false;
	write_locked(latch, atomic_load_explicit(&latch->version, memory_order_relaxed), endpoint);
	unlock(latch);
	return true;
}

bool wr_latch_try_replace(struct wr_latch *latch, uint32_t version,
			  const struct wr_endpoint *endpoint)
{
	bool is_same;

	if (!lock(latch))
		return false;
	is_same = atomic_load_explicit(&latch->version, memory_order_relaxed) == version;
	if (is_same)
		write_locked(latch, version, endpoint);
	unlock(latch);
	return is_same;
}

void wr_latch_write(struct wr_latch *latch, const struct wr_endpoint *endpoint)
{
	while (!wr_latch_try_write(latch, endpoint))
		sched_yield();
}
