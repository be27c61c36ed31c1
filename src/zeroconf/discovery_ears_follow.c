/* The interfaces: a socket for each that can, as they come and go. */
#include <string.h>

#include "base/log.h"
#include "linux/multicast.h"
#include "zeroconf/discovery_ears_state.h"

static const struct wr_ip *address_of(const struct wr_multicast_link *link, enum wr_family family)
{
	return family == WR_IPV4 ? &link->v4 : &link->v6;
}

static bool is_still(const struct ear *ear, const struct wr_multicast_link *links, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (links[i].index == ear->group.interface)
			return wr_ip_equal(address_of(&links[i], ear->group.ip.family),
					   &ear->address);
	}
	return false;
}

/* What another address has is closed too: the kernel may have taken it out of the group. */
static bool remove_old(struct wr_ears *ears, const struct wr_multicast_link *links, size_t count)
{
	bool has_changed = false;

	for (struct ear **at = &ears->first; *at;) {
		if ((*at)->group.ip.family == WR_FAMILY_NONE || is_still(*at, links, count)) {
			at = &(*at)->next;
		} else {
			ears_remove(at);
			has_changed = true;
		}
	}
	return has_changed;
}

static bool has_ear(const struct wr_ears *ears, const struct wr_endpoint *group)
{
	for (const struct ear *ear = ears->first; ear; ear = ear->next) {
		if (ear->group.ip.family == group->ip.family &&
		    ear->group.interface == group->interface)
			return true;
	}
	return false;
}

/* 1 if there is a new one now. */
static int add_family(struct wr_ears *ears, const struct wr_multicast_link *link,
		      const struct wr_ip *group_ip)
{
	struct wr_endpoint group = { .ip = *group_ip,
				     .port = ears->config.port,
				     .interface = link->index };
	const struct wr_ip *address = address_of(link, group_ip->family);
	int status, fd = -1;

	if (address->family == WR_FAMILY_NONE || has_ear(ears, &group))
		return 0;
	status = wr_multicast_open(&group, &fd);
	if (status == 0)
		status = ears_add(ears, fd, &group, address);
	if (status == 0)
		return 1;
	wr_log_verbose("discovery: no multicast: interface=%u family=%d error=%s", link->index,
		       (int)group_ip->family, strerror(-status));
	return status;
}

/* The first error is in *ret_error; what works is there nevertheless. */
static bool add_new(struct wr_ears *ears, const struct wr_multicast_link *links, size_t count,
		    int *ret_error)
{
	bool has_changed = false;

	for (size_t i = 0; i < 2 * count; i++) {
		int status = add_family(ears, &links[i / 2], &ears->config.groups[i % 2]);

		has_changed |= status > 0;
		if (status < 0 && !*ret_error)
			*ret_error = status;
	}
	return has_changed;
}

bool ears_follow(struct wr_ears *ears, int *ret_error)
{
	struct wr_multicast_link links[WR_MULTICAST_LINKS];
	int count = wr_multicast_links(ears->skip, links);
	bool has_changed;

	*ret_error = count < 0 ? count : 0;
	if (count < 0)
		return false; /* as it was, until it can be seen again */
	has_changed = remove_old(ears, links, (size_t)count);
	return add_new(ears, links, (size_t)count, ret_error) || has_changed;
}
