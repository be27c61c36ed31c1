#include "linux/link_change.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "linux/rtnl.h"

static struct nlmsghdr *begin(struct wr_rtnl_request *request, uint16_t type, uint16_t flags,
			      uint32_t index)
{
	struct nlmsghdr *message = wr_rtnl_begin(request, type, flags);
	struct ifinfomsg *info = mnl_nlmsg_put_extra_header(message, sizeof(*info));

	info->ifi_family = AF_UNSPEC;
	info->ifi_index = (int)index;
	return message;
}

static int ask(const struct nlmsghdr *message, mnl_cb_t take, void *data)
{
	WR_AUTO(wr_rtnl_closep) struct mnl_socket *socket = NULL;
	int status = wr_rtnl_open(&socket);

	return status < 0 ? status : wr_rtnl_ask(socket, message, take, data);
}

/* --- Finding. --- */

static void take_text(const struct nlattr *attribute, char *text, size_t room)
{
	if (mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) == 0)
		snprintf(text, room, "%s", mnl_attr_get_str(attribute));
}

static int take_kind(const struct nlattr *attribute, void *data)
{
	struct wr_link_sight *sight = data;

	if (mnl_attr_get_type(attribute) == IFLA_INFO_KIND)
		take_text(attribute, sight->kind, sizeof(sight->kind));
	return MNL_CB_OK;
}

static int take_attribute(const struct nlattr *attribute, void *data)
{
	struct wr_link_sight *sight = data;

	switch (mnl_attr_get_type(attribute)) {
	case IFLA_MTU:
		if (mnl_attr_validate(attribute, MNL_TYPE_U32) == 0)
			sight->mtu = mnl_attr_get_u32(attribute);
		break;
	case IFLA_IFALIAS: take_text(attribute, sight->alias, sizeof(sight->alias)); break;
	case IFLA_LINKINFO:
		if (mnl_attr_validate(attribute, MNL_TYPE_NESTED) == 0)
			return mnl_attr_parse_nested(attribute, take_kind, sight);
		break;
	default: break;
	}
	return MNL_CB_OK;
}

static int take_link(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);
	struct wr_link_sight *sight = data;

	if (message->nlmsg_type != RTM_NEWLINK ||
	    mnl_nlmsg_get_payload_len(message) < sizeof(*info))
		return MNL_CB_OK;
	sight->index = (uint32_t)info->ifi_index;
	sight->is_up = (info->ifi_flags & IFF_UP) != 0;
	return mnl_attr_parse(message, sizeof(*info), take_attribute, sight) < 0 ? MNL_CB_ERROR
										 : MNL_CB_STOP;
}

int wr_link_find(const char *name, struct wr_link_sight *ret_sight)
{
	struct wr_link_sight sight = { 0 };
	struct wr_rtnl_request request;
	struct nlmsghdr *message = begin(&request, RTM_GETLINK, 0, 0);
	int status;

	if (strlen(name) >= IF_NAMESIZE)
		return -ENAMETOOLONG;
	mnl_attr_put_u32(message, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	status = ask(message, take_link, &sight);
	if (status < 0)
		return status;
	if (!sight.index)
		return -ENODEV;
	*ret_sight = sight;
	return 0;
}

/* --- Counting. --- */

static int take_count(const struct nlattr *attribute, void *data)
{
	struct rtnl_link_stats64 *stats = data;

	if (mnl_attr_get_type(attribute) != IFLA_STATS64)
		return MNL_CB_OK;
	/* Newer kernels append to it, older ones have less than our header says. */
	if (mnl_attr_get_payload_len(attribute) <
	    offsetof(struct rtnl_link_stats64, tx_bytes) + sizeof(stats->tx_bytes))
		return MNL_CB_ERROR;
	memcpy(stats, mnl_attr_get_payload(attribute),
	       mnl_attr_get_payload_len(attribute) < sizeof(*stats)
		       ? mnl_attr_get_payload_len(attribute)
		       : sizeof(*stats));
	return MNL_CB_OK;
}

static int take_counts(const struct nlmsghdr *message, void *data)
{
	if (message->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	return mnl_attr_parse(message, sizeof(struct ifinfomsg), take_count, data) < 0
		       ? MNL_CB_ERROR
		       : MNL_CB_STOP;
}

int wr_link_count(uint32_t index, struct wr_link_traffic *ret_traffic)
{
	struct rtnl_link_stats64 stats = { 0 };
	struct wr_rtnl_request request;
	int status = ask(begin(&request, RTM_GETLINK, 0, index), take_counts, &stats);

	if (status < 0)
		return status;
	*ret_traffic = (struct wr_link_traffic){
		.rx_packets = stats.rx_packets,
		.rx_bytes = stats.rx_bytes,
		.tx_packets = stats.tx_packets,
		.tx_bytes = stats.tx_bytes,
	};
	return 0;
}

/* --- Making. --- */

static int create(const char *name, const char *kind, uint32_t mtu)
{
	struct wr_rtnl_request request;
	struct nlmsghdr *message = begin(&request, RTM_NEWLINK,
					 NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 0);
	struct nlattr *info;

	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	mnl_attr_put_u32(message, IFLA_MTU, mtu);
	info = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_strz(message, IFLA_INFO_KIND, kind);
	mnl_attr_nest_end(message, info);
	return ask(message, NULL, NULL);
}

/* Not taken from the message that makes it: net/core/rtnetlink.c, rtnl_create_link(). */
int wr_link_set_alias(uint32_t index, const char *alias)
{
	struct wr_rtnl_request request;
	struct nlmsghdr *message = begin(&request, RTM_NEWLINK, NLM_F_ACK, index);

	mnl_attr_put_str(message, IFLA_IFALIAS, alias);
	return ask(message, NULL, NULL);
}

int wr_link_create(const char *name, const char *kind, const char *alias, uint32_t mtu,
		   uint32_t *ret_index)
{
	struct wr_link_sight sight;
	int status;

	if (strlen(name) >= IF_NAMESIZE)
		return -ENAMETOOLONG;
	assert(strlen(kind) < sizeof(sight.kind) && strlen(alias) < sizeof(sight.alias));
	status = create(name, kind, mtu);
	if (status == 0)
		status = wr_link_find(name, &sight);
	if (status < 0)
		return status;
	status = wr_link_set_alias(sight.index, alias);
	if (status < 0) {
		wr_link_delete(sight.index);
		return status;
	}
	*ret_index = sight.index;
	return 0;
}

/* --- Changing. --- */

int wr_link_set_up(uint32_t index, bool is_up)
{
	struct wr_rtnl_request request;
	struct nlmsghdr *message = begin(&request, RTM_NEWLINK, NLM_F_ACK, index);
	struct ifinfomsg *info = mnl_nlmsg_get_payload(message);

	info->ifi_change = IFF_UP;
	info->ifi_flags = is_up ? IFF_UP : 0;
	return ask(message, NULL, NULL);
}

int wr_link_set_mtu(uint32_t index, uint32_t mtu)
{
	struct wr_rtnl_request request;
	struct nlmsghdr *message = begin(&request, RTM_NEWLINK, NLM_F_ACK, index);

	mnl_attr_put_u32(message, IFLA_MTU, mtu);
	return ask(message, NULL, NULL);
}

int wr_link_delete(uint32_t index)
{
	struct wr_rtnl_request request;

	return ask(begin(&request, RTM_DELLINK, NLM_F_ACK, index), NULL, NULL);
}
