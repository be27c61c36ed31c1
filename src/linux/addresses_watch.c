/* Changes. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "linux/addresses.h"
#include "linux/news.h"
#include "linux/rtnl.h"

int wr_addresses_watch(int *ret_fd)
{
	return wr_news_watch(NETLINK_ROUTE,
			     RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR |
				     RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE,
			     ret_fd);
}

struct news {
	uint32_t skip;
	bool has_changed;
};

/* Routes that are no default ones come and go with every peer. */
static int take_news(const struct nlmsghdr *message, void *data)
{
	struct news *news = data;
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
	const struct ifaddrmsg *address = mnl_nlmsg_get_payload(message);

	switch (message->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK: news->has_changed |= (uint32_t)link->ifi_index != news->skip; break;
	case RTM_NEWADDR:
	case RTM_DELADDR: news->has_changed |= address->ifa_index != news->skip; break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		news->has_changed |= !route->rtm_dst_len && route->rtm_table == RT_TABLE_MAIN;
		break;
	default: break;
	}
	return MNL_CB_OK;
}

bool wr_addresses_changed(int fd, uint32_t skip)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[8192];
	struct news news = { .skip = skip };

	for (;;) {
		ssize_t len = recv(fd, buffer, sizeof(buffer), 0);

		if (len < 0 && errno == ENOBUFS)
			news.has_changed = true; /* some were lost */
		else if (len < 0 && errno != EINTR)
			return news.has_changed;
		else if (len > 0)
			mnl_cb_run(buffer, (size_t)len, 0, 0, take_news, &news);
		else if (len == 0)
			return news.has_changed;
	}
}
