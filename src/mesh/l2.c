#include "mesh/l2.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/link_change.h"
#include "linux/vxlan.h"
#include "mesh/l2_guard.h"

/* Outer IPv6 (40) and UDP (8), VXLAN (8), inner Ethernet (14). */
#define OVERHEAD 70
/* Ethernet addresses that are learnt: of a member that makes up more, they find no room. */
#define MACS_MAX 16384
/* A dump that something changed meanwhile is made again. */
#define TRIES 5

struct wr_l2 {
	char name[IF_NAMESIZE];
	uint32_t index, mtu;
	struct wr_ip own;
	struct wr_fdb *fdb;
	struct wr_l2_guard guard;
};

/* --- The interface. --- */

/* From the member's address, which is its own in the mesh and stays: so do neighbours' tables. */
static void set_mac(const struct wr_ip *own, uint8_t ret_mac[WR_MAC_ADDRESS_LEN])
{
	memcpy(ret_mac, own->bytes + 16 - WR_MAC_ADDRESS_LEN, WR_MAC_ADDRESS_LEN);
	/* Locally administered, of one host: IEEE 802. */
	ret_mac[0] = (uint8_t)((ret_mac[0] & 0xfc) | 2);
}

static bool is_ours(const struct wr_link_sight *sight)
{
	return strcmp(sight->kind, "vxlan") == 0 && strcmp(sight->alias, WR_L2_ALIAS) == 0;
}

/* One that a crash left behind. */
static int clear_name(const char *name, char ret_why[200])
{
	struct wr_link_sight sight;
	int status = wr_link_find(name, &sight);

	if (status == -ENODEV)
		return 0;
	if (status == 0 && !is_ours(&sight)) {
		snprintf(ret_why, 200, "an interface %s is there, and is none of ours", name);
		return -EEXIST;
	}
	return status < 0 ? status : wr_link_delete(sight.index);
}

static void explain(int status, char ret_why[200])
{
	switch (status) {
	case -EOPNOTSUPP: snprintf(ret_why, 200, "this kernel has no VXLAN"); break;
	case -EEXIST:
		snprintf(
			ret_why, 200,
			"another VXLAN of this host has number %d and port %d: only one mesh can have "
			"layer 2",
			WR_L2_VNI, WR_L2_PORT);
		break;
	default: snprintf(ret_why, 200, "layer 2: %s", strerror(-status)); break;
	}
}

static int make(struct wr_l2 *l2, uint32_t under)
{
	struct wr_vxlan_config config = {
		.name = l2->name,
		.alias = WR_L2_ALIAS,
		.under = under,
		.local = l2->own,
		.vni = WR_L2_VNI,
		.port = WR_L2_PORT,
		.mtu = l2->mtu,
		.most = MACS_MAX,
	};
	int status;

	set_mac(&l2->own, config.mac);
	status = wr_vxlan_create(&config, &l2->index);
	if (status == 0)
		status = wr_fdb_open(l2->index, &l2->fdb);
	return status < 0 ? status : wr_link_set_up(l2->index, true);
}

static int prepare(struct wr_l2 *l2, uint32_t under, char ret_why[200])
{
	char tunnel[IF_NAMESIZE];
	int status = clear_name(l2->name, ret_why);

	if (status == 0 && !if_indextoname(under, tunnel))
		status = -errno;
	if (status == 0)
		status = wr_l2_guard_open(&l2->guard, tunnel, ret_why);
	return status;
}

int wr_l2_open(const char *name, uint32_t under, uint32_t under_mtu, const struct wr_ip *own,
	       struct wr_l2 **ret_l2, char ret_why[200])
{
	struct wr_l2 *l2 = calloc(1, sizeof(*l2));
	int status;

	ret_why[0] = '\0';
	if (!l2) {
		explain(-ENOMEM, ret_why);
		return -ENOMEM;
	}
	snprintf(l2->name, sizeof(l2->name), "%s", name);
	l2->own = *own;
	l2->mtu = under_mtu > OVERHEAD ? under_mtu - OVERHEAD : 0;
	status = prepare(l2, under, ret_why);
	if (status == 0)
		status = make(l2, under);
	if (status < 0) {
		if (!ret_why[0])
			explain(status, ret_why);
		wr_l2_close(l2);
		return status;
	}
	*ret_l2 = l2;
	return 0;
}

struct wr_l2 *wr_l2_close(struct wr_l2 *l2)
{
	struct wr_link_sight sight;

	if (!l2)
		return NULL;
	wr_fdb_close(l2->fdb);
	if (l2->index && wr_link_find(l2->name, &sight) == 0 && sight.index == l2->index)
		wr_link_delete(l2->index);
	wr_l2_guard_close(&l2->guard);
	free(l2);
	return NULL;
}

uint32_t wr_l2_index(const struct wr_l2 *l2)
{
	return l2->index;
}

uint32_t wr_l2_mtu(const struct wr_l2 *l2)
{
	return l2->mtu;
}

/* --- Its table. --- */

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

static int list_members(const struct wr_l2 *l2, const struct wr_ip *members, size_t count,
			struct comparison *comparison)
{
	size_t kept = 0;

	comparison->members = calloc(count + 1, sizeof(*comparison->members));
	if (!comparison->members)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (members[i].family == WR_IPV6 && !wr_ip_equal(&members[i], &l2->own))
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

static int look(struct wr_l2 *l2, struct comparison *comparison)
{
	int status = -EINTR;

	for (int i = 0; i < TRIES && status == -EINTR; i++) {
		comparison->wrong_count = 0;
		for (size_t j = 0; j < comparison->count; j++)
			comparison->members[j].is_there = false;
		status = wr_fdb_look(l2->fdb, compare, comparison);
	}
	return status == 0 && comparison->is_short ? -ENOMEM : status;
}

/* The first error counts; what works is done. What went by itself meanwhile (-ENOENT) is well. */
static int mend(struct wr_l2 *l2, const struct comparison *comparison)
{
	int first = 0, status;

	for (size_t i = 0; i < comparison->wrong_count; i++) {
		status = wr_fdb_remove(l2->fdb, &comparison->wrong[i]);
		if (status < 0 && status != -ENOENT && first == 0)
			first = status;
	}
	for (size_t i = 0; i < comparison->count; i++) {
		const struct wr_fdb_entry entry = { .to = comparison->members[i].ip };

		if (comparison->members[i].is_there)
			continue;
		status = wr_fdb_add(l2->fdb, &entry);
		if (status < 0 && first == 0)
			first = status;
	}
	return first;
}

static int set_table(struct wr_l2 *l2, const struct wr_ip *members, size_t count)
{
	struct comparison comparison = { 0 };
	int status = list_members(l2, members, count, &comparison);

	if (status == 0)
		status = look(l2, &comparison);
	if (status == 0)
		status = mend(l2, &comparison);
	free(comparison.members);
	free(comparison.wrong);
	return status;
}

/* It is there, ours, and up. */
static int keep_up(const struct wr_l2 *l2)
{
	struct wr_link_sight sight;
	int status = wr_link_find(l2->name, &sight);

	if (status == 0 && sight.index != l2->index)
		status = -ENODEV;
	return status < 0 || sight.is_up ? status : wr_link_set_up(l2->index, true);
}

int wr_l2_set_members(struct wr_l2 *l2, const struct wr_ip *members, size_t count)
{
	int status = wr_l2_guard_keep(&l2->guard);

	/* What cannot be kept inside of the tunnel is better cut off, until it can. */
	if (status < 0) {
		(void)!wr_link_set_up(l2->index, false);
		return status;
	}
	status = keep_up(l2);
	return status < 0 ? status : set_table(l2, members, count);
}
