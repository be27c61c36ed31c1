/* Gateways: opened when a machine first talks to the hub's own address, kept whole. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "hub/state.h"
#include "linux/clock.h"

/* As the machines' own interfaces: 1500 less what WireGuard adds over IPv6. */
#define GATEWAY_MTU 1420
#define RETRY_AFTER WR_SPAN_S(10)

/* --- Who knows the machines. --- */

static bool find_name(void *context, const char *label, struct wr_ip *ret_v4, struct wr_ip *ret_v6)
{
	const struct wr_hub_machine_state *machine = wr_hub_machine_labelled(context, label);

	if (!machine)
		return false;
	*ret_v4 = machine->v4;
	*ret_v6 = machine->v6;
	return true;
}

static bool name_of(void *context, const struct wr_ip *ip, char ret_label[WR_DNS_LABEL_MAX + 1])
{
	const struct wr_hub_org_state *org = context;
	const struct wr_peer *peer = wr_allowedips_find(&org->device->allowed, ip->family,
							ip->bytes);
	const struct wr_hub_machine_state *machine = peer ? org->by_slot[peer->slot] : NULL;

	if (!machine || !(wr_ip_equal(&machine->v4, ip) || wr_ip_equal(&machine->v6, ip)))
		return false;
	memcpy(ret_label, machine->label, WR_HUB_LABEL_LEN);
	return true;
}

/* --- Opening. --- */

static void fail(struct wr_hub_org_state *org, const char *what, int error)
{
	wr_log_error("gateway %s: org=%s error=%s; another try in 10 s", what, org->label,
		     strerror(-error));
	wr_hub_close_gateway(org);
	org->gateway_after = wr_after(wr_clock_now(), RETRY_AFTER);
}

static void on_opened(void *context, struct wr_gateway *gateway, int status, struct wr_tun *tun)
{
	struct wr_hub_org_state *org = context;

	(void)gateway;
	org->is_opening = false;
	if (status == 0)
		status = wr_engine_attach(org->hub->engine, org->device, tun);
	if (status < 0) {
		fail(org, "cannot be opened", status);
		return;
	}
	wr_engine_set_mtu(org->hub->engine, org->device, GATEWAY_MTU);
	wr_engine_hear(org->device);
}

static void open_gateway(struct wr_hub_org_state *org);

/* Its TUN is gone: another gateway in its place, at once. */
static void open_another(struct wr_hub_org_state *org)
{
	wr_hub_close_gateway(org);
	open_gateway(org);
}

static void on_mended(void *context, int status)
{
	if (status < 0)
		open_another(context);
}

static void mend(struct wr_hub_org_state *org)
{
	int error = wr_gateway_mend(org->gateway, on_mended, org);

	if (error < 0 && error != -EBUSY)
		open_another(org);
}

static void on_damaged(void *context, struct wr_gateway *gateway)
{
	struct wr_hub_org_state *org = context;

	(void)gateway;
	org->hub->repairs++;
	wr_log_error("gateway is damaged, and is mended: org=%s", org->label);
	mend(org);
}

static void open_gateway(struct wr_hub_org_state *org)
{
	struct wr_hub *hub = org->hub;
	struct wr_gateway_config config = {
		.tag = hub->tag,
		.number = org->number,
		.label = org->label,
		.suffix = hub->dns_suffix,
		.address4 = org->own4,
		.address6 = org->own6,
		.range4 = org->range4,
		.range6 = org->range6,
		.mtu = GATEWAY_MTU,
		.source = { find_name, name_of, org },
		.opened = on_opened,
		.damaged = on_damaged,
		.context = org,
	};
	int error = wr_gateway_open(hub->loop, &config, &org->gateway);

	if (error < 0) {
		fail(org, "cannot be opened", error);
		return;
	}
	org->is_opening = true;
	hub->gateways++;
}

static struct wr_hub_org_state *org_of(const struct wr_hub *hub, const struct wr_device *device)
{
	struct wr_hub_org_state *org;
	size_t at = 0;

	while ((org = wr_map_next(&hub->orgs, &at)))
		if (org->device == device)
			return org;
	return NULL;
}

/* Where there can be no gateway, the wish stays heard: nobody asks again. */
void wr_hub_wants_gateway(void *context, struct wr_device *device)
{
	struct wr_hub *hub = context;
	struct wr_hub_org_state *org = org_of(hub, device);

	if (hub->config.has_gateways && org && org->is_enabled && !org->gateway &&
	    !hub->is_closing && wr_is_past(org->gateway_after, wr_clock_now()))
		open_gateway(org);
}

/* --- Closing. --- */

static void on_gateway_closed(void *context)
{
	wr_hub_gone(context);
}

void wr_hub_close_gateway(struct wr_hub_org_state *org)
{
	struct wr_gateway *gateway = WR_TAKE(org->gateway);

	if (!gateway)
		return;
	org->is_opening = false;
	org->hub->gateways--;
	org->hub->open_things++;
	wr_engine_detach(org->hub->engine, org->device);
	wr_gateway_close(gateway, on_gateway_closed, org->hub);
}

bool wr_hub_mend_gateway(struct wr_hub_org_state *org)
{
	if (!org->gateway) {
		if (org->hub->config.has_gateways && wr_is_past(org->gateway_after, wr_clock_now()))
			wr_engine_hear(org->device);
		return false;
	}
	if (org->is_opening || wr_gateway_is_whole(org->gateway))
		return false;
	mend(org);
	return true;
}
