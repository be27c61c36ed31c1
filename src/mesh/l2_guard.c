#include "mesh/l2_guard.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "linux/nft.h"
#include "mesh/l2.h"

#define PATIENCE WR_SPAN_S(10)
#define SCRIPT_LEN 1024

/* Of what an interface may be called, a table may not be called everything. */
static void name_table(struct wr_l2_guard *guard)
{
	snprintf(guard->table, sizeof(guard->table), "warren-l2-%s", guard->tunnel);
	for (char *at = guard->table; *at; at++) {
		if (!isalnum((unsigned char)*at) && !strchr("-_.", *at))
			*at = '_';
	}
}

/* The VXLAN's number follows 96 bits after the UDP header's begin; other numbers are somebody
 * else's. Of fragments it cannot be read: they are dropped by their port. What goes out is looked
 * at before it is fragmented. Before connection tracking, and before it is known whether it is for
 * us. */
static void write_script(const struct wr_l2_guard *guard, char ret_script[SCRIPT_LEN])
{
	snprintf(ret_script, SCRIPT_LEN,
		 "table inet %s\ndelete table inet %s\ntable inet %s {\n"
		 "\tchain arrive {\n"
		 "\t\ttype filter hook prerouting priority raw; policy accept;\n"
		 "\t\tiifname \"%s\" accept\n"
		 "\t\tmeta nfproto ipv6 udp dport %d @th,96,24 %d drop\n"
		 "\t\tmeta nfproto ipv6 udp dport %d exthdr frag exists drop\n"
		 "\t}\n"
		 "\tchain inside {\n"
		 "\t\ttype filter hook input priority filter; policy accept;\n"
		 "\t\tiifname \"%s\" udp dport %u drop\n"
		 "\t}\n"
		 "\tchain leave {\n"
		 "\t\ttype filter hook output priority raw; policy accept;\n"
		 "\t\tmeta nfproto ipv6 oifname != \"%s\" udp dport %d @th,96,24 %d drop\n"
		 "\t\toifname \"%s\" udp sport %u drop\n"
		 "\t}\n}\n",
		 guard->table, guard->table, guard->table, guard->tunnel, WR_L2_PORT, WR_L2_VNI,
		 WR_L2_PORT, guard->layer, guard->port, guard->tunnel, WR_L2_PORT, WR_L2_VNI,
		 guard->layer, guard->port);
}

/* Of a bridge that the interface is in, what is for and from the bridge itself: this host. */
static void write_bridge_script(const struct wr_l2_guard *guard, char ret_script[SCRIPT_LEN])
{
	snprintf(ret_script, SCRIPT_LEN,
		 "table bridge %s\ndelete table bridge %s\ntable bridge %s {\n"
		 "\tchain inside {\n"
		 "\t\ttype filter hook input priority filter; policy accept;\n"
		 "\t\tiifname \"%s\" udp dport %u drop\n"
		 "\t}\n"
		 "\tchain leave {\n"
		 "\t\ttype filter hook output priority filter; policy accept;\n"
		 "\t\toifname \"%s\" udp sport %u drop\n"
		 "\t}\n}\n",
		 guard->table, guard->table, guard->table, guard->layer, guard->port, guard->layer,
		 guard->port);
}

static int make_one(struct wr_l2_guard *guard, enum wr_nft_family family,
		    char ret_said[WR_NFT_ERROR_LEN])
{
	bool is_bridge = family == WR_NFT_BRIDGE;
	char script[SCRIPT_LEN];
	int status;

	(is_bridge ? write_bridge_script : write_script)(guard, script);
	ret_said[0] = '\0';
	status = wr_nft_run(script, PATIENCE, ret_said);
	if (status < 0)
		return status;
	return wr_nft_fingerprint(family, guard->table,
				  is_bridge ? &guard->bridge_fingerprint : &guard->fingerprint);
}

/* A kernel without tables for bridges does without: layer 2 works, but for bridges with an address.
 */
static void make_for_bridges(struct wr_l2_guard *guard)
{
	char said[WR_NFT_ERROR_LEN];

	if (make_one(guard, WR_NFT_BRIDGE, said) < 0)
		wr_log_error("l2: put %s in no bridge that has an address: the tunnel could go "
			     "through itself (%s)",
			     guard->layer, said);
}

int wr_l2_guard_open(struct wr_l2_guard *guard, const char *tunnel, uint16_t port,
		     const char *layer, char ret_why[200])
{
	char said[WR_NFT_ERROR_LEN] = "";
	int status = -EINVAL;

	*guard = (struct wr_l2_guard){ .port = port };
	snprintf(guard->tunnel, sizeof(guard->tunnel), "%s", tunnel);
	snprintf(guard->layer, sizeof(guard->layer), "%s", layer);
	name_table(guard);
	/* Inside of quotes. */
	if (!strpbrk(guard->tunnel, "\"\\"))
		status = make_one(guard, WR_NFT_INET, said);
	if (status == 0) {
		make_for_bridges(guard);
		return 0;
	}
	guard->fingerprint = 0;
	if (status == -ENOENT)
		snprintf(ret_why, 200,
			 "layer 2 needs nft (package nftables): else strangers on the LAN could "
			 "put frames into it");
	else
		snprintf(ret_why, 200, "layer 2 cannot be shut off from the LAN: %.140s",
			 said[0] ? said : strerror(-status));
	return status;
}

static bool is_kept(const struct wr_l2_guard *guard, enum wr_nft_family family, uint64_t wanted)
{
	uint64_t fingerprint = 0;

	return wr_nft_fingerprint(family, guard->table, &fingerprint) == 0 && fingerprint == wanted;
}

int wr_l2_guard_keep(struct wr_l2_guard *guard)
{
	char said[WR_NFT_ERROR_LEN];
	int status = 0;

	if (!is_kept(guard, WR_NFT_INET, guard->fingerprint))
		status = make_one(guard, WR_NFT_INET, said);
	if (status < 0)
		wr_log_error("l2: table %s cannot be put back: %s", guard->table, said);
	if (guard->bridge_fingerprint && !is_kept(guard, WR_NFT_BRIDGE, guard->bridge_fingerprint))
		make_for_bridges(guard);
	return status;
}

static void remove_one(const struct wr_l2_guard *guard, const char *family)
{
	char script[128], said[WR_NFT_ERROR_LEN];

	snprintf(script, sizeof(script), "table %s %s\ndelete table %s %s\n", family, guard->table,
		 family, guard->table);
	if (wr_nft_run(script, PATIENCE, said) < 0)
		wr_log_error("l2: table %s %s stays behind: %s", family, guard->table, said);
}

void wr_l2_guard_close(struct wr_l2_guard *guard)
{
	if (guard->fingerprint)
		remove_one(guard, "inet");
	if (guard->bridge_fingerprint)
		remove_one(guard, "bridge");
	guard->fingerprint = guard->bridge_fingerprint = 0;
}
