#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wg/attempt.h"
#include "wg/port.h"
#include "wg/rotation.h"
#include "wg/timers.h"

/* --- Peers by public key: chains in a table that doubles when it is full. --- */

static struct wr_peer **chain_of(const struct wr_device *device, const struct wr_key *public_key)
{
	uint64_t hash = wr_siphash(&device->port->hash_key,
				   (struct wr_bytes){ public_key->bytes, WR_KEY_LEN });

	return &device->peer_table[hash & device->peer_table_mask];
}

static void chain_add(struct wr_device *device, struct wr_peer *peer)
{
	struct wr_peer **chain = chain_of(device, &peer->public_key);

	peer->hash_next = *chain;
	*chain = peer;
}

static void chain_remove(struct wr_device *device, const struct wr_peer *peer)
{
	struct wr_peer **link = chain_of(device, &peer->public_key);

	while (*link != peer)
		link = &(*link)->hash_next;
	*link = peer->hash_next;
}

/* Makes room for one more peer. A device without peers has no table. */
static bool table_reserve(struct wr_device *device)
{
	uint32_t size = device->peer_table ? device->peer_table_mask + 1 : 0;
	uint32_t new_size = size ? size * 2 : 1;
	struct wr_peer **table;

	if (device->peer_count < size)
		return true;
	table = calloc(new_size, sizeof(struct wr_peer *));
	if (!table)
		return false;
	free(device->peer_table);
	device->peer_table = table;
	device->peer_table_mask = new_size - 1;
	for (struct wr_peer *peer = device->peer_first; peer; peer = peer->list_next)
		chain_add(device, peer);
	return true;
}

struct wr_peer *wr_device_find_peer(const struct wr_device *device, const struct wr_key *public_key)
{
	struct wr_peer *peer = device->peer_table ? *chain_of(device, public_key) : NULL;

	while (peer && memcmp(&peer->public_key, public_key, sizeof(*public_key)) != 0)
		peer = peer->hash_next;
	return peer;
}

/* --- A peer comes and goes. --- */

static struct wr_peer *peer_new(struct wr_device *device, const struct wr_key *public_key)
{
	struct wr_peer *peer = aligned_alloc(_Alignof(struct wr_peer), sizeof(*peer));

	if (!peer)
		return NULL;
	memset(peer, 0, sizeof(*peer));
	peer->device = device;
	peer->port = device->port;
	peer->public_key = *public_key;
	peer->handshake.index.kind = WR_INDEX_HANDSHAKE;
	peer->handshake.retry = WR_NEVER;
	peer->session_derived = WR_NEVER;
	return peer;
}

static void peer_free(struct wr_retired *retired)
{
	struct wr_peer *peer = WR_CONTAINER_OF(retired, struct wr_peer, retired);

	if (peer->managed) {
		free(atomic_load_explicit(&peer->managed->elsewhere, memory_order_relaxed));
		free(peer->managed->spread);
	}
	free(peer->managed);
	wr_wipe(peer, sizeof(*peer));
	free(peer);
}

static void list_append(struct wr_device *device, struct wr_peer *peer)
{
	peer->list_prev = device->peer_last;
	if (device->peer_last)
		device->peer_last->list_next = peer;
	else
		device->peer_first = peer;
	device->peer_last = peer;
}

static void list_remove(struct wr_device *device, struct wr_peer *peer)
{
	if (peer->list_prev)
		peer->list_prev->list_next = peer->list_next;
	else
		device->peer_first = peer->list_next;
	if (peer->list_next)
		peer->list_next->list_prev = peer->list_prev;
	else
		device->peer_last = peer->list_prev;
}

struct wr_peer *wr_device_add_peer(struct wr_device *device, const struct wr_key *public_key)
{
	struct wr_port *port = device->port;
	struct wr_peer *peer;

	assert(!wr_device_find_peer(device, public_key));
	assert(device->mac1_slot == WR_MAC1_NONE ||
	       !wr_key_equal(public_key, &device->identity.public_key));
	if (!wr_heap_reserve(&port->timers, port->peer_count + 1) || !table_reserve(device))
		return NULL;
	peer = peer_new(device, public_key);
	if (!peer)
		return NULL;
	chain_add(device, peer);
	list_append(device, peer);
	device->peer_count++;
	port->peer_count++;
	wr_relay_enter(peer);
	wr_early_call(&port->early, public_key);
	return peer;
}

/* No sessions, no attempt, no timers. */
static void silence(struct wr_peer *peer)
{
	wr_rotation_clear(peer);
	wr_attempt_stop(peer);
	wr_timers_stop(peer);
	wr_relay_forget(peer);
	peer->session_derived = WR_NEVER;
	peer->handshake.sent = (struct wr_instant){ 0 };
}

void wr_peer_remove(struct wr_peer *peer)
{
	struct wr_device *device = peer->device;

	silence(peer);
	wr_relay_leave(peer);
	wr_peer_disallow_all(peer);
	chain_remove(device, peer);
	list_remove(device, peer);
	device->peer_count--;
	device->port->peer_count--;
	peer->is_removed = true;
	wr_retire(&device->port->retire, &peer->retired, peer_free);
}

/* --- A device comes and goes. --- */

struct wr_device *wr_device_new(struct wr_port *port)
{
	struct wr_device *device = calloc(1, sizeof(*device));

	if (!device)
		return NULL;
	device->port = port;
	device->mac1_slot = WR_MAC1_NONE;
	device->list_prev = port->device_last;
	if (port->device_last)
		port->device_last->list_next = device;
	else
		port->device_first = device;
	port->device_last = device;
	return device;
}

static void device_free(struct wr_retired *retired)
{
	struct wr_device *device = WR_CONTAINER_OF(retired, struct wr_device, retired);

	free(device->peer_table);
	wr_wipe(device, sizeof(*device));
	free(device);
}

static void leave_slot(struct wr_device *device)
{
	if (device->mac1_slot == WR_MAC1_NONE)
		return;
	wr_mac1_set_remove(device->port->keys, device->mac1_slot);
	device->port->by_slot[device->mac1_slot] = NULL;
	device->mac1_slot = WR_MAC1_NONE;
}

static void unlink_device(struct wr_port *port, struct wr_device *device)
{
	if (device->list_prev)
		device->list_prev->list_next = device->list_next;
	else
		port->device_first = device->list_next;
	if (device->list_next)
		device->list_next->list_prev = device->list_prev;
	else
		port->device_last = device->list_prev;
}

void wr_device_remove(struct wr_device *device)
{
	while (device->peer_first)
		wr_peer_remove(device->peer_first);
	wr_relay_leave_device(device);
	leave_slot(device);
	unlink_device(device->port, device);
	wr_retire(&device->port->retire, &device->retired, device_free);
}

/* --- The device's own key. --- */

static bool by_slot_reserve(struct wr_port *port, size_t len)
{
	size_t new_len = port->by_slot_len ? port->by_slot_len : 1;
	struct wr_device **by_slot;

	if (len <= port->by_slot_len)
		return true;
	while (new_len < len)
		new_len *= 2;
	by_slot = reallocarray(port->by_slot, new_len, sizeof(struct wr_device *));
	if (!by_slot)
		return false;
	memset(by_slot + port->by_slot_len, 0,
	       (new_len - port->by_slot_len) * sizeof(struct wr_device *));
	port->by_slot = by_slot;
	port->by_slot_len = new_len;
	return true;
}

/* A slot for the key, not yet the device's; WR_MAC1_NONE where memory is short. */
static size_t slot_new(struct wr_port *port, const struct wr_key *public_key)
{
	size_t slot = wr_mac1_set_add(port->keys, public_key);

	if (slot != WR_MAC1_NONE && !by_slot_reserve(port, slot + 1)) {
		wr_mac1_set_remove(port->keys, slot);
		return WR_MAC1_NONE;
	}
	return slot;
}

/* What was computed with the old key goes; an attempt begins anew. */
static void key_changed(struct wr_peer *peer)
{
	struct wr_handshake *handshake = &peer->handshake;
	bool was_trying = wr_attempt_is_on(peer);

	silence(peer);
	wr_wipe(&handshake->static_static, sizeof(handshake->static_static));
	atomic_store_explicit(&peer->activity.last_traversal, 0, memory_order_relaxed);
	if (was_trying)
		handshake->retry = (struct wr_instant){ 0 };
	wr_timers_look_soon(peer);
}

int wr_device_set_private_key(struct wr_device *device, const struct wr_key *private_key)
{
	struct wr_identity identity;
	size_t slot = WR_MAC1_NONE;
	struct wr_peer *self;

	wr_identity_set(&identity, private_key);
	if (wr_key_equal(&identity.private_key, &device->identity.private_key))
		return 0;
	if (!wr_key_is_zero(&identity.private_key)) {
		slot = slot_new(device->port, &identity.public_key);
		if (slot == WR_MAC1_NONE)
			return -ENOMEM;
	}
	leave_slot(device);
	device->identity = identity;
	device->mac1_slot = slot;
	if (slot != WR_MAC1_NONE)
		device->port->by_slot[slot] = device;

	self = wr_device_find_peer(device, &identity.public_key);
	if (self && slot != WR_MAC1_NONE)
		wr_peer_remove(self);
	for (struct wr_peer *peer = device->peer_first; peer; peer = peer->list_next)
		key_changed(peer);
	wr_wipe(&identity, sizeof(identity));
	return 0;
}

/* --- Up and down. --- */

/* A persistent keepalive is due as soon as there is someone to send it. */
static void wake_up(struct wr_peer *peer, struct wr_instant now)
{
	if (!peer->keepalive_interval)
		return;
	atomic_store_explicit(&peer->activity.last_traversal, 0, memory_order_relaxed);
	wr_timers_schedule(peer, now);
}

void wr_device_set_up(struct wr_device *device, bool is_up, struct wr_instant now)
{
	if (device->is_up == is_up)
		return;
	device->is_up = is_up;
	for (struct wr_peer *peer = device->peer_first; peer; peer = peer->list_next) {
		if (is_up)
			wake_up(peer, now);
		else
			silence(peer);
	}
}
