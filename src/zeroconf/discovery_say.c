/* Knocks of ours: announcements, and to one alone. */
#include <errno.h>
#include <string.h>

#include "linux/clock.h"
#include "zeroconf/discovery_inside.h"

/* Between two announcements, whatever the network does. */
#define LEAST_PAUSE WR_SPAN_MS(200)

/* In whole milliseconds, not before `when`. */
void discovery_wake_at(uv_timer_t *timer, uv_timer_cb callback, struct wr_instant when)
{
	uint64_t now = wr_clock_now().ns;
	uint64_t ms = when.ns > now ? (when.ns - now + 999999) / 1000000 : 0;

	uv_update_time(timer->loop);
	uv_timer_start(timer, callback, ms, 0);
}

/* --- Knocks of ours. --- */

/* Each is another one: who has heard one of us takes no other with the same number. */
static void write_knock(struct wr_discovery *discovery, bool asks, uint8_t ret[WR_KNOCK_LEN])
{
	const struct wr_mesh_keys *keys = discovery->config.keys;
	struct wr_knock knock = {
		.flags = asks ? WR_KNOCK_ASKS : 0,
		.identity = discovery->identity,
		.port = discovery->port,
		.knock_port = discovery_uses_own_port(discovery) ? wr_ears_own_port(discovery->ears)
								 : discovery->port,
		.epoch = discovery->config.epoch,
		.sequence = ++discovery->sequence,
	};

	memcpy(knock.mesh, keys->tag, sizeof(knock.mesh));
	wr_knock_write(&knock, &discovery->config.seed, &keys->mac, ret);
}

int discovery_send(struct wr_discovery *discovery, const struct wr_endpoint *to, bool asks)
{
	uint8_t bytes[WR_KNOCK_LEN];
	struct wr_bytes datagram = { bytes, sizeof(bytes) };
	int status;

	if (!discovery->port)
		return -EAGAIN;
	write_knock(discovery, asks, bytes);
	status = discovery_uses_own_port(discovery)
			 ? wr_ears_tell(discovery->ears, to, datagram)
			 : discovery->config.send(discovery->config.context, datagram, to);
	discovery->figures.sent += status == 0;
	return status;
}

/* --- Announcing. --- */

static void announce_everywhere(struct wr_discovery *discovery)
{
	size_t places = wr_ears_places(discovery->ears);

	for (size_t i = 0; i < places; i++) {
		uint8_t bytes[WR_KNOCK_LEN];
		struct wr_bytes datagram = { bytes, sizeof(bytes) };

		write_knock(discovery, true, bytes);
		discovery->figures.sent += wr_ears_say(discovery->ears, i, datagram) == 0;
	}
}

static void on_announce(uv_timer_t *timer)
{
	struct wr_discovery *discovery = timer->data;
	struct wr_instant now = wr_clock_now();
	struct wr_span pause;
	uint64_t random;

	wr_random(&random, sizeof(random));
	/* News may have been lost, or an interface was not ready when it came. */
	wr_ears_follow(discovery->ears);
	announce_everywhere(discovery);
	discovery->last = now;
	pause = wr_pace_pause(discovery->step++, discovery->members, random);
	discovery_wake_at(timer, on_announce, wr_after(now, pause));
}

void wr_discovery_hurry(struct wr_discovery *discovery)
{
	discovery->step = 0;
	if (discovery->port && discovery->config.has_lan && !discovery->is_closed)
		discovery_wake_at(&discovery->announce, on_announce,
				  discovery->last.ns ? wr_after(discovery->last, LEAST_PAUSE)
						     : (struct wr_instant){ 0 });
}

void wr_discovery_set_port(struct wr_discovery *discovery, uint16_t port)
{
	if (discovery->port == port)
		return;
	discovery->port = port;
	if (port)
		wr_discovery_hurry(discovery);
	else
		uv_timer_stop(&discovery->announce);
}

void wr_discovery_set_size(struct wr_discovery *discovery, size_t members)
{
	discovery->members = members;
}

int wr_discovery_knock(struct wr_discovery *discovery, const struct wr_endpoint *to)
{
	return discovery_send(discovery, to, true);
}
