/* Whether a mesh can be started here: what the daemon would stumble over, in one line each. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cli/up.h"
#include "linux/link_change.h"
#include "linux/network.h"
#include "linux/privileges.h"
#include "linux/udp.h"
#include "mesh/prefixes.h"
#include "tunnel/backend_ops.h"

#define TUN "/dev/net/tun"

/* Files of container programs; or we are its first process. */
static bool is_in_container(void)
{
	return getpid() == 1 || access("/.dockerenv", F_OK) == 0 ||
	       access("/run/.containerenv", F_OK) == 0;
}

/* Many container programs allow the device, and make no node for it. One that may not be made is
 * told of where it is missed. Source: linux/Documentation/admin-guide/devices.txt. */
static void make_tun_node(void)
{
	if (access(TUN, F_OK) == 0 || !is_in_container())
		return;
	(void)mkdir("/dev/net", 0755);
	(void)mknod(TUN, S_IFCHR | 0600, makedev(10, 200));
}

static int check_privileges(const struct wr_up *up)
{
	if (!wr_privileges_has_net_admin())
		return wr_complain(up->arguments,
				   "making an interface takes CAP_NET_ADMIN: run it as root, a "
				   "container with --cap-add NET_ADMIN");
	if (up->state.backend != WR_BACKEND_ENGINE)
		return WR_EXIT_DONE;
	make_tun_node();
	if (access(TUN, F_OK) < 0)
		return wr_complain(up->arguments,
				   "there is no /dev/net/tun: modprobe tun, or give a container "
				   "--device /dev/net/tun");
	if (access(TUN, R_OK | W_OK) < 0)
		return wr_complain(up->arguments, "may not open /dev/net/tun: run it as root");
	return WR_EXIT_DONE;
}

static int check_running(const struct wr_up *up)
{
	if (up->is_new || wr_folder_is_free(up->state.folder))
		return WR_EXIT_DONE;
	return wr_complain(up->arguments,
			   "mesh %s is up already, on %s (warren status; warren down ends it)",
			   up->mesh, up->state.interface);
}

/* What was left of one that was killed is ours to take. */
static int check_interface(const struct wr_up *up)
{
	const char *name = up->state.interface;
	struct wr_link_sight sight;

	if (wr_link_find(name, &sight) < 0 || strcmp(sight.alias, WR_BACKEND_ALIAS) == 0)
		return WR_EXIT_DONE;
	return wr_complain(
		up->arguments,
		"interface %s is there and another program's: end that, or remove it: ip "
		"link delete %s",
		name, name);
}

static int check_port(const struct wr_up *up)
{
	struct wr_udp_sockets sockets;
	int status;

	if (!up->state.port)
		return WR_EXIT_DONE;
	status = wr_udp_open(up->state.port, 0, 1, &sockets);
	if (status == 0) {
		wr_udp_close(&sockets);
		return WR_EXIT_DONE;
	}
	if (status == -EADDRINUSE)
		return wr_complain(up->arguments,
				   "UDP port %u is another program's: end that, or take another "
				   "port (--listen :PORT)",
				   up->state.port);
	return wr_complain(up->arguments, "cannot listen on UDP port %u: %s", up->state.port,
			   strerror(-status));
}

/* --- Ranges that this host reaches elsewhere. --- */

struct search {
	const struct wr_prefix *range;
	uint32_t own; /* what is left of our own interface */
	bool is_found;
	struct wr_prefix to;
	uint32_t link;
};

static void see_route(void *context, const struct wr_prefix *to, uint32_t link)
{
	struct search *search = context;

	if (search->is_found || (link && link == search->own) ||
	    !wr_prefix_overlaps(search->range, to))
		return;
	search->is_found = true;
	search->to = *to;
	search->link = link;
}

static int check_range(const struct wr_up *up)
{
	struct search search = { .range = &up->state.range4,
				 .own = if_nametoindex(up->state.interface) };
	char range[WR_ENDPOINT_TEXT_LEN], to[WR_ENDPOINT_TEXT_LEN];
	char link[IF_NAMESIZE] = "";
	int status = wr_network_routes(WR_IPV4, see_route, &search);

	if (status < 0)
		return wr_complain(up->arguments, "cannot read this host's routes: %s",
				   strerror(-status));
	if (!search.is_found)
		return WR_EXIT_DONE;
	wr_prefix_format(search.range, range);
	wr_prefix_format(&search.to, to);
	if (search.link)
		(void)if_indextoname(search.link, link);
	return wr_complain(up->arguments,
			   "the mesh's range %s overlaps %s, which this host reaches%s%s: take "
			   "another, the same on all members: --network 100.%u.0.0/16",
			   range, to, *link ? " by " : " elsewhere", link,
			   64u + (up->state.root.bytes[0] & 63u));
}

int wr_up_check(const struct wr_up *up)
{
	static int (*const checks[])(const struct wr_up *up) = {
		check_running, check_privileges, check_interface, check_port, check_range,
	};

	for (size_t i = 0; i < WR_ARRAY_LEN(checks); i++) {
		int status = checks[i](up);

		if (status != WR_EXIT_DONE)
			return status;
	}
	return WR_EXIT_DONE;
}
