#include "server/lockout.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/key.h"
#include "crypto/noise.h"

/* Those that share a place. */
#define WAYS 8
#define PLACES (WR_LOCKOUT_ENTRIES / WAYS)
#define FIRST_WAIT WR_SPAN_S(1)
/* 2^10 seconds are more than the longest wait. */
#define DOUBLINGS_MAX 10
/* Longer logins than there can be are cut: they are nobody's. */
#define ACCOUNT_LEN 255

struct entry {
	uint64_t key; /* 0: free */
	uint32_t failures;
	struct wr_instant last, until;
};

struct table {
	struct entry entries[PLACES][WAYS];
	uint32_t free_failures;
};

struct wr_lockout {
	struct wr_siphash_key seed;
	struct table accounts, addresses;
	atomic_uint_fast64_t tries, refused;
	atomic_uint hashing;
};

struct wr_lockout *wr_lockout_new(const uint8_t seed[16])
{
	struct wr_lockout *lockout = calloc(1, sizeof(*lockout));

	if (!lockout)
		return NULL;
	memcpy(lockout->seed.bytes, seed, sizeof(lockout->seed.bytes));
	lockout->accounts.free_failures = WR_LOCKOUT_ACCOUNT_FREE;
	lockout->addresses.free_failures = WR_LOCKOUT_ADDRESS_FREE;
	return lockout;
}

struct wr_lockout *wr_lockout_free(struct wr_lockout *lockout)
{
	free(lockout);
	return NULL;
}

/* --- Who. --- */

static uint64_t hash(const struct wr_lockout *lockout, const void *data, size_t len)
{
	uint64_t key = wr_siphash(&lockout->seed, (struct wr_bytes){ data, len });

	return key ? key : 1;
}

/* Logins are the same in upper and lower case. */
static uint64_t account_key(const struct wr_lockout *lockout, const char *account)
{
	char lower[ACCOUNT_LEN];
	size_t len = strnlen(account, sizeof(lower));

	for (size_t i = 0; i < len; i++)
		lower[i] = account[i] >= 'A' && account[i] <= 'Z' ? (char)(account[i] + 32)
								  : account[i];
	return hash(lockout, lower, len);
}

/* A household has a /64 of IPv6 to itself. */
static uint64_t address_key(const struct wr_lockout *lockout, const struct wr_ip *address)
{
	return hash(lockout, address->bytes, address->family == WR_IPV4 ? 4 : 8);
}

/* --- A table. --- */

static bool is_over(const struct entry *entry, struct wr_instant now)
{
	return !entry->key || wr_is_past(wr_after(entry->last, WR_LOCKOUT_FORGET), now);
}

static struct entry *find(struct table *table, uint64_t key)
{
	struct entry *entries = table->entries[key % PLACES];

	for (unsigned i = 0; i < WAYS; i++) {
		if (entries[i].key == key)
			return &entries[i];
	}
	return NULL;
}

static bool matters_less(const struct entry *a, const struct entry *b, struct wr_instant now)
{
	if (is_over(a, now) != is_over(b, now))
		return is_over(a, now);
	return a->failures != b->failures ? a->failures < b->failures : a->last.ns < b->last.ns;
}

static struct entry *find_or_make(struct table *table, uint64_t key, struct wr_instant now)
{
	struct entry *entries = table->entries[key % PLACES], *least = &entries[0];
	struct entry *found = find(table, key);

	if (found && !is_over(found, now))
		return found;
	for (unsigned i = 1; i < WAYS; i++) {
		if (matters_less(&entries[i], least, now))
			least = &entries[i];
	}
	least = found ? found : least;
	*least = (struct entry){ .key = key };
	return least;
}

static struct wr_span wait_of(struct table *table, uint64_t key, struct wr_instant now)
{
	const struct entry *entry = key ? find(table, key) : NULL;

	if (!entry || wr_is_past(entry->until, now))
		return (struct wr_span){ 0 };
	return (struct wr_span){ entry->until.ns - now.ns };
}

static struct wr_span penalty(uint32_t more)
{
	uint32_t doublings = more - 1 < DOUBLINGS_MAX ? more - 1 : DOUBLINGS_MAX;
	struct wr_span wait = { FIRST_WAIT.ns << doublings };

	return wait.ns < WR_LOCKOUT_WAIT_MAX.ns ? wait : WR_LOCKOUT_WAIT_MAX;
}

static void add_failure(struct table *table, uint64_t key, struct wr_instant now)
{
	struct entry *entry;

	if (!key)
		return;
	entry = find_or_make(table, key, now);
	entry->failures++;
	entry->last = now;
	if (entry->failures > table->free_failures)
		entry->until = wr_after(now, penalty(entry->failures - table->free_failures));
}

static void take_back(struct table *table, uint64_t key)
{
	struct entry *entry = find(table, key);

	if (entry && entry->failures) {
		entry->failures--;
		entry->until = (struct wr_instant){ 0 };
	}
}

static void forget(struct table *table, uint64_t key)
{
	struct entry *entry = find(table, key);

	if (entry)
		*entry = (struct entry){ 0 };
}

/* --- Tries. --- */

static uint64_t key_of_address(const struct wr_lockout *lockout, const struct wr_ip *address)
{
	return address->family == WR_FAMILY_NONE ? 0 : address_key(lockout, address);
}

bool wr_lockout_try(struct wr_lockout *lockout, const char *account, const struct wr_ip *address,
		    struct wr_instant now, struct wr_span *ret_wait)
{
	uint64_t by_account = account ? account_key(lockout, account) : 0;
	uint64_t by_address = key_of_address(lockout, address);
	struct wr_span a = wait_of(&lockout->accounts, by_account, now);
	struct wr_span b = wait_of(&lockout->addresses, by_address, now);

	if (a.ns || b.ns) {
		atomic_fetch_add_explicit(&lockout->refused, 1, memory_order_relaxed);
		*ret_wait = a.ns > b.ns ? a : b;
		return false;
	}
	atomic_fetch_add_explicit(&lockout->tries, 1, memory_order_relaxed);
	add_failure(&lockout->accounts, by_account, now);
	add_failure(&lockout->addresses, by_address, now);
	return true;
}

void wr_lockout_right(struct wr_lockout *lockout, const char *account, const struct wr_ip *address)
{
	uint64_t by_address = key_of_address(lockout, address);

	if (account)
		forget(&lockout->accounts, account_key(lockout, account));
	if (by_address)
		take_back(&lockout->addresses, by_address);
}

/* --- Places. --- */

bool wr_lockout_enter(struct wr_lockout *lockout)
{
	if (atomic_fetch_add(&lockout->hashing, 1) < WR_LOCKOUT_HASHING)
		return true;
	atomic_fetch_sub(&lockout->hashing, 1);
	return false;
}

void wr_lockout_leave(struct wr_lockout *lockout)
{
	unsigned before = atomic_fetch_sub(&lockout->hashing, 1);

	assert(before > 0);
}

void wr_lockout_count(const struct wr_lockout *lockout, struct wr_lockout_numbers *ret_numbers)
{
	*ret_numbers = (struct wr_lockout_numbers){
		.tries = atomic_load_explicit(&lockout->tries, memory_order_relaxed),
		.refused = atomic_load_explicit(&lockout->refused, memory_order_relaxed),
	};
}
