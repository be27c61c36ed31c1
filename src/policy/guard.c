#include "policy/guard.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/noise.h"
#include "policy/passage.h"
#include "wire/packet.h"

/* Flows of one member are those with all others: it may be a server, or a router. As of a
 * network of so many machines (tables.h); memory is touched only when it is used. */
#define MACHINES_MIN 256

#define NOBODY 0

/* An address as two words; IPv4 has the second one zero, and its family in it. */
struct address {
	uint64_t words[2];
};

struct place {
	struct address address;
	uint32_t slot; /* NOBODY: free */
};

/* Whose an address is, and the rules that speak of them: replaced whole. */
struct table {
	struct wr_retired retired;
	const struct wr_ruleset *ruleset; /* the filter's */
	uint64_t secret[2];
	struct place *places;
	size_t mask;
	/* Prefixes that are no single address; `src` of an interval is the slot. */
	struct wr_intervals prefixes4, prefixes6;
};

struct wr_guard {
	struct wr_filter *filter; /* NULL before the first ruleset */
	_Atomic(struct table *) table;
	uint8_t secret[16];
};

/* --- Addresses. --- */

static struct address address_of(enum wr_family family, const uint8_t *bytes)
{
	struct address address = { { 0, 0 } };
	uint32_t v4;

	if (family == WR_IPV6) {
		memcpy(address.words, bytes, sizeof(address.words));
		return address;
	}
	memcpy(&v4, bytes, sizeof(v4));
	address.words[0] = v4;
	/* ::/64 is nobody's IPv6 address: RFC 4291 section 2.5.5. */
	address.words[1] = WR_IPV4;
	return address;
}

/* Lemire and Kaser (2014), as flows.h: who does not know the secret cannot choose what falls
 * together. */
static size_t home_of(const struct table *table, const struct address *address)
{
	unsigned __int128 product = (unsigned __int128)(address->words[0] + table->secret[0]) *
				    ((address->words[1] * UINT64_C(0x9e3779b97f4a7c15)) ^
				     table->secret[1]);

	return (size_t)((uint64_t)product ^ (uint64_t)(product >> 64)) & table->mask;
}

/* Where the address stands, or is to stand. */
static struct place *place_of(const struct table *table, const struct address *address)
{
	size_t at = home_of(table, address);

	while (table->places[at].slot != NOBODY &&
	       (table->places[at].address.words[0] != address->words[0] ||
		table->places[at].address.words[1] != address->words[1]))
		at = (at + 1) & table->mask;
	return &table->places[at];
}

static uint32_t slot_of(const struct table *table, enum wr_family family, const uint8_t *bytes)
{
	const struct wr_intervals *prefixes = family == WR_IPV4 ? &table->prefixes4
								: &table->prefixes6;
	struct address address = address_of(family, bytes);
	const struct wr_interval *around;
	uint32_t slot = place_of(table, &address)->slot;

	if (slot != NOBODY || !prefixes->count)
		return slot;
	around = wr_intervals_find(prefixes, wr_address_of(family, bytes));
	return around ? around->src : NOBODY;
}

/* --- Judging. --- */

enum wr_verdict wr_guard_judge(struct wr_guard *guard, const uint8_t *ip, uint32_t len,
			       struct wr_instant now)
{
	const struct table *table = atomic_load_explicit(&guard->table, memory_order_acquire);
	struct wr_packet packet;
	uint32_t src, dst;

	if (!table)
		return WR_DROP_POLICY;
	if (!wr_packet_read((struct wr_bytes){ ip, len }, &packet))
		return WR_DROP_INNER;
	src = slot_of(table, packet.family, packet.src);
	dst = slot_of(table, packet.family, packet.dst);
	if ((src == WR_GUARD_SELF) == (dst == WR_GUARD_SELF))
		return WR_DROP_POLICY;
	return wr_filter_judge_by(guard->filter, table->ruleset, ip, packet.total_len, src, dst,
				  now);
}

/* --- Making a table. --- */

struct owned_prefixes {
	struct wr_prefix *items;
	uint32_t *slots;
	size_t count;
};

static bool is_single(const struct wr_prefix *prefix)
{
	return prefix->length == wr_ip_bits(prefix->ip.family);
}

static void take_slot(void *context, size_t prefix, const struct wr_interval *around,
		      struct wr_interval *ret_interval)
{
	const struct owned_prefixes *owned = context;

	(void)around;
	ret_interval->src = owned->slots[prefix];
}

static void add_prefix(struct table *table, struct owned_prefixes *owned,
		       const struct wr_prefix *prefix, uint32_t slot)
{
	if (prefix->ip.family == WR_FAMILY_NONE)
		return;
	if (is_single(prefix)) {
		struct address address = address_of(prefix->ip.family, prefix->ip.bytes);

		*place_of(table, &address) = (struct place){ address, slot };
		return;
	}
	owned->items[owned->count] = *prefix;
	owned->slots[owned->count++] = slot;
}

static void add_hosts(struct table *table, struct owned_prefixes *owned,
		      const struct wr_guard_host *hosts, size_t host_count)
{
	for (size_t i = 0; i < host_count; i++) {
		assert(hosts[i].slot != NOBODY);
		for (size_t j = 0; j < hosts[i].prefix_count; j++)
			add_prefix(table, owned, &hosts[i].prefixes[j], hosts[i].slot);
	}
}

static size_t count_prefixes(const struct wr_guard_host *hosts, size_t host_count)
{
	size_t count = 0;

	for (size_t i = 0; i < host_count; i++)
		count += hosts[i].prefix_count;
	return count;
}

static bool make_room(struct table *table, size_t count)
{
	size_t room = 16;

	while (room < count * 2)
		room *= 2;
	table->mask = room - 1;
	table->places = calloc(room, sizeof(*table->places));
	return table->places;
}

static bool fill(struct table *table, const struct wr_guard_host *hosts, size_t host_count)
{
	size_t count = count_prefixes(hosts, host_count);
	struct owned_prefixes owned = {
		.items = calloc(count + 1, sizeof(*owned.items)),
		.slots = calloc(count + 1, sizeof(*owned.slots)),
	};
	bool is_done = owned.items && owned.slots && make_room(table, count);

	if (is_done) {
		add_hosts(table, &owned, hosts, host_count);
		is_done = wr_intervals_build(&table->prefixes4, WR_IPV4, owned.items, owned.count,
					     take_slot, &owned) &&
			  wr_intervals_build(&table->prefixes6, WR_IPV6, owned.items, owned.count,
					     take_slot, &owned);
	}
	free(owned.items);
	free(owned.slots);
	return is_done;
}

static struct table *table_free(struct table *table)
{
	if (!table)
		return NULL;
	free(table->places);
	free(table->prefixes4.items);
	free(table->prefixes6.items);
	free(table);
	return NULL;
}

static void free_retired(struct wr_retired *retired)
{
	table_free(WR_CONTAINER_OF(retired, struct table, retired));
}

static struct table *table_new(const struct wr_guard *guard, const struct wr_guard_host *hosts,
			       size_t host_count)
{
	struct table *table = calloc(1, sizeof(*table));
	struct wr_siphash_key key;

	if (!table)
		return NULL;
	memcpy(&key, guard->secret, sizeof(guard->secret));
	for (uint8_t i = 0; i < WR_ARRAY_LEN(table->secret); i++) {
		uint8_t input[2] = { 'g', i };

		table->secret[i] = wr_siphash(&key, (struct wr_bytes){ input, sizeof(input) });
	}
	return fill(table, hosts, host_count) ? table : table_free(table);
}

/* --- The owner's. --- */

struct wr_guard *wr_guard_new(const uint8_t secret[16])
{
	struct wr_guard *guard = calloc(1, sizeof(*guard));

	if (!guard)
		return NULL;
	memcpy(guard->secret, secret, sizeof(guard->secret));
	atomic_init(&guard->table, NULL);
	return guard;
}

struct wr_guard *wr_guard_free(struct wr_guard *guard)
{
	if (!guard)
		return NULL;
	table_free(atomic_load_explicit(&guard->table, memory_order_relaxed));
	wr_filter_free(guard->filter);
	free(guard);
	return NULL;
}

static int set_ruleset(struct wr_guard *guard, struct wr_ruleset *ruleset, size_t machines,
		       struct wr_retire_list *retire)
{
	int status;

	if (!guard->filter) {
		guard->filter = wr_filter_new(machines, guard->secret, ruleset);
		return guard->filter ? 0 : -ENOMEM;
	}
	status = wr_filter_resize(guard->filter, machines, retire);
	if (status == 0)
		wr_filter_set_ruleset(guard->filter, ruleset, retire);
	return status;
}

/* Whoever has the old table has the old ruleset with it; both are retired together. */
int wr_guard_set(struct wr_guard *guard, struct wr_ruleset *ruleset,
		 const struct wr_guard_host *hosts, size_t host_count,
		 struct wr_retire_list *retire)
{
	struct table *old = atomic_load_explicit(&guard->table, memory_order_relaxed);
	struct table *table = table_new(guard, hosts, host_count);
	size_t machines = host_count > MACHINES_MIN ? host_count : MACHINES_MIN;

	if (!table || set_ruleset(guard, ruleset, machines, retire) < 0) {
		table_free(table);
		return -ENOMEM;
	}
	table->ruleset = ruleset;
	atomic_store_explicit(&guard->table, table, memory_order_release);
	if (old)
		wr_retire(retire, &old->retired, free_retired);
	return 0;
}
