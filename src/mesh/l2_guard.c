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
		 "\tchain leave {\n"
		 "\t\ttype filter hook output priority raw; policy accept;\n"
		 "\t\tmeta nfproto ipv6 oifname != \"%s\" udp dport %d @th,96,24 %d drop\n"
		 "\t}\n}\n",
		 guard->table, guard->table, guard->table, guard->tunnel, WR_L2_PORT, WR_L2_VNI,
		 WR_L2_PORT, guard->tunnel, WR_L2_PORT, WR_L2_VNI);
}

static int make(struct wr_l2_guard *guard, char ret_said[WR_NFT_ERROR_LEN])
{
	char script[SCRIPT_LEN];
	int status;

	write_script(guard, script);
	ret_said[0] = '\0';
	status = wr_nft_run(script, PATIENCE, ret_said);
	return status < 0 ? status : wr_nft_fingerprint(guard->table, &guard->fingerprint);
}

int wr_l2_guard_open(struct wr_l2_guard *guard, const char *tunnel, char ret_why[200])
{
	char said[WR_NFT_ERROR_LEN] = "";
	int status = -EINVAL;

	*guard = (struct wr_l2_guard){ 0 };
	snprintf(guard->tunnel, sizeof(guard->tunnel), "%s", tunnel);
	name_table(guard);
	/* Inside of quotes. */
	if (!strpbrk(guard->tunnel, "\"\\"))
		status = make(guard, said);
	if (status == 0)
		return 0;
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

int wr_l2_guard_keep(struct wr_l2_guard *guard)
{
	char said[WR_NFT_ERROR_LEN];
	uint64_t fingerprint = 0;
	int status = wr_nft_fingerprint(guard->table, &fingerprint);

	if (status == 0 && fingerprint == guard->fingerprint)
		return 0;
	status = make(guard, said);
	if (status < 0)
		wr_log_error("l2: table %s cannot be put back: %s", guard->table, said);
	return status;
}

void wr_l2_guard_close(struct wr_l2_guard *guard)
{
	char script[128], said[WR_NFT_ERROR_LEN];

	if (!guard->fingerprint)
		return;
	guard->fingerprint = 0;
	snprintf(script, sizeof(script), "table inet %s\ndelete table inet %s\n", guard->table,
		 guard->table);
	if (wr_nft_run(script, PATIENCE, said) < 0)
		wr_log_error("l2: table %s stays behind: %s", guard->table, said);
}
