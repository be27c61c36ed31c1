/* The backend's peers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mesh/reconcile_state.h"

/* What is there and should not be. */
struct strangers {
	struct wr_reconciler *reconciler;
	uint64_t preshared_sum; /* as it should be */
	struct wr_key *keys;
	size_t count, room;
	bool is_short_of_memory;
};

static void add_stranger(struct strangers *strangers, const struct wr_key *public_key)
{
	if (strangers->count == strangers->room) {
		size_t room = strangers->room ? 2 * strangers->room : 16;
		struct wr_key *keys = realloc(strangers->keys, room * sizeof(*keys));

		if (!keys) {
			strangers->is_short_of_memory = true;
			return;
		}
		strangers->keys = keys;
		strangers->room = room;
	}
	strangers->keys[strangers->count++] = *public_key;
}

static void see_peer(void *context, const struct wr_backend_sight *sight)
{
	struct strangers *strangers = context;
	struct wr_want_peer *peer = wr_want_find(&strangers->reconciler->want, &sight->public_key);

	if (!peer) {
		add_stranger(strangers, &sight->public_key);
		return;
	}
	peer->is_seen = true;
	peer->is_other = sight->allowed_count != peer->allowed_count ||
			 sight->allowed_sum != peer->sum || sight->keepalive != peer->keepalive ||
			 sight->preshared_sum != strangers->preshared_sum;
}

/* Public keys are no secrets, but long. */
static const char *name_of(const struct wr_reconciler *reconciler, const struct wr_key *key)
{
	const struct wr_netmap_peer *peer = wr_netmap_find_key(reconciler->map, key);

	if (wr_key_equal(key, &reconciler->map->hub_key))
		return "the hub";
	return peer ? peer->name : "a stranger";
}

static void remove_strangers(struct wr_reconciler *reconciler, const struct strangers *strangers)
{
	for (size_t i = 0; i < strangers->count; i++) {
		int status = wr_backend_remove_peer(reconciler->backend, &strangers->keys[i]);

		if (status < 0)
			wr_reconcile_trouble(reconciler, status, "a peer cannot be removed: %s",
					     strerror(-status));
		else
			wr_reconcile_did(reconciler, "a peer that nobody ordered was there");
	}
}

static void make_peer(struct wr_reconciler *reconciler, struct wr_want_peer *peer)
{
	const struct wr_backend_peer ordered = {
		.public_key = peer->public_key,
		.preshared_key = reconciler->config.preshared_key,
		.allowed = peer->allowed,
		.allowed_count = peer->allowed_count,
		.keepalive = peer->keepalive,
	};
	const char *name = name_of(reconciler, &peer->public_key);
	int status = wr_backend_set_peer(reconciler->backend, &ordered);

	if (status < 0)
		wr_reconcile_trouble(reconciler, status, "peer %s cannot be set: %s", name,
				     strerror(-status));
	else
		wr_reconcile_did(reconciler, "peer %s was %s", name,
				 peer->is_seen ? "other" : "missing");
}

void wr_reconcile_peers(struct wr_reconciler *reconciler)
{
	struct wr_want *want = &reconciler->want;
	struct strangers strangers = {
		.reconciler = reconciler,
		.preshared_sum = wr_backend_key_sum(&reconciler->config.preshared_key),
	};
	int status;

	for (size_t i = 0; i < want->peer_count; i++)
		want->peers[i].is_seen = want->peers[i].is_other = false;
	status = wr_backend_look(reconciler->backend, see_peer, &strangers);
	if (strangers.is_short_of_memory)
		status = -ENOMEM;
	if (status < 0) {
		wr_reconcile_trouble(reconciler, status, "peers cannot be seen: %s",
				     strerror(-status));
		free(strangers.keys);
		return;
	}
	remove_strangers(reconciler, &strangers);
	for (size_t i = 0; i < want->peer_count; i++) {
		if (!want->peers[i].is_seen || want->peers[i].is_other)
			make_peer(reconciler, &want->peers[i]);
	}
	free(strangers.keys);
}
