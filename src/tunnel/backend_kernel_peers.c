/* Peers of the kernel's backend: what they should be. */
#include <errno.h>

#include "tunnel/backend_kernel.h"

static int set(struct wr_kernel_backend *backend, const struct wr_wgnl_peer *peers, size_t count)
{
	const struct wr_wgnl_settings settings = { .port = -1,
						   .peers = peers,
						   .peer_count = count };

	backend->is_stale = true;
	return wr_wgnl_set(backend->wgnl, backend->base.index, &settings);
}

int wr_kernel_backend_set_peer(struct wr_backend *base, const struct wr_backend_peer *wanted)
{
	const struct wr_wgnl_peer wish = {
		.public_key = wanted->public_key,
		.replaces_allowed = true,
		.preshared_key = &wanted->preshared_key,
		.keepalive = wanted->keepalive,
		.allowed = wanted->allowed,
		.allowed_count = wanted->allowed_count,
	};
	struct wr_kernel_backend *backend = wr_kernel_backend_of(base);
	struct wr_kernel_peer *peer;
	int status;

	/* The kernel would say nothing, and do nothing. */
	if (wr_key_equal(&wanted->public_key, &backend->public_key))
		return -EINVAL;
	peer = wr_kernel_peers_add(&backend->peers, &wanted->public_key);
	if (!peer)
		return -ENOMEM;
	status = wr_kernel_peer_set_wish(peer, wanted);
	if (status == 0)
		status = set(backend, &wish, 1);
	if (status < 0) {
		/* What is there all the same is found by the next look. */
		wr_kernel_peers_remove(&backend->peers, &wanted->public_key);
		return status;
	}
	peer->sight.keepalive = wanted->keepalive;
	if (!uv_is_active((uv_handle_t *)&backend->timer))
		wr_kernel_backend_arm(backend);
	return 0;
}

int wr_kernel_backend_remove_peer(struct wr_backend *base, const struct wr_key *public_key)
{
	const struct wr_wgnl_peer wish = {
		.public_key = *public_key, .is_removed = true, .is_known = true, .keepalive = -1
	};
	struct wr_kernel_backend *backend = wr_kernel_backend_of(base);
	int status;

	if (!wr_kernel_peers_find(&backend->peers, public_key))
		return -ENOENT;
	status = set(backend, &wish, 1);
	if (status == 0)
		wr_kernel_peers_remove(&backend->peers, public_key);
	return status;
}

/* One that nobody has seen yet has not been heard before either. */
static void note_endpoint(struct wr_kernel_backend *backend, struct wr_kernel_peer *peer,
			  const struct wr_endpoint *endpoint)
{
	peer->sight.endpoint = *endpoint;
	peer->is_tried = true;
	peer->is_set = peer->generation != 0;
	if (backend->has_set || peer->is_set)
		wr_kernel_backend_note_set(backend);
}

int wr_kernel_backend_set_endpoint(struct wr_backend *base, const struct wr_key *public_key,
				   const struct wr_endpoint *endpoint)
{
	const struct wr_wgnl_peer wish = {
		.public_key = *public_key, .is_known = true, .keepalive = -1, .endpoint = endpoint
	};
	struct wr_kernel_backend *backend = wr_kernel_backend_of(base);
	struct wr_kernel_peer *peer = wr_kernel_peers_find(&backend->peers, public_key);
	int status;

	if (!peer)
		return -ENOENT;
	if (endpoint->ip.family == WR_FAMILY_NONE)
		return -EINVAL;
	status = set(backend, &wish, 1);
	if (status < 0)
		return status;
	note_endpoint(backend, peer, endpoint);
	wr_kernel_backend_expect(backend);
	return 0;
}

/* A persistent keepalive that is switched on is sent at once, and with a handshake where there is
 * no session: kernel netlink.c, set_peer(). So it is switched off and on, or on and off, in one
 * message. What was sent sets the timer of the next one, to what holds then: so where it is on,
 * there must never be another interval. A packet to one of the peer's allowed-ips would do it too;
 * but that needs an address and a route of the interface, passes its filters, and reaches the
 * programs of the other side. */
int wr_kernel_backend_wake(struct wr_backend *base, const struct wr_key *public_key)
{
	struct wr_kernel_backend *backend = wr_kernel_backend_of(base);
	const struct wr_kernel_peer *peer = wr_kernel_peers_find(&backend->peers, public_key);
	struct wr_wgnl_peer wishes[2];
	int status;

	if (!peer)
		return -ENOENT;
	for (size_t i = 0; i < WR_ARRAY_LEN(wishes); i++)
		wishes[i] = (struct wr_wgnl_peer){ .public_key = *public_key, .is_known = true };
	wishes[0].keepalive = peer->sight.keepalive ? 0 : UINT16_MAX;
	wishes[1].keepalive = peer->sight.keepalive;
	status = set(backend, wishes, WR_ARRAY_LEN(wishes));
	if (status == 0)
		wr_kernel_backend_expect(backend);
	return status;
}

/* The kernel begins none while its session is young, however it is asked: so the peer is made anew,
 * as it should be and where it is, in one message. */
static int make_anew(struct wr_kernel_backend *backend, struct wr_kernel_peer *peer)
{
	const struct wr_kernel_wish *wish = peer->wish;
	const struct wr_key *key = &peer->sight.public_key;
	const struct wr_wgnl_peer peers[] = {
		{ .public_key = *key, .is_removed = true, .is_known = true, .keepalive = -1 },
		{ .public_key = *key,
		  .preshared_key = &wish->preshared_key,
		  .endpoint = &peer->sight.endpoint,
		  .keepalive = wish->keepalive ? wish->keepalive : UINT16_MAX,
		  .allowed = wish->allowed,
		  .allowed_count = wish->allowed_count },
		{ .public_key = *key, .is_known = true, .keepalive = wish->keepalive },
	};

	peer->rx_before = peer->sight.rx_bytes;
	peer->tx_before = peer->sight.tx_bytes;
	return set(backend, peers, WR_ARRAY_LEN(peers));
}

int wr_kernel_backend_renew(struct wr_backend *base, const struct wr_key *public_key)
{
	struct wr_kernel_backend *backend = wr_kernel_backend_of(base);
	struct wr_kernel_peer *peer;
	int status = wr_kernel_backend_see(backend);

	if (status < 0)
		return status;
	peer = wr_kernel_peers_find(&backend->peers, public_key);
	if (!peer)
		return -ENOENT;
	/* One that was left behind and not set yet. */
	if (!peer->wish)
		return wr_kernel_backend_wake(base, public_key);
	status = make_anew(backend, peer);
	wr_kernel_backend_expect(backend);
	return status;
}
