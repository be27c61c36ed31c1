#include "wg/peer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wg/attempt.h"
#include "wg/port.h"
#include "wg/timers.h"

/* Something can be sent at last: what waited for an address goes now. */
static void endpoint_became_known(struct wr_peer *peer)
{
	if (wr_attempt_is_on(peer))
		peer->handshake.retry = (struct wr_instant){ 0 };
	if (wr_attempt_is_on(peer) || peer->keepalive_interval)
		wr_timers_look_soon(peer);
}

void wr_peer_set_endpoint(struct wr_peer *peer, const struct wr_endpoint *endpoint)
{
	struct wr_endpoint known;
	bool is_known = wr_peer_endpoint(peer, &known);

	if (peer->is_removed || (is_known && wr_endpoint_equal(&known, endpoint)))
		return;
	wr_latch_write(&peer->endpoint, endpoint);
	/* What it only claims as its address gives it no place there. */
	if (peer->managed && atomic_load_explicit(&peer->current, memory_order_relaxed)) {
		wr_relay_heard(peer);
		if (is_known)
			wr_relay_heard_at(peer, &known);
	}
	if (peer->managed && !(is_known && wr_endpoint_equal_remote(&known, endpoint)))
		wr_attempt_hasten(peer);
	if (!is_known)
		endpoint_became_known(peer);
}

/* Where another thread is writing just now, it has heard the peer too: what is
 * left out here, the next packet brings again. */
bool wr_peer_follow(struct wr_peer *peer, const struct wr_endpoint *from)
{
	struct wr_endpoint known;

	if (wr_peer_endpoint(peer, &known) && wr_endpoint_equal(&known, from))
		return false;
	return wr_latch_try_write(&peer->endpoint, from);
}

bool wr_peer_hear(struct wr_peer *peer, const struct wr_endpoint *from, struct wr_instant now)
{
	struct wr_endpoint known;
	uint32_t version;

	if (!peer->managed)
		return wr_peer_follow(peer, from) && peer->port->relay;
	wr_managed_note(peer->managed, now);
	version = wr_peer_endpoint(peer, &known);
	if (!version || !wr_endpoint_equal_remote(&known, from))
		return wr_managed_tells(peer->managed, from, now);
	/* Unless another endpoint was set meanwhile. */
	if (!wr_endpoint_equal(&known, from))
		wr_latch_try_replace(&peer->endpoint, version, from);
	return false;
}

int wr_peer_manage(struct wr_peer *peer)
{
	assert(!peer->allowed.first);
	if (!peer->managed)
		peer->managed = calloc(1, sizeof(*peer->managed));
	return peer->managed ? 0 : -ENOMEM;
}

void wr_peer_set_preshared_key(struct wr_peer *peer, const struct wr_key *key)
{
	peer->preshared_key = *key;
}

void wr_peer_set_keepalive(struct wr_peer *peer, uint16_t seconds, struct wr_instant now)
{
	bool was_off = !peer->keepalive_interval;

	if (seconds == peer->keepalive_interval)
		return;
	peer->keepalive_interval = seconds;
	if (was_off)
		atomic_store_explicit(&peer->activity.last_traversal, 0, memory_order_relaxed);
	wr_timers_schedule(peer, now);
}

void wr_peer_renew(struct wr_peer *peer, struct wr_instant now)
{
	wr_attempt_begin(peer, now, (struct wr_span){ 0 });
	wr_timers_schedule(peer, now);
}

void wr_peer_hasten(struct wr_peer *peer)
{
	wr_attempt_hasten(peer);
}

void wr_peer_note_mac1(struct wr_peer *peer, const uint8_t *message, size_t len)
{
	memcpy(peer->handshake.sent_mac1.bytes, message + len - 2 * WR_MAC_LEN, WR_MAC_LEN);
	peer->handshake.has_sent_mac1 = true;
}

void wr_peer_prepare(struct wr_peer *peer)
{
	struct wr_key shared;

	if (wr_key_is_zero(&peer->cookie.mac1_key))
		wr_cookie_jar_init(&peer->cookie, &peer->public_key);
	if (!wr_key_is_zero(&peer->handshake.static_static))
		return;
	/* Zero stays for a key of low order: no handshake will work. */
	if (wr_x25519(&peer->device->identity.private_key, &peer->public_key, &shared))
		peer->handshake.static_static = shared;
	wr_wipe(&shared, sizeof(shared));
}

int wr_peer_allow(struct wr_peer *peer, const struct wr_prefix *prefix)
{
	return wr_allowedips_add(&peer->device->allowed, prefix, peer, &peer->allowed,
				 &peer->port->retire);
}

void wr_peer_disallow(struct wr_peer *peer, const struct wr_prefix *prefix)
{
	wr_allowedips_remove(&peer->device->allowed, prefix, peer, &peer->port->retire);
}

void wr_peer_disallow_all(struct wr_peer *peer)
{
	wr_allowedips_remove_all(&peer->device->allowed, &peer->allowed, &peer->port->retire);
}
