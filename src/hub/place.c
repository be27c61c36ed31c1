#include "hub/place.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define DNS_PORT 53

struct wr_place wr_place_of(const char *name, const struct wr_setup *setup)
{
	struct wr_place place = {
		.netns = { .fd = -1 },
		.setup = *setup,
		.sockets = { -1, -1, -1, -1 },
		.watch = -1,
	};

	snprintf(place.netns.name, sizeof(place.netns.name), "%s", name);
	return place;
}

/* --- Making it. --- */

static int make_namespace(struct wr_place *place)
{
	char name[WR_NETNS_NAME_LEN];
	int status;

	snprintf(name, sizeof(name), "%s", place->netns.name);
	status = wr_netns_create(name, &place->netns);
	if (status != -EEXIST)
		return status;
	/* A killed server's, or a namesake that somebody made. */
	status = wr_netns_delete(name);
	if (status < 0 && status != -ENOENT)
		return status;
	return wr_netns_create(name, &place->netns);
}

/* Watching begins with what was set up, so that this is no news. */
static int set_up(struct wr_place *place)
{
	struct wr_netns_visit visit;
	int status = wr_netns_enter(&place->netns, &visit);

	if (status < 0)
		return status;
	status = wr_setup_apply(&place->setup);
	if (status == 0)
		status = wr_setup_watch(&place->watch);
	wr_netns_leave(&visit);
	return status;
}

static int bind_both(struct wr_place *place, const struct wr_ip *ip, int *udp, int *tcp)
{
	int status = wr_netns_bind(&place->netns, SOCK_DGRAM, ip, DNS_PORT, udp);

	return status < 0 ? status : wr_netns_bind(&place->netns, SOCK_STREAM, ip, DNS_PORT, tcp);
}

static int bind_all(struct wr_place *place)
{
	int status = 0;

	for (size_t i = 0; status == 0 && i < place->setup.address_count; i++) {
		const struct wr_ip *ip = &place->setup.addresses[i];
		struct wr_dns_sockets *sockets = &place->sockets;

		if (ip->family == WR_IPV4)
			status = bind_both(place, ip, &sockets->udp4, &sockets->tcp4);
		else
			status = bind_both(place, ip, &sockets->udp6, &sockets->tcp6);
	}
	return status;
}

static int make(struct wr_place *place, const char *tun, uint32_t mtu)
{
	int status = make_namespace(place);

	if (status == 0)
		status = wr_netns_open_tun(&place->netns, tun, mtu, &place->tun);
	if (status < 0)
		return status;
	/* It goes with its namespace, on a thread of the kernel's and many at a time: a server
	 * of a thousand gateways that ends or is killed does not take half a minute. */
	(void)wr_tun_leave_behind(place->tun);
	place->setup.index = place->tun->index;
	status = set_up(place);
	return status < 0 ? status : bind_all(place);
}

int wr_place_make(struct wr_place *place, const char *tun, uint32_t mtu)
{
	int status = make(place, tun, mtu);

	if (status < 0)
		wr_place_unmake(place);
	return status;
}

/* --- Keeping it. --- */

int wr_place_look(const struct wr_place *place, bool *ret_is_whole)
{
	struct wr_netns_visit visit;
	int status = wr_netns_enter(&place->netns, &visit);

	if (status < 0)
		return status;
	status = wr_setup_look(&place->setup, ret_is_whole);
	wr_netns_leave(&visit);
	if (status == 0 && !wr_netns_has_name(&place->netns))
		*ret_is_whole = false;
	return status;
}

int wr_place_mend(const struct wr_place *place)
{
	struct wr_netns_visit visit;
	int status = wr_netns_restore_name(&place->netns);

	if (status == 0)
		status = wr_netns_enter(&place->netns, &visit);
	if (status < 0)
		return status;
	status = wr_setup_apply(&place->setup);
	wr_netns_leave(&visit);
	return status;
}

int wr_place_socket(const struct wr_place *place, enum wr_family family, int *ret_fd)
{
	for (size_t i = 0; i < place->setup.address_count; i++) {
		if (place->setup.addresses[i].family == family)
			return wr_netns_bind(&place->netns, SOCK_STREAM, &place->setup.addresses[i],
					     0, ret_fd);
	}
	return -EINVAL;
}

/* --- Its end. --- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void wr_place_unmake(struct wr_place *place)
{
	struct wr_dns_sockets *sockets = &place->sockets;
	int *fds[] = { &sockets->udp4, &sockets->udp6, &sockets->tcp4, &sockets->tcp6,
		       &place->watch };

	for (size_t i = 0; i < WR_ARRAY_LEN(fds); i++)
		close_fd(fds[i]);
	place->tun = wr_tun_free(place->tun);
	if (place->netns.fd < 0)
		return;
	wr_netns_forget_name(&place->netns);
	wr_netns_close(&place->netns);
}
