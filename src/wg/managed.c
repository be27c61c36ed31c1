#include "wg/managed.h"

/* One address: ten times a second. */
#define SAME_GAP_NS (UINT64_C(95) * 1000000)
/* All addresses: some two and a half as often, so that one does not hide others; and as many at
 * once as a peer has candidates. */
#define PRICE_NS (UINT64_C(40) * 1000000)
#define BURST 8
/* `last_received` moves in steps of this, so that it is not written for every batch. */
#define GRAIN_NS (UINT64_C(1) * 1000000)

static uint64_t read_relaxed(const _Atomic uint64_t *note)
{
	return atomic_load_explicit(note, memory_order_relaxed);
}

static void write_relaxed(_Atomic uint64_t *note, uint64_t value)
{
	atomic_store_explicit(note, value, memory_order_relaxed);
}

void wr_managed_note(struct wr_managed *managed, struct wr_instant now)
{
	if (now.ns > read_relaxed(&managed->last_received) + GRAIN_NS)
		write_relaxed(&managed->last_received, now.ns);
}

/* FNV-1a. Two addresses that have the same are told of less often, and that is all. */
static uint64_t hash_of(const struct wr_endpoint *endpoint)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < sizeof(endpoint->ip.bytes); i++)
		hash = (hash ^ endpoint->ip.bytes[i]) * UINT64_C(0x100000001b3);
	return (hash ^ endpoint->port) * UINT64_C(0x100000001b3);
}

/* Two threads at once may tell once more than they should. */
static bool pay(struct wr_managed *managed, uint64_t now)
{
	uint64_t paid = read_relaxed(&managed->paid_until);

	if (paid > now + (BURST - 1) * PRICE_NS)
		return false;
	write_relaxed(&managed->paid_until, (paid > now ? paid : now) + PRICE_NS);
	return true;
}

bool wr_managed_tells(struct wr_managed *managed, const struct wr_endpoint *from,
		      struct wr_instant now)
{
	uint64_t hash = hash_of(from);

	if (hash == read_relaxed(&managed->told) && now.ns < read_relaxed(&managed->quiet_until))
		return false;
	if (!pay(managed, now.ns))
		return false;
	write_relaxed(&managed->told, hash);
	write_relaxed(&managed->quiet_until, now.ns + SAME_GAP_NS);
	return true;
}
