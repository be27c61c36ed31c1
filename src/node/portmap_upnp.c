/* UPnP by libminiupnpc, which blocks: on libuv's pool. Of what answers in the LAN, only the default
 * gateway is spoken to. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>
#include <miniupnpc/upnperrors.h>

#include "node/portmap_ask.h"

#define DISCOVERY_MS 1000
/* UDA 1.1: in the LAN; two, as routers' bridges sometimes count. */
#define TTL 2
/* What a router has that is to be seen in its list. */
#define DESCRIPTION "warren"
/* WANIPConnection: the port is another's; leases cannot end. */
#define CONFLICT 718
#define PERMANENT_ONLY 725
#define PORT_TRIES 4

struct wr_ask {
	uv_work_t work;
	struct wr_ask_order order;
	struct wr_ask_answer answer;
	void (*done)(void *context, const struct wr_ask_answer *answer);
	void *context;
};

/* --- On the pool. --- */

/* "http://192.168.1.1:5000/desc.xml" is the gateway's, "http://192.168.1.10/" is not. */
static bool is_gateways(const char *url, const struct wr_ip *gateway)
{
	char host[WR_ENDPOINT_TEXT_LEN];
	size_t len = wr_ip_format(gateway, host);

	return url && strncasecmp(url, "http://", 7) == 0 && strncmp(url + 7, host, len) == 0 &&
	       (url[7 + len] == ':' || url[7 + len] == '/');
}

static bool read_service(const struct wr_ask *ask, const char *description,
			 struct wr_upnp_service *ret_service)
{
	struct UPNPUrls urls = { 0 };
	struct IGDdatas data = { 0 };
	char local[64];
	bool is_good = UPNP_GetIGDFromUrl(description, &urls, &data, local, sizeof(local)) == 1 &&
		       is_gateways(urls.controlURL, &ask->order.gateway) &&
		       strlen(urls.controlURL) < sizeof(ret_service->url) &&
		       data.first.servicetype[0];

	if (is_good) {
		snprintf(ret_service->url, sizeof(ret_service->url), "%s", urls.controlURL);
		snprintf(ret_service->type, sizeof(ret_service->type), "%.127s",
			 data.first.servicetype);
	}
	FreeUPNPUrls(&urls);
	return is_good;
}

static bool discover(const struct wr_ask *ask, struct wr_upnp_service *ret_service)
{
	char local[WR_ENDPOINT_TEXT_LEN];
	struct UPNPDev *devices;
	bool is_found = false;
	int error = 0;

	wr_ip_format(&ask->order.local, local);
	devices = upnpDiscover(DISCOVERY_MS, local, NULL, UPNP_LOCAL_PORT_ANY, 0, TTL, &error);
	for (const struct UPNPDev *device = devices; device && !is_found; device = device->pNext)
		is_found = is_gateways(device->descURL, &ask->order.gateway) &&
			   read_service(ask, device->descURL, ret_service);
	freeUPNPDevlist(devices);
	return is_found;
}

static bool read_address(const struct wr_upnp_service *service, struct wr_ip *ret_ip)
{
	char text[40] = "";

	return UPNP_GetExternalIPAddress(service->url, service->type, text) ==
		       UPNPCOMMAND_SUCCESS &&
	       wr_ip_parse(text, strnlen(text, sizeof(text)), ret_ip) && ret_ip->family == WR_IPV4;
}

static int add(const struct wr_ask *ask, const struct wr_upnp_service *service, unsigned external,
	       unsigned seconds)
{
	char outer[8], inner[8], lease[12], local[WR_ENDPOINT_TEXT_LEN];

	snprintf(outer, sizeof(outer), "%u", external);
	snprintf(inner, sizeof(inner), "%u", ask->order.port);
	snprintf(lease, sizeof(lease), "%u", seconds);
	wr_ip_format(&ask->order.local, local);
	return UPNP_AddPortMapping(service->url, service->type, outer, inner, local, DESCRIPTION,
				   "UDP", NULL, lease);
}

/* A port that is another's: some further on. 0 or a negative errno. */
static int map(struct wr_ask *ask, const struct wr_upnp_service *service)
{
	unsigned external = ask->order.external_port ? ask->order.external_port : ask->order.port;
	unsigned seconds = ask->order.seconds;
	int status = CONFLICT;

	for (unsigned i = 0; i < PORT_TRIES && status == CONFLICT; i++) {
		if (i)
			external = 1024 + (external * 31 + 7919 * i) % (65536 - 1024);
		status = add(ask, service, external, seconds);
		if (status == PERMANENT_ONLY) {
			seconds = 0;
			status = add(ask, service, external, 0);
		}
	}
	ask->answer.external.port = (uint16_t)external;
	/* One that does not end is renewed all the same: the router may have started anew. */
	ask->answer.seconds = ask->order.seconds;
	return status == UPNPCOMMAND_SUCCESS ? 0 : -EACCES;
}

static int unmap(const struct wr_ask *ask, const struct wr_upnp_service *service)
{
	char outer[8];

	snprintf(outer, sizeof(outer), "%u", ask->order.external_port);
	return UPNP_DeletePortMapping(service->url, service->type, outer, "UDP", NULL) ==
			       UPNPCOMMAND_SUCCESS
		       ? 0
		       : -EACCES;
}

static void work(uv_work_t *request)
{
	struct wr_ask *ask = WR_CONTAINER_OF(request, struct wr_ask, work);
	struct wr_upnp_service *service = &ask->answer.upnp;

	*service = ask->order.upnp;
	if (!service->url[0] && !discover(ask, service)) {
		ask->answer.error = -ENOENT;
	} else if (!ask->order.seconds) {
		ask->answer.error = unmap(ask, service);
	} else if (!read_address(service, &ask->answer.external.ip)) {
		ask->answer.error = -EACCES;
	} else {
		ask->answer.error = map(ask, service);
	}
}

/* --- On the loop. --- */

static void on_done(uv_work_t *request, int status)
{
	struct wr_ask *ask = WR_CONTAINER_OF(request, struct wr_ask, work);

	if (status < 0)
		ask->answer.error = status;
	ask->done(ask->context, &ask->answer);
	free(ask);
}

static struct wr_ask *start(uv_loop_t *loop, const struct wr_ask_order *order,
			    void (*done)(void *context, const struct wr_ask_answer *answer),
			    void *context)
{
	struct wr_ask *ask = calloc(1, sizeof(*ask));

	if (!ask)
		return NULL;
	ask->order = *order;
	ask->done = done;
	ask->context = context;
	if (uv_queue_work(loop, &ask->work, work, on_done) < 0) {
		free(ask);
		return NULL;
	}
	return ask;
}

const struct wr_ask_way wr_ask_upnp = { WR_PORTMAP_UPNP, start, NULL };
