/* Forwarding tables of VXLAN interfaces. */
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "linux/rtnl_read.h"
#include "linux/vxlan.h"

struct wr_fdb {
	struct mnl_socket *socket;
	uint32_t index;
};

int wr_fdb_open(uint32_t index, struct wr_fdb **ret_fdb)
{
	struct wr_fdb *fdb = calloc(1, sizeof(*fdb));
	int status = fdb ? wr_rtnl_open(&fdb->socket) : -ENOMEM;

	if (status < 0) {
		free(fdb);
		return status;
	}
	fdb->index = index;
	*ret_fdb = fdb;
	return 0;
}

struct wr_fdb *wr_fdb_close(struct wr_fdb *fdb)
{
	if (!fdb)
		return NULL;
	wr_rtnl_closep(&fdb->socket);
	free(fdb);
	return NULL;
}

/* --- Looking. --- */

struct look {
	uint32_t index;
	void (*see)(void *context, const struct wr_fdb_entry *entry);
	void *context;
};

static void read_bytes(const struct nlattr *attribute, size_t len, void *ret)
{
	if (attribute && mnl_attr_get_payload_len(attribute) == len)
		memcpy(ret, mnl_attr_get_payload(attribute), len);
}

static void read_host(const struct nlattr *attribute, struct wr_ip *ret_ip)
{
	uint16_t len = attribute ? mnl_attr_get_payload_len(attribute) : 0;

	if (len != 4 && len != 16)
		return;
	ret_ip->family = len == 4 ? WR_IPV4 : WR_IPV6;
	read_bytes(attribute, len, ret_ip->bytes);
}

static int take_entry(const struct nlmsghdr *message, void *data)
{
	const struct look *look = data;
	const struct ndmsg *info = mnl_nlmsg_get_payload(message);
	struct wr_rtnl_attributes all = { 0 };
	struct wr_fdb_entry entry = { 0 };

	if (message->nlmsg_type != RTM_NEWNEIGH || info->ndm_family != AF_BRIDGE ||
	    info->ndm_ifindex != (int)look->index || !(info->ndm_flags & NTF_SELF))
		return MNL_CB_OK;
	mnl_attr_parse(message, sizeof(*info), wr_rtnl_note, &all);
	read_bytes(all.of[NDA_LLADDR], sizeof(entry.mac), entry.mac);
	read_host(all.of[NDA_DST], &entry.to);
	read_bytes(all.of[NDA_PORT], sizeof(entry.port), &entry.port);
	read_bytes(all.of[NDA_VNI], sizeof(entry.vni), &entry.vni);
	read_bytes(all.of[NDA_IFINDEX], sizeof(entry.interface), &entry.interface);
	entry.port = ntohs(entry.port);
	entry.is_learnt = !(info->ndm_state & NUD_PERMANENT);
	look->see(look->context, &entry);
	return MNL_CB_OK;
}

int wr_fdb_look(struct wr_fdb *fdb, void (*see)(void *context, const struct wr_fdb_entry *entry),
		void *context)
{
	struct look look = { .index = fdb->index, .see = see, .context = context };
	struct wr_rtnl_request request;
	struct nlmsghdr *message = wr_rtnl_begin(&request, RTM_GETNEIGH, NLM_F_DUMP);
	/* net/core/rtnetlink.c, valid_fdb_dump_legacy(): of that interface only. */
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->ifi_family = AF_BRIDGE;
	info->ifi_index = (int)fdb->index;
	return wr_rtnl_ask(fdb->socket, message, take_entry, &look);
}

/* --- Changing. --- */

static int change(struct wr_fdb *fdb, uint16_t type, uint16_t flags,
		  const struct wr_fdb_entry *entry)
{
	struct wr_rtnl_request request;
	struct nlmsghdr *message = wr_rtnl_begin(&request, type, NLM_F_ACK | flags);
	struct ndmsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->ndm_family = AF_BRIDGE;
	info->ndm_ifindex = (int)fdb->index;
	info->ndm_state = NUD_PERMANENT;
	info->ndm_flags = NTF_SELF;
	mnl_attr_put(message, NDA_LLADDR, sizeof(entry->mac), entry->mac);
	if (entry->to.family != WR_FAMILY_NONE)
		wr_rtnl_put_ip(message, NDA_DST, &entry->to);
	if (entry->port)
		mnl_attr_put_u16(message, NDA_PORT, htons(entry->port));
	if (entry->vni)
		mnl_attr_put_u32(message, NDA_VNI, entry->vni);
	if (entry->interface)
		mnl_attr_put_u32(message, NDA_IFINDEX, entry->interface);
	return wr_rtnl_ask(fdb->socket, message, NULL, NULL);
}

int wr_fdb_add(struct wr_fdb *fdb, const struct wr_fdb_entry *entry)
{
	return change(fdb, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_APPEND, entry);
}

int wr_fdb_remove(struct wr_fdb *fdb, const struct wr_fdb_entry *entry)
{
	return change(fdb, RTM_DELNEIGH, 0, entry);
}
