#include "mesh/l2_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A dump that something changed meanwhile is made again. */
#define TRIES 5

struct member {
	struct wr_ip ip;
	bool is_there;
};

struct comparison {
	struct member *members; /* by address, each once */
	size_t count;
	struct wr_fdb_entry *wrong; /* entries that are to go */
	size_t wrong_count, wrong_room;
	bool is_short; /* of memory */
};

static int by_address(const void *a, const void *b)
{
	const struct member *first = a, *second = b;

	return memcmp(first->ip.bytes, second->ip.bytes, sizeof(first->ip.bytes));
}

static int list_members(const struct wr_ip *own, const struct wr_ip *members, size_t count,
			struct comparison *comparison)
{
	size_t kept = 0;

	comparison->members = calloc(count + 1, sizeof(*comparison->members));
	if (!comparison->members)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (members[i].family == WR_IPV6 && !wr_ip_equal(&members[i], own))
			comparison->members[comparison->count++].ip = members[i];
	}
	qsort(comparison->members, comparison->count, sizeof(struct member), by_address);
	for (size_t i = 0; i < comparison->count; i++) {
		if (i == 0 || by_address(&comparison->members[i], &comparison->members[i - 1]) != 0)
			comparison->members[kept++] = comparison->members[i];
	}
	comparison->count = kept;
	return 0;
}

static struct member *find_member(const struct comparison *comparison, const struct wr_ip *ip)
{
	struct member key = { .ip = *ip };

	if (ip->family != WR_IPV6)
		return NULL;
	return bsearch(&key, comparison->members, comparison->count, sizeof(key), by_address);
}

static bool is_default(const struct wr_fdb_entry *entry)
{
	static const uint8_t zero[WR_MAC_ADDRESS_LEN];

	return memcmp(entry->mac, zero, sizeof(zero)) == 0;
}

/* Right are one default entry a member, and what the kernel learnt of members. */
static void compare(void *context, const struct wr_fdb_entry *entry)
{
	struct comparison *comparison = context;
	struct member *member = find_member(comparison, &entry->to);
	bool is_plain = !entry->port && !entry->vni && !entry->interface;

	if (member && is_plain && entry->is_learnt && !is_default(entry))
		return;
	if (member && is_plain && !entry->is_learnt && is_default(entry)) {
		member->is_there = true;
		return;
	}
	if (comparison->wrong_count == comparison->wrong_room) {
		size_t room = comparison->wrong_room ? 2 * comparison->wrong_room : 16;
		struct wr_fdb_entry *more = realloc(comparison->wrong, room * sizeof(*more));

		comparison->is_short |= !more;
		if (!more)
			return;
		comparison->wrong = more;
		comparison->wrong_room = room;
	}
	comparison->wrong[comparison->wrong_count++] = *entry;
}

static int look(struct wr_fdb *fdb, struct comparison *comparison)
{
	int status = -EINTR;

	for (int i = 0; i < TRIES && status == -EINTR; i++) {
		comparison->wrong_count = 0;
		for (size_t j = 0; j < comparison->count; j++)
			comparison->members[j].is_there = false;
		status = wr_fdb_look(fdb, compare, comparison);
	}
	return status == 0 && comparison->is_short ? -ENOMEM : status;
}

/* The first error counts; what works is done. What went by itself meanwhile (-ENOENT) is well. */
static int mend(struct wr_fdb *fdb, const struct comparison *comparison)
{
	int first = 0, status;

	for (size_t i = 0; i < comparison->wrong_count; i++) {
		status = wr_fdb_remove(fdb, &comparison->wrong[i]);
		if (status < 0 && status != -ENOENT && first == 0)
			first = status;
	}
	for (size_t i = 0; i < comparison->count; i++) {
		const struct wr_fdb_entry entry = { .to = comparison->members[i].ip };

		if (comparison->members[i].is_there)
			continue;
		status = wr_fdb_add(fdb, &entry);
		if (status < 0 && first == 0)
			first = status;
	}
	return first;
}

int wr_l2_table_set(struct wr_fdb *fdb, const struct wr_ip *own, const struct wr_ip *members,
		    size_t count)
{
	struct comparison comparison = { 0 };
	int status = list_members(own, members, count, &comparison);

	if (status == 0)
		status = look(fdb, &comparison);
	if (status == 0)
		status = mend(fdb, &comparison);
	free(comparison.members);
	free(comparison.wrong);
	return status;
}
