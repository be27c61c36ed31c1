/* What became of the kernel's peers: looked at by a timer, and told. */
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "linux/clock.h"
#include "tunnel/backend_kernel.h"

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

static void tell(struct wr_kernel_backend *backend, const struct wr_kernel_peer *peer,
		 const struct wr_kernel_change *change)
{
	const struct wr_backend_sight *sight = &peer->sight;

	if (change->has_shaken)
		wr_backend_tell_shook(&backend->base, &sight->public_key);
	if (change->is_heard)
		wr_backend_tell_heard(&backend->base, &sight->public_key, &sight->endpoint);
}

struct look {
	struct wr_kernel_backend *backend;
	struct wr_instant now;
	uint64_t most_bytes; /* of a peer */
};

static void on_peer(void *context, const struct wr_wgnl_sight *sight)
{
	struct look *look = context;
	struct wr_kernel_backend *backend = look->backend;
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

static void note_traffic(struct wr_kernel_backend *backend, const struct look *look)
{
	uint64_t ns = look->now.ns - backend->looked.ns;

	if (look->most_bytes * 1000 > ns / 1000000 * ACTIVE_BYTES_PER_S)
		backend->active_until = wr_after(look->now, ACTIVE_FOR);
}

int wr_kernel_backend_see(struct wr_kernel_backend *backend)
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

static uint64_t ms_to_next(const struct wr_kernel_backend *backend)
{
	struct wr_instant now = wr_clock_now();

	if (backend->has_set)
		return LOOK_SOON_MS;
	if (!wr_is_past(backend->eager_until, now))
		return LOOK_EAGER_MS;
	return wr_is_past(backend->active_until, now) ? LOOK_IDLE_MS : LOOK_ACTIVE_MS;
}

void wr_kernel_backend_arm(struct wr_kernel_backend *backend)
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
	struct wr_kernel_backend *backend = timer->data;
	int status = wr_kernel_backend_see(backend);

	if (status < 0 && status != -ENODEV)
		wr_log_error("looking at WireGuard's peers: error=%s", strerror(-status));
	wr_kernel_backend_arm(backend);
}

void wr_kernel_backend_expect(struct wr_kernel_backend *backend)
{
	backend->eager_until = wr_after(wr_clock_now(), EAGER_FOR);
	uv_update_time(backend->base.loop);
	wr_kernel_backend_arm(backend);
}

int wr_kernel_backend_look(struct wr_backend *base,
			   void (*see)(void *context, const struct wr_backend_sight *sight),
			   void *context)
{
	struct wr_kernel_backend *backend = wr_kernel_backend_of(base);
	int status = wr_kernel_backend_see(backend);

	for (size_t i = 0; i < backend->peers.count && status == 0; i++)
		see(context, &backend->peers.places[i]->sight);
	return status;
}

int wr_kernel_backend_look_one(struct wr_backend *base, const struct wr_key *public_key,
			       struct wr_backend_sight *ret_sight)
{
	struct wr_kernel_backend *backend = wr_kernel_backend_of(base);
	const struct wr_kernel_peer *peer;
	int status = 0;

	if (backend->is_stale || wr_is_past(wr_after(backend->looked, LOOK_FRESH), wr_clock_now()))
		status = wr_kernel_backend_see(backend);
	if (status < 0)
		return status;
	peer = wr_kernel_peers_find(&backend->peers, public_key);
	if (!peer)
		return -ENOENT;
	*ret_sight = peer->sight;
	return 0;
}

void wr_kernel_backend_note_set(struct wr_kernel_backend *backend)
{
	backend->has_set = true;
	if (backend->peers.count <= LOOK_AT_ONCE)
		(void)wr_kernel_backend_see(backend); /* or soon, by the timer */
}
