/* Routes that are not taken, whoever offers them. */
#include <net/if.h>
#include <stdio.h>

#include "mesh/prefixes.h"
#include "mesh/reconcile_state.h"

/* Wider ones would take the place of the default route: 0.0.0.0/1 and 128.0.0.0/1 are one.
 * 10.0.0.0/8 and fc00::/7 are the widest networks that are anybody's own (RFC 1918, RFC 4193). */
#define WIDEST4 8
#define WIDEST6 7

static bool is_too_wide(const struct wr_prefix *to)
{
	return to->length < (to->ip.family == WR_IPV4 ? WIDEST4 : WIDEST6);
}

/* Loopback, link-local, multicast: these mean something on each host. */
static bool is_special(const struct wr_prefix *to)
{
	static const struct wr_prefix special[] = {
		{ { WR_IPV4, { 0 } }, 8 },           { { WR_IPV4, { 127 } }, 8 },
		{ { WR_IPV4, { 224 } }, 3 },         { { WR_IPV6, { 0 } }, 8 },
		{ { WR_IPV6, { 0xfe, 0x80 } }, 10 }, { { WR_IPV6, { 0xff } }, 8 },
	};

	for (size_t i = 0; i < WR_ARRAY_LEN(special); i++) {
		if (wr_prefix_overlaps(&special[i], to))
			return true;
	}
	return false;
}

/* The hub's endpoint, the server's addresses: what goes there carries the network. */
static const struct wr_ip *held_outside(const struct wr_reconciler *reconciler,
					const struct wr_prefix *to)
{
	for (size_t i = 0; i < WR_ARRAY_LEN(reconciler->map->hub_endpoints); i++) {
		if (wr_prefix_holds_ip(to, &reconciler->map->hub_endpoints[i].ip))
			return &reconciler->map->hub_endpoints[i].ip;
	}
	for (size_t i = 0; i < reconciler->outside_count; i++) {
		if (wr_prefix_holds_ip(to, &reconciler->outside[i]))
			return &reconciler->outside[i];
	}
	return NULL;
}

/* The network's own range is narrower than a range that the host is connected to, and would take
 * the host's own neighbours away, its gateway among them. Else the narrower of both wins. */
static bool range_clashes(const struct wr_prefix *range, const struct wr_prefix *to,
			  const struct wr_ip *own)
{
	return wr_prefix_holds(range, to) && wr_prefix_holds_ip(to, own);
}

/* A range that this host is connected to itself. */
static const struct wr_network_address *clash(const struct wr_reconciler *reconciler,
					      const struct wr_want_route *route,
					      const struct wr_network *seen)
{
	uint32_t index = wr_backend_index(reconciler->backend);

	for (size_t i = 0; i < seen->address_count; i++) {
		const struct wr_network_address *address = &seen->addresses[i];
		struct wr_prefix range = { address->ip, address->length };

		if (address->link == index)
			continue;
		if (route->is_range ? range_clashes(&range, &route->to, &address->ip)
				    : wr_prefix_overlaps(&range, &route->to))
			return address;
	}
	return NULL;
}

const char *wr_reconcile_refusal(const struct wr_reconciler *reconciler,
				 const struct wr_want_route *route, const struct wr_network *seen,
				 char ret_text[WR_REFUSAL_LEN])
{
	const struct wr_ip *outside = held_outside(reconciler, &route->to);
	const struct wr_network_address *address;
	char text[WR_ENDPOINT_TEXT_LEN], link[IF_NAMESIZE];

	if (is_too_wide(&route->to))
		return "it would take the place of the default route";
	if (is_special(&route->to))
		return "such addresses are each host's own";
	if (outside) {
		wr_ip_format(outside, text);
		snprintf(ret_text, WR_REFUSAL_LEN, "%s is reached outside of the network", text);
		return ret_text;
	}
	address = clash(reconciler, route, seen);
	if (!address)
		return NULL;
	wr_ip_format(&address->ip, text);
	snprintf(ret_text, WR_REFUSAL_LEN, "this host is connected to it (%s/%u%s%s)", text,
		 address->length, if_indextoname(address->link, link) ? " on " : "",
		 if_indextoname(address->link, link) ? link : "");
	return ret_text;
}
