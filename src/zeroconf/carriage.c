/* Gossip's frames and the door's messages travel by UDP between the members' own addresses, inside
 * the tunnels: an address is proof of an identity. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "linux/clock.h"
#include "tunnel/handle.h"
#include "zeroconf/inside.h"

/* --- In. --- */

static void received(void *context, const struct wr_ip *from, struct wr_bytes datagram)
{
	struct wr_zeroconf *zc = context;
	struct contact *contact = zc_find_v6(zc, from);

	if (!contact || !datagram.len)
		return;
	if (datagram.data[0] == WR_DOOR_FIRST) {
		zc_take_door(zc, contact, datagram);
	} else {
		wr_gossip_receive(zc->gossip, &contact->identity, datagram, wr_clock_now());
		if (!zc_admits(zc, &contact->identity))
			zc_turn_away(zc, contact);
	}
	zc_run_gossip(zc);
}

/* --- Out. --- */

void zc_send(struct wr_zeroconf *zc, const struct contact *to, struct wr_bytes datagram)
{
	struct wr_paths *paths = wr_node_paths(zc->node);
	int status = wr_paths_socket_send(&zc->socket, &to->v6, datagram);

	if (status < 0)
		wr_log_verbose("gossip: to=%s: %s", to->uid, strerror(-status));
	else if (paths)
		wr_paths_spent(paths, &to->key, datagram.len);
}

static void deliver(struct wr_zeroconf *zc, const struct wr_gossip_output *output)
{
	struct contact *contact = zc_find(zc, &output->identity);

	if (!contact)
		return;
	if (!contact->is_alive)
		zc_knock_at(zc, contact);
	zc_send(zc, contact, output->bytes);
}

static void act(struct wr_zeroconf *zc, const struct wr_gossip_output *output)
{
	switch (output->action) {
	case WR_GOSSIP_SEND: deliver(zc, output); break;
	case WR_GOSSIP_RENEW: zc_renew_record(zc, output->version); break;
	case WR_GOSSIP_MEMBER:
	case WR_GOSSIP_FORGOT: zc_member_changed(zc, &output->identity); break;
	case WR_GOSSIP_ITEM: zc_take_item(zc, output->bytes); break;
	}
}

static void on_timer(uv_timer_t *timer)
{
	zc_run_gossip(WR_CONTAINER_OF(timer, struct wr_zeroconf, gossip_timer));
}

static void arm(struct wr_zeroconf *zc)
{
	struct wr_instant due = wr_gossip_deadline(zc->gossip);
	struct wr_instant now = wr_clock_now();

	if (wr_is_never(due))
		uv_timer_stop(&zc->gossip_timer);
	else
		uv_timer_start(&zc->gossip_timer, on_timer,
			       due.ns > now.ns ? (due.ns - now.ns + 999999) / 1000000 : 0, 0);
}

void zc_run_gossip(struct wr_zeroconf *zc)
{
	struct wr_gossip_output output;

	/* From within one of its own outputs: the loop below goes on. */
	if (zc->is_running_gossip || !zc->gossip)
		return;
	zc->is_running_gossip = true;
	while (wr_gossip_poll(zc->gossip, wr_clock_now(), &output))
		act(zc, &output);
	zc->is_running_gossip = false;
	/* What the founder signed is kept before others can have heard of it for long. */
	if (zc->is_signed)
		zc_save_now(zc);
	arm(zc);
}

/* --- Life. --- */

void zc_start_carriage(struct wr_zeroconf *zc)
{
	wr_paths_socket_init(&zc->socket, zc->loop, WR_GOSSIP_PORT, received, zc);
	uv_timer_init(zc->loop, &zc->gossip_timer);
}

int zc_open_carriage(struct wr_zeroconf *zc)
{
	const struct wr_ip none = { .family = WR_FAMILY_NONE };

	return wr_paths_socket_open(&zc->socket, &none, &zc->v6,
				    wr_backend_index(wr_node_backend(zc->node)));
}

void zc_close_carriage(struct wr_zeroconf *zc)
{
	wr_paths_socket_close(&zc->socket);
	wr_handle_close((uv_handle_t *)&zc->gossip_timer);
}
