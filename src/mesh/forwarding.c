#include "mesh/forwarding.h"

#include <errno.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/network.h"
#include "linux/sysctl.h"
#include "mesh/masquerade.h"
#include "mesh/prefixes.h"

/* Interfaces with a network behind them, of both families. */
#define SWITCHES 32
#define NAME_LEN 128
/* Addresses of a route that are tried, to see by which interface it is reached. */
#define WAY_TRIES 4

/* Forwarding of what comes in by an interface. */
struct toggle {
	char link[IF_NAMESIZE];
	enum wr_family family;
};

struct wr_forwarding {
	struct wr_forwarding_config config; /* its text is not kept */
	char interface[IF_NAMESIZE];
	struct wr_prefix routes[WR_NETMAP_ROUTES];
	size_t route_count;
	struct toggle turned_on[SWITCHES]; /* by us */
	size_t turned_on_count;
	struct wr_masquerade *masquerade;
	char trouble[200];
};

static void tell(struct wr_forwarding *forwarding, const char *format, ...) WR_PRINTF(2, 3);

/* The first of a run. */
static void tell(struct wr_forwarding *forwarding, const char *format, ...)
{
	va_list values;

	if (forwarding->trouble[0])
		return;
	va_start(values, format);
	vsnprintf(forwarding->trouble, sizeof(forwarding->trouble), format, values);
	va_end(values);
}

/* --- One switch. --- */

static void name_of(const struct toggle *toggle, char ret_name[NAME_LEN])
{
	snprintf(ret_name, NAME_LEN,
		 toggle->family == WR_IPV4 ? "net/ipv4/conf/%s/forwarding"
					   : "net/ipv6/conf/%s/force_forwarding",
		 toggle->link);
}

/* The kernel of an older Linux has one switch for all of IPv6; if that is on, all is well. */
static int read_toggle(const struct toggle *toggle)
{
	char name[NAME_LEN];

	if (toggle->family == WR_IPV6 && wr_sysctl_read("net/ipv6/conf/all/forwarding") == 1)
		return 1;
	name_of(toggle, name);
	return wr_sysctl_read(name);
}

static int write_toggle(const struct toggle *toggle, bool is_on)
{
	char name[NAME_LEN];

	name_of(toggle, name);
	return wr_sysctl_write(name, is_on);
}

/* --- Turning on, and off again. --- */

static void tell_toggle(struct wr_forwarding *forwarding, const struct toggle *toggle, int status)
{
	if (toggle->family == WR_IPV6 && status == -ENOENT)
		tell(forwarding,
		     "IPv6 forwarding is off, and this kernel has no switch for one interface: set "
		     "net.ipv6.conf.all.forwarding (and accept_ra=2 where the default route is "
		     "learnt)");
	else if (status < 0)
		tell(forwarding, "forwarding of %s cannot be turned on: %s", toggle->link,
		     strerror(-status));
	else
		tell(forwarding,
		     "we are the router for a network, but forwarding of %s is off, and we may not "
		     "turn it on",
		     toggle->link);
}

static bool is_ours(const struct wr_forwarding *forwarding, const struct toggle *toggle)
{
	for (size_t i = 0; i < forwarding->turned_on_count; i++) {
		if (forwarding->turned_on[i].family == toggle->family &&
		    strcmp(forwarding->turned_on[i].link, toggle->link) == 0)
			return true;
	}
	return false;
}

static enum wr_mend turn_on(struct wr_forwarding *forwarding, const char *link,
			    enum wr_family family)
{
	struct toggle toggle = { .family = family };
	bool is_known;
	int status;

	snprintf(toggle.link, sizeof(toggle.link), "%s", link);
	is_known = is_ours(forwarding, &toggle);
	status = read_toggle(&toggle);
	if (status == 1)
		return WR_MEND_NOTHING;
	if (status == 0 && forwarding->config.may_forward &&
	    (is_known || forwarding->turned_on_count < SWITCHES)) {
		status = write_toggle(&toggle, true);
		status = status < 0 ? status : 1;
	}
	if (status != 1) {
		tell_toggle(forwarding, &toggle, status);
		return WR_MEND_NOTHING;
	}
	if (!is_known)
		forwarding->turned_on[forwarding->turned_on_count++] = toggle;
	return is_known ? WR_MEND_DRIFT : WR_MEND_MADE;
}

static void turn_off(struct wr_forwarding *forwarding)
{
	for (size_t i = 0; i < forwarding->turned_on_count; i++)
		(void)write_toggle(&forwarding->turned_on[i], false);
	forwarding->turned_on_count = 0;
}

/* --- Which interfaces. --- */

/* The interface by which the host reaches the network; its own addresses there lead to lo, so some
 * are tried. */
static bool find_link(const struct wr_forwarding *forwarding, const struct wr_prefix *route,
		      char ret_link[IF_NAMESIZE])
{
	unsigned last = wr_ip_bits(route->ip.family) / 8 - 1;
	struct wr_prefix at = *route;
	uint32_t link;

	for (unsigned i = 0; i < WAY_TRIES; i++) {
		if (wr_prefix_holds_ip(route, &at.ip) && wr_network_way(&at.ip, &link) == 0 &&
		    if_indextoname(link, ret_link) && strcmp(ret_link, "lo") != 0 &&
		    strcmp(ret_link, forwarding->interface) != 0)
			return true;
		at.ip.bytes[last]++;
	}
	return false;
}

static enum wr_mend turn_route_on(struct wr_forwarding *forwarding, const struct wr_prefix *route)
{
	char link[IF_NAMESIZE], text[WR_ENDPOINT_TEXT_LEN];

	if (find_link(forwarding, route, link))
		return turn_on(forwarding, link, route->ip.family);
	wr_prefix_format(route, text);
	tell(forwarding, "we are the router for %s, but it is not reached from here", text);
	return WR_MEND_NOTHING;
}

static enum wr_mend larger(enum wr_mend a, enum wr_mend b)
{
	return a > b ? a : b;
}

static enum wr_mend turn_all_on(struct wr_forwarding *forwarding)
{
	enum wr_mend mend = WR_MEND_NOTHING;

	for (size_t i = 0; i < forwarding->route_count; i++) {
		const struct wr_prefix *route = &forwarding->routes[i];

		mend = larger(mend, turn_on(forwarding, forwarding->interface, route->ip.family));
		mend = larger(mend, turn_route_on(forwarding, route));
	}
	return mend;
}

/* --- The whole. --- */

enum wr_mend wr_forwarding_run(struct wr_forwarding *forwarding)
{
	enum wr_mend mend;

	forwarding->trouble[0] = '\0';
	mend = turn_all_on(forwarding);
	if (forwarding->config.masquerade) {
		mend = larger(mend, wr_masquerade_run(forwarding->masquerade));
		if (*wr_masquerade_trouble(forwarding->masquerade))
			tell(forwarding, "%s", wr_masquerade_trouble(forwarding->masquerade));
	}
	return mend;
}

const char *wr_forwarding_trouble(const struct wr_forwarding *forwarding)
{
	return forwarding->trouble;
}

void wr_forwarding_set_map(struct wr_forwarding *forwarding, const struct wr_netmap *map)
{
	if (map->route_count)
		memcpy(forwarding->routes, map->routes, map->route_count * sizeof(*map->routes));
	else
		turn_off(forwarding);
	forwarding->route_count = map->route_count;
	wr_masquerade_set_map(forwarding->masquerade, map);
}

int wr_forwarding_new(uv_loop_t *loop, const struct wr_forwarding_config *config,
		      struct wr_forwarding **ret_forwarding)
{
	struct wr_forwarding *forwarding = calloc(1, sizeof(*forwarding));

	if (!forwarding)
		return -ENOMEM;
	forwarding->config = *config;
	forwarding->config.interface = NULL;
	snprintf(forwarding->interface, sizeof(forwarding->interface), "%s", config->interface);
	forwarding->masquerade = wr_masquerade_new(loop, config->interface);
	if (!forwarding->masquerade) {
		free(forwarding);
		return -ENOMEM;
	}
	*ret_forwarding = forwarding;
	return 0;
}

struct wr_forwarding *wr_forwarding_free(struct wr_forwarding *forwarding)
{
	if (!forwarding)
		return NULL;
	forwarding->masquerade = wr_masquerade_free(forwarding->masquerade);
	turn_off(forwarding);
	free(forwarding);
	return NULL;
}
