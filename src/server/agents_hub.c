/* Where the hub is, for maps: the endpoint of the settings, looked up if it is a name. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "server/agents_state.h"

#define AGAIN_MS (UINT64_C(5) * 60 * 1000)

static void set_hub(struct wr_agents *agents, const struct wr_world_hub *hub)
{
	bool is_same = hub->stun_port == agents->hub.stun_port;

	for (size_t i = 0; i < WR_ARRAY_LEN(hub->endpoints); i++)
		is_same &= wr_endpoint_equal_remote(&hub->endpoints[i], &agents->hub.endpoints[i]);
	if (is_same)
		return;
	agents->hub = *hub;
	for (struct wr_agents_org *org = agents->org_list; org; org = org->next) {
		wr_world_set_hub(org->world, hub);
		wr_agents_org_due(org);
	}
}

/* The first address of each family. */
static void take_address(const struct sockaddr *address, uint16_t port, struct wr_world_hub *hub)
{
	struct wr_endpoint endpoint = { .port = port };
	struct wr_endpoint *place = &hub->endpoints[address->sa_family == AF_INET6];

	if (place->ip.family != WR_FAMILY_NONE)
		return;
	if (address->sa_family == AF_INET) {
		endpoint.ip.family = WR_IPV4;
		memcpy(endpoint.ip.bytes,
		       &((const struct sockaddr_in *)(const void *)address)->sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		endpoint.ip.family = WR_IPV6;
		memcpy(endpoint.ip.bytes,
		       &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr, 16);
	} else {
		return;
	}
	*place = endpoint;
}

/* "host:port" in two; false where it is not that. */
static bool split(const char *text, char *ret_host, size_t room, uint16_t *ret_port)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : 0;
	unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 0;

	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (!len || len >= room || !port || port > UINT16_MAX)
		return false;
	memcpy(ret_host, text, len);
	ret_host[len] = '\0';
	*ret_port = (uint16_t)port;
	return true;
}

static void resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
	struct wr_agents *agents = request->data;
	struct wr_world_hub hub = { .stun_port = agents->hub.stun_port };
	char host[256];
	uint16_t port = 0;

	agents->is_resolving = false;
	agents->entries--;
	(void)split(agents->server->config.hub_endpoint, host, sizeof(host), &port);
	for (const struct addrinfo *at = status < 0 ? NULL : found; at; at = at->ai_next)
		take_address(at->ai_addr, port, &hub);
	uv_freeaddrinfo(found);
	if (status < 0)
		wr_log_error("agents: the hub's name cannot be looked up: endpoint=%s error=%s",
			     agents->server->config.hub_endpoint, uv_strerror(status));
	else if (!agents->is_closing)
		set_hub(agents, &hub);
	wr_agents_look_closed(agents);
}

static bool is_literal(const char *text, struct wr_world_hub *hub)
{
	struct wr_endpoint endpoint = { 0 };

	if (!wr_endpoint_parse(text, strlen(text), &endpoint))
		return false;
	hub->endpoints[endpoint.ip.family == WR_IPV6] = endpoint;
	return true;
}

static void look_up(struct wr_agents *agents)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_DGRAM };
	char host[256];
	uint16_t port;

	if (agents->is_resolving || agents->is_closing ||
	    !split(agents->server->config.hub_endpoint, host, sizeof(host), &port))
		return;
	agents->resolving.data = agents;
	if (uv_getaddrinfo(agents->server->loop, &agents->resolving, resolved, host, NULL, &hints) <
	    0)
		return;
	agents->is_resolving = true;
	agents->entries++;
}

static void on_resolve(uv_timer_t *timer)
{
	look_up(timer->data);
}

void wr_agents_resolve(struct wr_agents *agents)
{
	struct wr_hub_numbers numbers;
	struct wr_world_hub hub = { 0 };

	wr_hub_count(agents->server->hub, &numbers);
	hub.stun_port = numbers.stun_port;
	agents->hub = hub;
	if (is_literal(agents->server->config.hub_endpoint, &hub)) {
		agents->hub = hub;
		return;
	}
	look_up(agents);
	uv_timer_start(&agents->resolve, on_resolve, AGAIN_MS, AGAIN_MS);
}
