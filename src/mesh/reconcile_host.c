/* The interface, its addresses, and the routes through it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "linux/link_change.h"
#include "linux/setup.h"
#include "linux/sysctl.h"
#include "mesh/prefixes.h"
#include "mesh/reconcile_state.h"

/* --- The interface. --- */

static void quieten(struct wr_reconciler *reconciler, uint32_t index)
{
	int status;

	if (reconciler->is_quiet)
		return;
	status = wr_setup_quiet(index);
	reconciler->is_quiet = status == 0;
	if (status < 0)
		wr_reconcile_trouble(reconciler, status, "%s cannot be set up: %s",
				     reconciler->interface, strerror(-status));
}

static void set_mtu(struct wr_reconciler *reconciler, const struct wr_link_sight *link)
{
	uint32_t mtu = reconciler->config.mtu;
	int status;

	if (!mtu || link->mtu == mtu)
		return;
	status = wr_link_set_mtu(link->index, mtu);
	if (status < 0)
		wr_reconcile_trouble(reconciler, status, "MTU of %s cannot be set: %s",
				     reconciler->interface, strerror(-status));
	else
		wr_reconcile_did(reconciler, "MTU was %u, not %u", link->mtu, mtu);
}

/* The kernel's WireGuard turns it off for the whole host whenever an interface comes up
 * (drivers/net/wireguard/device.c, wg_open()). */
#define REDIRECTS "net/ipv4/conf/all/send_redirects"

void wr_reconcile_put_back(struct wr_reconciler *reconciler)
{
	if (reconciler->had_redirects && wr_sysctl_read(REDIRECTS) == 0)
		(void)wr_sysctl_write(REDIRECTS, true);
}

static void set_up(struct wr_reconciler *reconciler)
{
	bool had_redirects = wr_sysctl_read(REDIRECTS) == 1;
	int status = wr_backend_set_up(reconciler->backend, true);

	reconciler->had_redirects |= had_redirects && wr_sysctl_read(REDIRECTS) == 0;

	if (status < 0)
		wr_reconcile_trouble(reconciler, status, "%s cannot be brought up: %s",
				     reconciler->interface, strerror(-status));
	else
		wr_reconcile_did(reconciler, "%s was down", reconciler->interface);
}

void wr_reconcile_link(struct wr_reconciler *reconciler)
{
	struct wr_link_sight link;
	int status = wr_link_find(reconciler->interface, &link);

	if (status < 0) {
		wr_reconcile_trouble(reconciler, status, "%s cannot be seen: %s",
				     reconciler->interface, strerror(-status));
		return;
	}
	quieten(reconciler, link.index);
	set_mtu(reconciler, &link);
	if (!link.is_up)
		set_up(reconciler);
}

/* --- Addresses. --- */

static bool is_link_local(const struct wr_ip *ip)
{
	return ip->family == WR_IPV6 && ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

static bool is_wanted_address(const struct wr_want *want, const struct wr_network_address *address)
{
	for (size_t i = 0; i < want->address_count; i++) {
		if (wr_ip_equal(&want->addresses[i], &address->ip) &&
		    address->length == wr_ip_bits(address->ip.family))
			return true;
	}
	return is_link_local(&address->ip);
}

static void remove_addresses(struct wr_reconciler *reconciler, const struct wr_network *seen,
			     struct wr_network_changes *changes, uint32_t index)
{
	char text[WR_ENDPOINT_TEXT_LEN];

	for (size_t i = 0; i < seen->address_count; i++) {
		const struct wr_network_address *address = &seen->addresses[i];

		if (address->link != index || is_wanted_address(&reconciler->want, address))
			continue;
		wr_ip_format(&address->ip, text);
		if (wr_network_remove_address(changes, &address->ip, address->length) == 0)
			wr_reconcile_did(reconciler, "address %s was there", text);
	}
}

static bool has_address(const struct wr_network *seen, uint32_t index, const struct wr_ip *ip)
{
	for (size_t i = 0; i < seen->address_count; i++) {
		const struct wr_network_address *address = &seen->addresses[i];

		if (address->link == index && wr_ip_equal(&address->ip, ip) &&
		    address->length == wr_ip_bits(ip->family))
			return true;
	}
	return false;
}

static void add_addresses(struct wr_reconciler *reconciler, const struct wr_network *seen,
			  struct wr_network_changes *changes, uint32_t index)
{
	const struct wr_want *want = &reconciler->want;
	char text[WR_ENDPOINT_TEXT_LEN];
	int status;

	for (size_t i = 0; i < want->address_count; i++) {
		if (has_address(seen, index, &want->addresses[i]))
			continue;
		wr_ip_format(&want->addresses[i], text);
		status = wr_network_add_address(changes, &want->addresses[i]);
		if (status < 0)
			wr_reconcile_trouble(reconciler, status, "address %s cannot be set: %s%s",
					     text, strerror(-status),
					     status == -EACCES ? " (is IPv6 turned off here?)"
							       : "");
		else
			wr_reconcile_did(reconciler, "address %s was missing", text);
	}
}

/* --- Routes. --- */

static struct wr_network_route route_of(const struct wr_want *want, const struct wr_prefix *to)
{
	struct wr_network_route route = { .to = *to };

	for (size_t i = 0; i < want->address_count; i++) {
		if (want->addresses[i].family == to->ip.family)
			route.source = want->addresses[i];
	}
	return route;
}

static const struct wr_want_route *find_wanted(const struct wr_want *want,
					       const struct wr_prefix *to)
{
	size_t low = 0, high = want->route_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = wr_prefix_compare(&want->routes[middle].to, to);

		if (order == 0)
			return &want->routes[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static bool is_right(const struct wr_reconciler *reconciler, const struct wr_network_route *route,
		     const struct wr_network *seen)
{
	const struct wr_want_route *wanted = find_wanted(&reconciler->want, &route->to);
	struct wr_network_route right;
	char why[WR_REFUSAL_LEN];

	if (!wanted || wr_reconcile_refusal(reconciler, wanted, seen, why))
		return false;
	right = route_of(&reconciler->want, &wanted->to);
	return wr_ip_equal(&right.source, &route->source);
}

/* Those that are wrong; they are not seen any more. */
static void remove_routes(struct wr_reconciler *reconciler, struct wr_network *seen,
			  struct wr_network_changes *changes)
{
	char text[WR_ENDPOINT_TEXT_LEN];
	size_t kept = 0;

	for (size_t i = 0; i < seen->route_count; i++) {
		if (is_right(reconciler, &seen->routes[i], seen)) {
			seen->routes[kept++] = seen->routes[i];
			continue;
		}
		wr_prefix_format(&seen->routes[i].to, text);
		if (wr_network_remove_route(changes, &seen->routes[i].to) == 0)
			wr_reconcile_did(reconciler, "route %s was there", text);
	}
	seen->route_count = kept;
}

static bool has_route(const struct wr_network *seen, const struct wr_prefix *to)
{
	size_t low = 0, high = seen->route_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = wr_prefix_compare(&seen->routes[middle].to, to);

		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* False if another one is in its place. */
static bool add_route(struct wr_reconciler *reconciler, const struct wr_prefix *to,
		      struct wr_network_changes *changes)
{
	struct wr_network_route route = route_of(&reconciler->want, to);
	char text[WR_ENDPOINT_TEXT_LEN];
	int status = wr_network_add_route(changes, &route);

	wr_prefix_format(to, text);
	if (status == -EEXIST)
		wr_reconcile_trouble(reconciler, status,
				     "route %s is not set: this host has another one to there",
				     text);
	else if (status < 0)
		wr_reconcile_trouble(reconciler, status, "route %s cannot be set: %s", text,
				     strerror(-status));
	else
		wr_reconcile_did(reconciler, "route %s was missing", text);
	return status != -EEXIST;
}

static void add_routes(struct wr_reconciler *reconciler, const struct wr_network *seen,
		       struct wr_network_changes *changes)
{
	const struct wr_want *want = &reconciler->want;
	char text[WR_ENDPOINT_TEXT_LEN], why[WR_REFUSAL_LEN];

	for (size_t i = 0; i < want->route_count; i++) {
		struct wr_want_route *route = &want->routes[i];
		const char *refusal = wr_reconcile_refusal(reconciler, route, seen, why);

		route->is_taken = !refusal;
		if (refusal) {
			wr_prefix_format(&route->to, text);
			wr_reconcile_trouble(reconciler, -EADDRINUSE, "route %s is not taken: %s",
					     text, refusal);
		} else if (!has_route(seen, &route->to)) {
			route->is_taken = add_route(reconciler, &route->to, changes);
		}
	}
}

static int compare_seen(const void *a, const void *b)
{
	return wr_prefix_compare(&((const struct wr_network_route *)a)->to,
				 &((const struct wr_network_route *)b)->to);
}

static void change(struct wr_reconciler *reconciler, struct wr_network *seen,
		   struct wr_network_changes *changes)
{
	uint32_t index = wr_backend_index(reconciler->backend);

	add_addresses(reconciler, seen, changes, index);
	remove_addresses(reconciler, seen, changes, index);
	remove_routes(reconciler, seen, changes);
	add_routes(reconciler, seen, changes);
}

void wr_reconcile_network(struct wr_reconciler *reconciler)
{
	uint32_t index = wr_backend_index(reconciler->backend);
	struct wr_network_changes *changes = NULL;
	struct wr_network seen = { 0 };
	int status = wr_network_open(index, &changes);

	if (status == 0)
		status = wr_network_look(index, &seen);
	if (status < 0) {
		wr_reconcile_trouble(reconciler, status, "addresses cannot be seen: %s",
				     strerror(-status));
	} else {
		if (seen.route_count)
			qsort(seen.routes, seen.route_count, sizeof(*seen.routes), compare_seen);
		change(reconciler, &seen, changes);
	}
	wr_network_done(&seen);
	wr_network_close(changes);
}
