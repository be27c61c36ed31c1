/* Peers of the engine's backend: each is managed (wg/managed.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "linux/clock.h"
#include "tunnel/backend_engine.h"

static struct wr_peer *find(const struct wr_engine_backend *backend, const struct wr_key *key)
{
	return wr_device_find_peer(backend->interface.device, key);
}

/* --- What should be. --- */

static int find_or_add(const struct wr_engine_backend *backend, const struct wr_key *key,
		       struct wr_peer **ret_peer)
{
	struct wr_device *device = backend->interface.device;
	struct wr_peer *peer = wr_device_find_peer(device, key);

	if (wr_key_equal(key, &device->identity.public_key))
		return -EINVAL;
	if (!peer) {
		peer = wr_device_add_peer(device, key);
		if (!peer)
			return -ENOMEM;
		if (wr_peer_manage(peer) < 0) {
			wr_peer_remove(peer);
			return -ENOMEM;
		}
	}
	*ret_peer = peer;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct wr_prefix *left = a, *right = b;

	if (left->ip.family != right->ip.family)
		return left->ip.family < right->ip.family ? -1 : 1;
	if (left->length != right->length)
		return left->length < right->length ? -1 : 1;
	return memcmp(left->ip.bytes, right->ip.bytes, sizeof(left->ip.bytes));
}

static void freep(struct wr_prefix **prefixes)
{
	free(*prefixes);
}

/* Takes from the peer what is not among `sorted`. */
static void disallow_others(struct wr_peer *peer, const struct wr_prefix *sorted, size_t count)
{
	struct wr_allowed_entry *next;

	for (struct wr_allowed_entry *entry = peer->allowed.first; entry; entry = next) {
		struct wr_prefix prefix = entry->prefix;

		next = entry->next;
		if (!count || !bsearch(&prefix, sorted, count, sizeof(prefix), compare))
			wr_peer_disallow(peer, &prefix);
	}
}

/* First what is new, then away with the rest: what stays works all the time. */
static int set_allowed(struct wr_peer *peer, const struct wr_prefix *allowed, size_t count)
{
	WR_AUTO(freep)
	struct wr_prefix *sorted = calloc(count ? count : 1, sizeof(*sorted));
	int status = 0;

	if (!sorted)
		return -ENOMEM;
	if (count)
		memcpy(sorted, allowed, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare);
	for (size_t i = 0; i < count && status == 0; i++)
		status = wr_peer_allow(peer, &allowed[i]);
	if (status == 0)
		disallow_others(peer, sorted, count);
	return status;
}

int wr_engine_backend_set_peer(struct wr_backend *base, const struct wr_backend_peer *wanted)
{
	struct wr_engine_backend *backend = wr_engine_backend_of(base);
	struct wr_peer *peer;
	int status = find_or_add(backend, &wanted->public_key, &peer);

	if (status < 0)
		return status;
	wr_peer_set_preshared_key(peer, &wanted->preshared_key);
	wr_peer_set_keepalive(peer, wanted->keepalive, wr_clock_now());
	status = set_allowed(peer, wanted->allowed, wanted->allowed_count);
	wr_backend_soon(base);
	return status;
}

int wr_engine_backend_remove_peer(struct wr_backend *base, const struct wr_key *public_key)
{
	struct wr_peer *peer = find(wr_engine_backend_of(base), public_key);

	if (!peer)
		return -ENOENT;
	wr_peer_remove(peer);
	wr_backend_soon(base);
	return 0;
}

int wr_engine_backend_set_endpoint(struct wr_backend *base, const struct wr_key *public_key,
				   const struct wr_endpoint *endpoint)
{
	struct wr_peer *peer = find(wr_engine_backend_of(base), public_key);
	struct wr_endpoint known;

	if (!peer)
		return -ENOENT;
	if (endpoint->ip.family == WR_FAMILY_NONE)
		return -EINVAL;
	/* The local side that was learned for it stays. */
	if (wr_peer_endpoint(peer, &known) && wr_endpoint_equal_remote(&known, endpoint) &&
	    endpoint->local.family == WR_FAMILY_NONE)
		return 0;
	wr_peer_set_endpoint(peer, endpoint);
	wr_backend_soon(base);
	return 0;
}

int wr_engine_backend_set_spread(struct wr_backend *base, const struct wr_key *public_key,
				 const struct wr_endpoint *endpoints, size_t count)
{
	struct wr_peer *peer = find(wr_engine_backend_of(base), public_key);
	int status;

	if (!peer)
		return -ENOENT;
	status = wr_peer_set_spread(peer, endpoints, count);
	wr_backend_soon(base);
	return status;
}

int wr_engine_backend_hasten(struct wr_backend *base, const struct wr_key *public_key)
{
	struct wr_peer *peer = find(wr_engine_backend_of(base), public_key);

	if (!peer)
		return -ENOENT;
	wr_peer_hasten(peer);
	wr_backend_soon(base);
	return 0;
}

int wr_engine_backend_wake(struct wr_backend *base, const struct wr_key *public_key)
{
	struct wr_peer *peer = find(wr_engine_backend_of(base), public_key);

	if (!peer)
		return -ENOENT;
	if (wr_peer_session(peer, wr_clock_now()))
		return 0;
	wr_peer_ask(peer, WR_ATTENTION_HANDSHAKE);
	wr_backend_soon(base);
	return 0;
}

int wr_engine_backend_renew(struct wr_backend *base, const struct wr_key *public_key)
{
	struct wr_peer *peer = find(wr_engine_backend_of(base), public_key);

	if (!peer)
		return -ENOENT;
	wr_peer_renew(peer, wr_clock_now());
	wr_backend_soon(base);
	return 0;
}

int wr_engine_backend_probe(struct wr_backend *base, const struct wr_key *public_key,
			    const struct wr_endpoint *to)
{
	struct wr_engine_backend *backend = wr_engine_backend_of(base);
	struct wr_peer *peer = find(backend, public_key);

	if (!peer)
		return -ENOENT;
	if (to->ip.family == WR_FAMILY_NONE)
		return -EINVAL;
	return wr_engine_probe(backend->engine, peer, to) ? 0 : -ENOTCONN;
}

/* --- What is. --- */

static void see_allowed(const struct wr_peer *peer, struct wr_backend_sight *sight)
{
	for (const struct wr_allowed_entry *entry = peer->allowed.first; entry;
	     entry = entry->next) {
		sight->allowed_count++;
		sight->allowed_sum += wr_backend_allowed_sum(&entry->prefix, 1);
	}
}

static uint64_t load(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static struct wr_backend_sight sight_of(const struct wr_peer *peer)
{
	struct wr_backend_sight sight = {
		.public_key = peer->public_key,
		.shook_from = peer->managed->shook_from,
		.latest_handshake = peer->latest_handshake,
		.rx_bytes = load(&peer->activity.rx_bytes),
		.tx_bytes = load(&peer->activity.tx_bytes),
		.last_received = { load(&peer->managed->last_received) },
		.keepalive = peer->keepalive_interval,
		.preshared_sum = wr_backend_key_sum(&peer->preshared_key),
	};

	wr_peer_endpoint(peer, &sight.endpoint);
	see_allowed(peer, &sight);
	return sight;
}

int wr_engine_backend_look(struct wr_backend *base,
			   void (*see)(void *context, const struct wr_backend_sight *sight),
			   void *context)
{
	const struct wr_device *device = wr_engine_backend_of(base)->interface.device;

	for (const struct wr_peer *peer = device->peer_first; peer; peer = peer->list_next) {
		struct wr_backend_sight sight = sight_of(peer);

		see(context, &sight);
	}
	return 0;
}

int wr_engine_backend_look_one(struct wr_backend *base, const struct wr_key *public_key,
			       struct wr_backend_sight *ret_sight)
{
	const struct wr_peer *peer = find(wr_engine_backend_of(base), public_key);

	if (!peer)
		return -ENOENT;
	*ret_sight = sight_of(peer);
	return 0;
}
