/* The kernel's WireGuard as a backend. No engine, no threads: a netlink socket and a timer, which
 * looks what became of the peers while there is something to see. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "crypto/noise.h"
#include "linux/clock.h"
#include "linux/udp.h"
#include "tunnel/backend_ops.h"
#include "tunnel/handle.h"
#include "tunnel/kernel_peers.h"

/* How often it looks: after something was set or woken that may answer, while there is traffic, and
 * else. A look of 100 peers takes some 100 us. */
#define LOOK_EAGER_MS 250
#define LOOK_ACTIVE_MS 1000
#define LOOK_IDLE_MS 10000
#define EAGER_FOR WR_SPAN_S(3)
#define ACTIVE_FOR WR_SPAN_S(10)
/* More than keepalives (32 bytes each 8 s) and handshakes (some 300 bytes each 2 min) of a peer. */
#define ACTIVE_BYTES_PER_S 100

/* After an endpoint was set all are looked at, so that what comes from now on is known to come from
 * there: at once, or where they are many, once for all that is set in such a time. */
#define LOOK_AT_ONCE 256
#define LOOK_SOON_MS 20
/* What is so old is as good as new. */
#define LOOK_FRESH WR_SPAN_MS(20)
/* Of a look that something changed under. */
#define LOOK_TRIES 5

struct kernel_backend {
	struct wr_backend base;
	struct wr_wgnl *wgnl;
	struct wr_key public_key;
	uint16_t port;
	bool is_link_ours; /* it is there, and goes with us */
	struct wr_kernel_peers peers;
	uv_timer_t timer;
	bool has_set;  /* an endpoint, and nobody looked since */
	bool is_stale; /* the same of anything */
	struct wr_instant looked, eager_until, active_until;
};

static struct kernel_backend *of(struct wr_backend *base)
{
	return WR_CONTAINER_OF(base, struct kernel_backend, base);
}

/* --- Looking. --- */

static void tell(struct kernel_backend *backend, const struct wr_kernel_peer *peer,
		 const struct wr_kernel_change *change)
{
	const struct wr_backend_sight *sight = &peer->sight;

	if (change->has_shaken)
		wr_backend_tell_shook(&backend->base, &sight->public_key);
	if (change->is_heard)
		wr_backend_tell_heard(&backend->base, &sight->public_key, &sight->endpoint);
}

struct look {
	struct kernel_backend *backend;
	struct wr_instant now;
	uint64_t most_bytes; /* of a peer */
};

static void on_peer(void *context, const struct wr_wgnl_sight *sight)
{
	struct look *look = context;
	struct kernel_backend *backend = look->backend;
	struct wr_kernel_peer *peer = wr_kernel_peers_find(&backend->peers, &sight->public_key);
	bool is_ours = peer != NULL;
	struct wr_kernel_change change;

	if (!peer)
		peer = wr_kernel_peers_add(&backend->peers, &sight->public_key);
	if (!peer)
		return;
	change = wr_kernel_peer_see(&backend->peers, peer, sight, look->now);
	/* One that was there before us, or that somebody else added, has no news yet. */
	if (!is_ours)
		return;
	tell(backend, peer, &change);
	if (change.bytes > look->most_bytes)
		look->most_bytes = change.bytes;
}

static void note_traffic(struct kernel_backend *backend, const struct look *look)
{
	uint64_t ns = look->now.ns - backend->looked.ns;

	if (look->most_bytes * 1000 > ns / 1000000 * ACTIVE_BYTES_PER_S)
		backend->active_until = wr_after(look->now, ACTIVE_FOR);
}

static int look(struct kernel_backend *backend)
{
	struct look look = { .backend = backend, .now = wr_clock_now() };
	int status = -EINTR;

	for (unsigned i = 0; i < LOOK_TRIES && status == -EINTR; i++) {
		wr_kernel_peers_begin(&backend->peers);
		status = wr_wgnl_look(backend->wgnl, backend->base.index, NULL, on_peer, &look);
	}
	if (status < 0)
		return status;
	wr_kernel_peers_end(&backend->peers);
	note_traffic(backend, &look);
	backend->looked = look.now;
	backend->has_set = backend->is_stale = false;
	return 0;
}

static void on_timer(uv_timer_t *timer);

static uint64_t ms_to_next(const struct kernel_backend *backend)
{
	struct wr_instant now = wr_clock_now();

	if (backend->has_set)
		return LOOK_SOON_MS;
	if (!wr_is_past(backend->eager_until, now))
		return LOOK_EAGER_MS;
	return wr_is_past(backend->active_until, now) ? LOOK_IDLE_MS : LOOK_ACTIVE_MS;
}

/* Of nobody there is no news. */
static void arm(struct kernel_backend *backend)
{
	if (uv_is_closing((uv_handle_t *)&backend->timer))
		return;
	if (!backend->peers.count || backend->base.news.is_gone)
		uv_timer_stop(&backend->timer);
	else
		uv_timer_start(&backend->timer, on_timer, ms_to_next(backend), 0);
}

static void on_timer(uv_timer_t *timer)
{
	struct kernel_backend *backend = timer->data;
	int status = look(backend);

	if (status < 0 && status != -ENODEV)
		wr_log_error("looking at WireGuard's peers: error=%s", strerror(-status));
	arm(backend);
}

/* Something was sent that may be answered soon. */
static void expect(struct kernel_backend *backend)
{
	backend->eager_until = wr_after(wr_clock_now(), EAGER_FOR);
	uv_update_time(backend->base.loop);
	arm(backend);
}

static int look_at(struct wr_backend *base,
		   void (*see)(void *context, const struct wr_backend_sight *sight), void *context)
{
	struct kernel_backend *backend = of(base);
	int status = look(backend);

	for (size_t i = 0; i < backend->peers.count && status == 0; i++)
		see(context, &backend->peers.places[i]->sight);
	return status;
}

static int look_at_one(struct wr_backend *base, const struct wr_key *public_key,
		       struct wr_backend_sight *ret_sight)
{
	struct kernel_backend *backend = of(base);
	const struct wr_kernel_peer *peer;
	int status = 0;

	if (backend->is_stale || wr_is_past(wr_after(backend->looked, LOOK_FRESH), wr_clock_now()))
		status = look(backend);
	if (status < 0)
		return status;
	peer = wr_kernel_peers_find(&backend->peers, public_key);
	if (!peer)
		return -ENOENT;
	*ret_sight = peer->sight;
	return 0;
}

/* --- Setting. --- */

static int set(struct kernel_backend *backend, const struct wr_wgnl_peer *peers, size_t count)
{
	const struct wr_wgnl_settings settings = { .port = -1,
						   .peers = peers,
						   .peer_count = count };

	backend->is_stale = true;
	return wr_wgnl_set(backend->wgnl, backend->base.index, &settings);
}

static int set_key(struct wr_backend *base, const struct wr_key *private_key)
{
	const struct wr_wgnl_settings settings = { .private_key = private_key, .port = -1 };
	struct kernel_backend *backend = of(base);
	int status = wr_wgnl_set(backend->wgnl, base->index, &settings);

	if (status == 0)
		backend->public_key = wr_x25519_public(private_key);
	return status;
}

static int set_up(struct wr_backend *base, bool is_up)
{
	return wr_link_set_up(base->index, is_up);
}

static int set_peer(struct wr_backend *base, const struct wr_backend_peer *wanted)
{
	const struct wr_wgnl_peer wish = {
		.public_key = wanted->public_key,
		.replaces_allowed = true,
		.preshared_key = &wanted->preshared_key,
		.keepalive = wanted->keepalive,
		.allowed = wanted->allowed,
		.allowed_count = wanted->allowed_count,
	};
	struct kernel_backend *backend = of(base);
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
		arm(backend);
	return 0;
}

static int remove_peer(struct wr_backend *base, const struct wr_key *public_key)
{
	const struct wr_wgnl_peer wish = {
		.public_key = *public_key, .is_removed = true, .is_known = true, .keepalive = -1
	};
	struct kernel_backend *backend = of(base);
	int status;

	if (!wr_kernel_peers_find(&backend->peers, public_key))
		return -ENOENT;
	status = set(backend, &wish, 1);
	if (status == 0)
		wr_kernel_peers_remove(&backend->peers, public_key);
	return status;
}

/* One that nobody has seen yet has not been heard before either. */
static void note_endpoint(struct kernel_backend *backend, struct wr_kernel_peer *peer,
			  const struct wr_endpoint *endpoint)
{
	peer->sight.endpoint = *endpoint;
	peer->is_tried = true;
	peer->is_set = peer->generation != 0;
	backend->has_set |= peer->is_set;
	if (backend->has_set && backend->peers.count <= LOOK_AT_ONCE)
		(void)look(backend); /* or soon, by the timer */
}

static int set_endpoint(struct wr_backend *base, const struct wr_key *public_key,
			const struct wr_endpoint *endpoint)
{
	const struct wr_wgnl_peer wish = {
		.public_key = *public_key, .is_known = true, .keepalive = -1, .endpoint = endpoint
	};
	struct kernel_backend *backend = of(base);
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
	expect(backend);
	return 0;
}

/* A persistent keepalive that is switched on is sent at once, and with a handshake where there is
 * no session: kernel netlink.c, set_peer(). So it is switched off and on, or on and off, in one
 * message. What was sent sets the timer of the next one, to what holds then: so where it is on,
 * there must never be another interval. A packet to one of the peer's allowed-ips would do it too;
 * but that needs an address and a route of the interface, passes its filters, and reaches the
 * programs of the other side. */
static int wake(struct wr_backend *base, const struct wr_key *public_key)
{
	struct kernel_backend *backend = of(base);
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
		expect(backend);
	return status;
}

/* The kernel begins none while its session is young, however it is asked: so the peer is made anew,
 * as it should be and where it is, in one message. */
static int make_anew(struct kernel_backend *backend, struct wr_kernel_peer *peer)
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

static int renew(struct wr_backend *base, const struct wr_key *public_key)
{
	struct kernel_backend *backend = of(base);
	struct wr_kernel_peer *peer;
	int status = look(backend);

	if (status < 0)
		return status;
	peer = wr_kernel_peers_find(&backend->peers, public_key);
	if (!peer)
		return -ENOENT;
	/* One that was left behind and not set yet. */
	if (!peer->wish)
		return wake(base, public_key);
	status = make_anew(backend, peer);
	expect(backend);
	return status;
}

static uint16_t port_of(const struct wr_backend *base)
{
	return ((const struct kernel_backend *)(const void *)base)->port;
}

/* --- Opening. --- */

static int create(struct kernel_backend *backend, const struct wr_backend_config *config,
		  uint32_t mtu, char ret_why[WR_BACKEND_WHY_LEN])
{
	int status = wr_link_create(config->name, "wireguard", WR_BACKEND_ALIAS, mtu,
				    &backend->base.index);

	if (status == -EOPNOTSUPP)
		return wr_backend_fail(status, ret_why,
				       "this kernel has no WireGuard: load its module, or use the "
				       "engine");
	if (status == -EPERM)
		return wr_backend_fail(status, ret_why,
				       "making an interface takes CAP_NET_ADMIN: run it as root");
	if (status < 0)
		return wr_backend_fail(status, ret_why, "cannot make interface %s: %s",
				       config->name, strerror(-status));
	return 0;
}

/* A new one, or the one that was left behind, with its sessions. */
static int open_link(struct kernel_backend *backend, const struct wr_backend_config *config,
		     char ret_why[WR_BACKEND_WHY_LEN])
{
	uint32_t mtu = config->mtu ? config->mtu : WR_BACKEND_MTU;
	struct wr_link_sight sight;
	int status = wr_backend_claim(config->name, &sight, ret_why);

	if (status == 0)
		status = create(backend, config, mtu, ret_why);
	else if (status == 1)
		backend->base.index = sight.index;
	backend->is_link_ours = status >= 0;
	if (status == 1 && sight.mtu != mtu)
		return wr_link_set_mtu(sight.index, mtu);
	return status < 0 ? status : 0;
}

/* While it is down the kernel takes any port, and tells when it goes up whether it can have it; and
 * which one it has only then. */
static int choose_port(struct kernel_backend *backend, const struct wr_backend_config *config,
		       char ret_why[WR_BACKEND_WHY_LEN])
{
	struct wr_udp_sockets sockets;
	int status = wr_udp_open(config->port, 0, 1, &sockets);

	if (status == -EADDRINUSE)
		return wr_backend_fail(status, ret_why, "UDP port %u is in use: choose another",
				       config->port);
	if (status < 0)
		return wr_backend_fail(status, ret_why, "cannot use UDP port %u: %s", config->port,
				       strerror(-status));
	backend->port = sockets.port;
	wr_udp_close(&sockets);
	return 0;
}

static void see_nothing(void *context, const struct wr_wgnl_sight *sight)
{
	(void)context;
	(void)sight;
}

/* One that was left behind may have it. */
static int open_port(struct kernel_backend *backend, const struct wr_backend_config *config,
		     char ret_why[WR_BACKEND_WHY_LEN])
{
	uint16_t port = 0;

	(void)!wr_wgnl_look(backend->wgnl, backend->base.index, &port, see_nothing, NULL);
	backend->port = port;
	if (port && (port == config->port || !config->port))
		return 0;
	return choose_port(backend, config, ret_why);
}

static int open_settings(struct kernel_backend *backend, const struct wr_backend_config *config)
{
	const struct wr_wgnl_settings settings = {
		.private_key = &config->private_key,
		.port = backend->port,
		.mark = &config->mark,
	};
	int status = wr_wgnl_set(backend->wgnl, backend->base.index, &settings);

	backend->public_key = wr_x25519_public(&config->private_key);
	if (status == 0)
		status = wr_backend_watch(&backend->base, backend->base.index);
	if (status == 0)
		status = look(backend);
	if (status == 0)
		arm(backend);
	return status;
}

static int open_all(struct kernel_backend *backend, const struct wr_backend_config *config,
		    char ret_why[WR_BACKEND_WHY_LEN])
{
	int status = open_link(backend, config, ret_why);

	if (status < 0)
		return status;
	status = wr_wgnl_open(&backend->wgnl);
	if (status < 0)
		return wr_backend_fail(status, ret_why,
				       "cannot speak to the kernel's WireGuard: %s",
				       strerror(-status));
	status = open_port(backend, config, ret_why);
	if (status < 0)
		return status;
	status = open_settings(backend, config);
	if (status < 0)
		return wr_backend_fail(status, ret_why, "cannot set up interface %s: %s",
				       config->name, strerror(-status));
	return 0;
}

static int open_backend(uv_loop_t *loop, const struct wr_backend_config *config,
			struct wr_backend **ret_backend, char ret_why[WR_BACKEND_WHY_LEN])
{
	struct kernel_backend *backend = calloc(1, sizeof(*backend));
	int status;

	if (!backend)
		return wr_backend_fail(-ENOMEM, ret_why, "out of memory");
	wr_backend_init(&backend->base, &wr_backend_kernel, loop, config);
	uv_timer_init(loop, &backend->timer);
	backend->timer.data = backend;
	status = open_all(backend, config, ret_why);
	if (status < 0)
		wr_backend_free(&backend->base);
	else
		*ret_backend = &backend->base;
	return status;
}

/* --- Closing. --- */

static void close_backend(struct wr_backend *base)
{
	wr_handle_close((uv_handle_t *)&of(base)->timer);
}

static void free_backend(struct wr_backend *base)
{
	struct kernel_backend *backend = of(base);

	if (backend->is_link_ours && !base->news.is_gone)
		(void)wr_link_delete(base->index);
	wr_wgnl_free(backend->wgnl);
	wr_kernel_peers_done(&backend->peers);
	free(backend);
}

const struct wr_backend_ops wr_backend_kernel = {
	.kind = WR_BACKEND_KERNEL,
	.name = "kernel",
	.open = open_backend,
	.close = close_backend,
	.free = free_backend,
	.port = port_of,
	.set_key = set_key,
	.set_up = set_up,
	.set_peer = set_peer,
	.remove_peer = remove_peer,
	.set_endpoint = set_endpoint,
	.wake = wake,
	.renew = renew,
	.look = look_at,
	.look_one = look_at_one,
};
