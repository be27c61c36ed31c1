/* The node and the discovery as the mesh uses them, and what they tell it. */
#include <errno.h>
#include <stdio.h>

#include "base/log.h"
#include "crypto/sign.h"
#include "linux/clock.h"
#include "linux/sysctl.h"
#include "zeroconf/inside.h"

/* --- What the node tells. --- */

static void on_knock_at_port(void *context, struct wr_bytes datagram,
			     const struct wr_endpoint *from)
{
	struct wr_zeroconf *zc = context;

	if (zc->discovery)
		wr_discovery_take(zc->discovery, datagram, from);
}

static void keep_port(struct wr_zeroconf *zc, uint16_t port)
{
	if (zc->state.last_port == port)
		return;
	zc->state.last_port = port;
	/* At the start it is kept when all else is known to work. */
	if (zc->is_up)
		zc_save_state(zc);
}

/* Members speak IPv6 with each other, on our own interface, whatever the host does elsewhere. */
static void turn_v6_on(const struct wr_zeroconf *zc)
{
	char name[64];

	snprintf(name, sizeof(name), "net/ipv6/conf/%s/disable_ipv6", zc->state.interface);
	if (wr_sysctl_read(name) == 1 && wr_sysctl_write(name, false) < 0)
		wr_log_error(
			"interface: IPv6 is turned off on this host, and cannot be turned on for "
			"%s: nobody will be found (sysctl net.ipv6.conf.default.disable_ipv6)",
			zc->state.interface);
}

/* What hangs from the interface: it may be another one than before. */
void zc_port_opened(void *context, uint16_t port)
{
	struct wr_zeroconf *zc = context;
	char why[200];

	turn_v6_on(zc);
	keep_port(zc, port);
	if (!zc->is_up)
		return;
	if (zc_open_carriage(zc) < 0)
		wr_log_error("gossip: its socket cannot be opened");
	if (zc_open_l2(zc, why) < 0)
		wr_log_error("l2: %s", why);
	wr_discovery_set_port(zc->discovery, port);
	zc_review_record(zc); /* says whether there is a layer 2 */
	zc_touch_map(zc);
}

static void on_candidates_changed(void *context)
{
	struct wr_zeroconf *zc = context;

	if (zc->is_up)
		zc_review_record(zc);
}

static void on_network_changed(void *context)
{
	struct wr_zeroconf *zc = context;

	if (!zc->is_up)
		return;
	wr_gossip_woke(zc->gossip, wr_clock_now());
	wr_discovery_hurry(zc->discovery);
	zc->knock_round = 0;
	zc->knock_due = zc->past_due = (struct wr_instant){ 0 };
	zc_run_gossip(zc);
}

static void on_ended(void *context, int error)
{
	struct wr_zeroconf *zc = context;

	zc->config.ended(zc->config.context, error);
}

static int send_knock(void *context, struct wr_bytes datagram, const struct wr_endpoint *to)
{
	struct wr_zeroconf *zc = context;
	struct wr_backend *backend = wr_node_backend(zc->node);

	return backend ? wr_backend_send(backend, datagram, to) : -ENODEV;
}

/* The regular announcement of a member that is alive and where it was is none. */
static bool is_news(void *context, const struct wr_knock *knock, const struct wr_endpoint *from)
{
	const struct wr_zeroconf *zc = context;
	const struct contact *contact = zc_find(zc, &knock->identity);

	if (!contact || !contact->is_alive || contact->epoch != knock->epoch)
		return true;
	return contact->seen.ip.family == from->ip.family &&
	       !wr_ip_equal(&contact->seen.ip, &from->ip);
}

/* --- Opening. --- */

int zc_open_node(struct wr_zeroconf *zc, char ret_why[200])
{
	const struct wr_mesh_state *state = &zc->state;
	bool is_measured = state->metrics.ip.family != WR_FAMILY_NONE;
	struct wr_node_config config = {
		.interface = state->interface,
		.socket_path = zc->socket_path,
		.what = "mesh",
		.preshared_key = zc->keys.psk,
		.port = state->port,
		.last_port = state->last_port,
		.least_wall = { state->clock },
		.listen = state->listen,
		.backend = state->backend,
		.names = state->names,
		.hosts_file = zc->config.hosts_file,
		.accepts_routes = state->accepts_routes,
		.may_forward = state->route_count > 0,
		.masquerades = state->masquerades,
		.workers = zc->config.workers,
		.aead = zc->config.aead,
		.may_relay = state->is_relay_off ? NULL : zc_may_relay,
		.knocked = on_knock_at_port,
		.port_opened = zc_port_opened,
		.candidates_changed = on_candidates_changed,
		.network_changed = on_network_changed,
		.shook = zc_shook,
		.observed = zc_observed,
		.observers = zc_observers,
		.describe = zc_describe,
		.describe_peer = zc_describe_peer,
		.version = zc->config.version,
		.metrics_listen = is_measured ? zc->metrics_listen : NULL,
		.measure = zc_measure,
		.calls = zc_calls,
		.call_count = zc_call_count,
		.ended = on_ended,
		.context = zc,
	};
	int status;

	if (is_measured)
		wr_endpoint_format(&state->metrics, zc->metrics_listen);
	wr_sign_private_x25519(&state->seed, &config.private_key);
	status = wr_node_open(zc->loop, &config, &zc->node, ret_why);
	wr_wipe(&config.private_key, sizeof(config.private_key));
	return status;
}

int zc_open_discovery(struct wr_zeroconf *zc, char ret_why[200])
{
	bool is_engine = wr_backend_kind(wr_node_backend(zc->node)) == WR_BACKEND_ENGINE;
	struct wr_discovery_config config = {
		.keys = &zc->keys,
		.seed = zc->state.seed,
		.epoch = zc->state.epoch,
		.has_lan = !zc->state.is_lan_off,
		.skip = zc->state.interface,
		.send = is_engine ? send_knock : NULL,
		/* The next one is easily said to who keeps a firewall. */
		.own_port = (uint16_t)(zc->state.last_port + 1),
		.knocked = zc_knocked,
		.is_news = is_news,
		.context = zc,
	};
	int status = wr_discovery_open(zc->loop, &config, &zc->discovery, ret_why);

	wr_wipe(&config.seed, sizeof(config.seed));
	return status;
}
