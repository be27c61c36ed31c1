#include "mesh/l2.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/link_change.h"
#include "linux/vxlan.h"
#include "mesh/l2_guard.h"
#include "mesh/l2_table.h"

/* Outer IPv6 (40) and UDP (8), VXLAN (8), inner Ethernet (14). */
#define OVERHEAD 70
/* Ethernet addresses that are learnt: of a member that makes up more, they find no room. */
#define MACS_MAX 16384

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

static int prepare(struct wr_l2 *l2, const struct wr_l2_config *config, char ret_why[200])
{
	char tunnel[IF_NAMESIZE];
	int status = clear_name(l2->name, ret_why);

	if (status == 0 && !if_indextoname(config->under, tunnel))
		status = -errno;
	if (status == 0)
		status = wr_l2_guard_open(&l2->guard, tunnel, config->port, l2->name, ret_why);
	return status;
}

int wr_l2_open(const struct wr_l2_config *config, struct wr_l2 **ret_l2, char ret_why[200])
{
	struct wr_l2 *l2 = calloc(1, sizeof(*l2));
	int status;

	ret_why[0] = '\0';
	if (!l2) {
		explain(-ENOMEM, ret_why);
		return -ENOMEM;
	}
	snprintf(l2->name, sizeof(l2->name), "%s", config->name);
	l2->own = config->own;
	l2->mtu = config->under_mtu > OVERHEAD ? config->under_mtu - OVERHEAD : 0;
	status = prepare(l2, config, ret_why);
	if (status == 0)
		status = make(l2, config->under);
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

/* --- Keeping it so. --- */

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
	return status < 0 ? status : wr_l2_table_set(l2->fdb, &l2->own, members, count);
}
