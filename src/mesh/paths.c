#include "mesh/paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "linux/clock.h"
#include "mesh/paths_parts.h"

/* A peer that talks sends something at least that often: WireGuard's keepalive comes 10 s after
 * data that were not answered. */
#define CONNECTED_FOR WR_SPAN_S(15)
/* Figures that are older are looked at again when somebody asks. */
#define FIGURES_FOR WR_SPAN_MS(200)

int wr_paths_new(uv_loop_t *loop, const struct wr_paths_config *config, struct wr_paths **ret_paths)
{
	struct wr_paths *paths = calloc(1, sizeof(*paths));

	if (!paths)
		return -ENOMEM;
	paths->loop = loop;
	paths->config = *config;
	paths->armed = paths->look_at = WR_NEVER;
	wr_random(&paths->secret, sizeof(paths->secret));
	wr_paths_socket_init(&paths->socket, loop, WR_PULSE_PORT, paths_received, paths);
	uv_timer_init(loop, &paths->timer);
	paths->timer.data = paths;
	*ret_paths = paths;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	*(bool *)handle->data = true;
}

struct wr_paths *wr_paths_free(struct wr_paths *paths)
{
	bool is_closed = false;

	if (!paths)
		return NULL;
	paths_forget(paths);
	pings_run(paths, wr_clock_now());
	wr_paths_socket_close(&paths->socket);
	paths->timer.data = &is_closed;
	uv_close((uv_handle_t *)&paths->timer, on_closed);
	while (!is_closed)
		uv_run(paths->loop, UV_RUN_ONCE);
	free(paths);
	return NULL;
}

/* --- What it is told. --- */

void wr_paths_set_map(struct wr_paths *paths, const struct wr_netmap *map)
{
	paths->map = map;
	if (!paths->config.backend)
		return; /* wr_paths_set_backend() takes it up */
	(void)wr_paths_socket_open(&paths->socket, &map->v4, &map->v6,
				   wr_backend_index(paths->config.backend));
	paths_take_map(paths);
	paths_look_soon(paths);
	paths_arm(paths);
}

void wr_paths_set_backend(struct wr_paths *paths, struct wr_backend *backend)
{
	paths->config.backend = backend;
	if (!paths->map || !backend) {
		paths_arm(paths);
		return;
	}
	(void)wr_paths_socket_open(&paths->socket, &paths->map->v4, &paths->map->v6,
				   wr_backend_index(backend));
	paths_restart(paths);
	paths_look_soon(paths);
	paths_arm(paths);
}

void wr_paths_set_relay(struct wr_paths *paths, const struct wr_endpoint *relay)
{
	struct wr_instant now = wr_clock_now();
	struct member *member;
	size_t at = 0;

	paths->relay = *relay;
	while ((member = paths_next(paths, &at))) {
		wr_path_set_relay(member->path, relay, now);
		paths_wake(member);
	}
}

void wr_paths_set_candidates(struct wr_paths *paths, const struct wr_candidate *candidates,
			     size_t count)
{
	paths->own.count = count < WR_PATH_CANDIDATES ? count : WR_PATH_CANDIDATES;
	memcpy(paths->own.candidates, candidates, paths->own.count * sizeof(candidates[0]));
}

void wr_paths_heard(struct wr_paths *paths, const struct wr_key *peer,
		    const struct wr_endpoint *from)
{
	struct member *member = paths_find_key(paths, peer);

	if (!member)
		return;
	paths_heard(member, from);
	paths_look_soon(paths);
	paths_wake(member);
}

void wr_paths_shook(struct wr_paths *paths, const struct wr_key *peer)
{
	struct member *member = paths_find_key(paths, peer);
	struct wr_instant now = wr_clock_now();

	if (paths->map && wr_key_equal(peer, &paths->map->hub_key))
		paths->hub_shook = now;
	if (!member)
		return;
	member->shook = now;
	wr_path_handshake(member->path, now);
	paths_relay_shook(member);
	paths_look_soon(paths);
	paths_wake(member);
}

void wr_paths_asked(struct wr_paths *paths, const char *uid)
{
	struct member *member = paths_find_uid(paths, uid);

	if (!member)
		return;
	wr_path_asked(member->path, wr_clock_now());
	paths_wake(member);
}

void wr_paths_moved(struct wr_paths *paths)
{
	struct wr_instant now = wr_clock_now();
	struct member *member;
	size_t at = 0;

	while ((member = paths_next(paths, &at))) {
		wr_path_moved(member->path, now);
		paths_wake(member);
	}
}

/* --- What it tells. --- */

static bool is_recent(struct wr_instant instant, struct wr_instant now)
{
	return instant.ns && !wr_is_past(wr_after(instant, CONNECTED_FOR), now);
}

bool wr_paths_look(struct wr_paths *paths, const char *uid, struct wr_paths_sight *ret_sight)
{
	struct member *member = paths_find_uid(paths, uid);
	struct wr_instant now = wr_clock_now();

	if (!member)
		return false;
	if (wr_is_past(wr_after(paths->looked, FIGURES_FOR), now))
		paths_look_now(paths, now);
	*ret_sight = (struct wr_paths_sight){
		.latest_handshake = member->latest_handshake,
		.rx_bytes = member->rx_bytes,
		.tx_bytes = member->tx_bytes,
	};
	wr_path_look(member->path, &ret_sight->path);
	ret_sight->latency_us = ret_sight->path.latency_us;
	ret_sight->loss_permille = ret_sight->path.loss_permille;
	ret_sight->is_connected = is_recent(member->last_received, now) ||
				  is_recent(ret_sight->path.last_pulse, now);
	paths_arm(paths);
	return true;
}
