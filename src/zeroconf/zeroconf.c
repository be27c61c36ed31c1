#include "zeroconf/zeroconf.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "crypto/crypto.h"
#include "crypto/sign.h"
#include "linux/clock.h"
#include "linux/files.h"
#include "mesh/folder.h"
#include "tunnel/handle.h"
#include "zeroconf/inside.h"

#define TICK_MS 500
/* A farewell has so long to go out. */
#define FAREWELL_MS 300
#define L2_EACH WR_SPAN_S(7)
#define CLOCK_AHEAD_NS UINT64_C(86400000000000)

/* --- Opening. --- */

static void derive(struct wr_zeroconf *zc)
{
	wr_mesh_keys(&zc->state.root, &zc->keys);
	zc->identity = wr_sign_public(&zc->state.seed);
	zc->v6 = wr_mesh_v6(&zc->keys.range6, &zc->identity);
	wr_mesh_uid(&zc->identity, zc->uid);
	if (!wr_sign_public_x25519(&zc->identity, &zc->public_key))
		wr_log_error("identity: it is no key");
	if (!*zc->state.name) {
		memcpy(zc->state.name, zc->state.wanted_name, sizeof(zc->state.name));
		zc->state.name_since = zc->state.v4_since = wr_clock_wall().ns / 1000000000;
	}
}

static int open_gossip(struct wr_zeroconf *zc)
{
	struct wr_gossip_config config = {
		.self = zc->identity,
		.timing = wr_gossip_timing(),
		.check = zc_check,
		.admits = zc_admits,
		.context = zc,
	};

	wr_random(&config.seed, sizeof(config.seed));
	zc->gossip = wr_gossip_new(&config, wr_clock_now());
	return zc->gossip ? 0 : -ENOMEM;
}

static int load_founder(struct wr_zeroconf *zc, char ret_why[200])
{
	int status = wr_founder_load(zc->state.folder, &zc->founder);

	zc->is_founder = status == 0;
	if (status == 0 || status == -ENOENT)
		return 0;
	snprintf(ret_why, 200, "cannot use %s/founder.json: %s", zc->state.folder,
		 status == -EBADMSG ? "it is damaged" : strerror(-status));
	return status;
}

static int lock(struct wr_zeroconf *zc, char ret_why[200])
{
	int status = wr_folder_lock(zc->state.folder, &zc->lock_fd);

	if (status == -EBUSY)
		snprintf(ret_why, 200, "%s runs already on %s (warren status)", zc->state.mesh,
			 zc->state.interface);
	else if (status < 0)
		snprintf(ret_why, 200, "cannot lock %s: %s", zc->state.folder, strerror(-status));
	return status;
}

/* A machine may start with an older time than its peers remember of it, and they would take its
 * handshakes for replays. What is kept is ahead of what was used, so that it is seldom written. */
static void note_clock(struct wr_zeroconf *zc)
{
	uint64_t wall = wr_clock_wall().ns;

	if (wall > zc->state.clock)
		zc->state.clock = wall;
	zc->state.clock += CLOCK_AHEAD_NS;
}

/* The last thing that can fail: from here on this start has been. Its number grows also where the
 * state is from a backup, unless the clock is wrong, too. */
static int count_start(struct wr_zeroconf *zc, char ret_why[200])
{
	uint64_t seconds = wr_clock_wall().ns / 1000000000;
	int status;

	note_clock(zc);
	zc->state.epoch++;
	if (zc->state.epoch < seconds)
		zc->state.epoch = seconds;
	status = wr_mesh_state_save(&zc->state);
	if (status < 0)
		snprintf(ret_why, 200, "cannot write %s: %s", zc->state.folder, strerror(-status));
	return status;
}

static int load_items(struct wr_zeroconf *zc, char ret_why[200])
{
	int status = zc_load_past(zc);

	zc_take_policy(zc);
	if (status == 0 || status == -ENOENT)
		return 0;
	snprintf(ret_why, 200, "cannot use %s/items: %s; remove it, and members are found anew",
		 zc->state.folder, status == -EBADMSG ? "it is damaged" : strerror(-status));
	return status;
}

static int open_parts(struct wr_zeroconf *zc, char ret_why[200])
{
	int status = lock(zc, ret_why);

	if (status == 0)
		status = load_founder(zc, ret_why);
	if (status < 0)
		return status;
	if (zc_open_trust(zc) < 0 || open_gossip(zc) < 0) {
		snprintf(ret_why, 200, "memory is short");
		return -ENOMEM;
	}
	status = load_items(zc, ret_why);
	if (status == 0)
		status = zc_open_node(zc, ret_why);
	if (status == 0)
		status = count_start(zc, ret_why);
	if (status == 0)
		status = zc_open_discovery(zc, ret_why);
	return status;
}

/* --- Living. --- */

static void forget_invitation(struct wr_zeroconf *zc)
{
	struct wr_gossip_figures figures;

	if (!zc->state.has_invitation || !zc_is_in(zc))
		return;
	wr_gossip_look(zc->gossip, &figures);
	if (figures.alive <= 1)
		return;
	/* Whom it names can be named again in ours; its secret is used up. */
	zc->state.has_invitation = false;
	wr_wipe(&zc->state.invitation, sizeof(zc->state.invitation));
	zc_save_now(zc);
	zc_save_state(zc);
}

static void on_tick(uv_timer_t *timer)
{
	struct wr_zeroconf *zc = WR_CONTAINER_OF(timer, struct wr_zeroconf, tick);
	struct wr_instant now = wr_clock_now();

	zc_tend_guests(zc);
	zc_tend_door(zc);
	zc_tend_homes(zc);
	zc_tend_founder(zc);
	forget_invitation(zc);
	if (wr_is_past(zc->expiry_due, now))
		zc_review_trust(zc);
	if (zc->trim_at.ns && wr_is_past(zc->trim_at, now)) {
		zc->trim_at = (struct wr_instant){ 0 };
		(void)malloc_trim(0);
	}
	if (wr_clock_wall().ns + CLOCK_AHEAD_NS / 2 > zc->state.clock) {
		note_clock(zc);
		zc_save_state(zc);
	}
	if (zc->l2 && wr_is_past(zc->l2_due, now)) {
		zc->l2_due = wr_after(now, L2_EACH);
		zc_tend_l2(zc);
	}
}

static void found(struct wr_zeroconf *zc)
{
	char why[200];

	if (zc->is_founder && !zc->founder.serial && zc_found(zc, true, why) < 0)
		wr_log_error("founder: %s", why);
}

static void begin(struct wr_zeroconf *zc)
{
	zc->is_up = true;
	zc_review_trust(zc);
	zc_renew_record(zc, 0);
	found(zc);
	zc_make_map(&zc->map_timer);
	zc_port_opened(zc, wr_backend_port(wr_node_backend(zc->node)));
	uv_timer_start(&zc->tick, on_tick, 0, TICK_MS);
	zc_run_gossip(zc);
}

static void start_timers(struct wr_zeroconf *zc)
{
	uv_timer_init(zc->loop, &zc->map_timer);
	uv_timer_init(zc->loop, &zc->tick);
	uv_timer_init(zc->loop, &zc->save_timer);
	zc_start_carriage(zc);
}

int wr_zeroconf_open(uv_loop_t *loop, const struct wr_zeroconf_config *config,
		     struct wr_mesh_state *state, struct wr_zeroconf **ret_zeroconf,
		     char ret_why[200])
{
	struct wr_zeroconf *zc = calloc(1, sizeof(*zc));
	int status;

	if (!zc) {
		snprintf(ret_why, 200, "memory is short");
		return -ENOMEM;
	}
	zc->loop = loop;
	zc->lock_fd = -1;
	zc->config = *config;
	zc->state = *state;
	*state = (struct wr_mesh_state){ .folder = NULL };
	zc->socket_path = wr_folder_socket_path(zc->state.folder);
	zc_roster_start(zc);
	derive(zc);
	start_timers(zc);
	status = open_parts(zc, ret_why);
	if (status == 0) {
		begin(zc);
		*ret_zeroconf = zc;
	} else {
		wr_zeroconf_free(zc);
	}
	return status;
}

/* --- Ending. --- */

static void on_farewell_sent(uv_timer_t *timer)
{
	uv_stop(timer->loop);
}

/* Its datagrams leave at once; gossip tells it a few times. */
static void take_leave(struct wr_zeroconf *zc)
{
	zc_say_farewell(zc);
	uv_timer_start(&zc->tick, on_farewell_sent, FAREWELL_MS, 0);
	uv_run(zc->loop, UV_RUN_DEFAULT);
	zc_save_now(zc);
}

static void close_handles(struct wr_zeroconf *zc)
{
	zc_close_carriage(zc);
	wr_handle_close((uv_handle_t *)&zc->map_timer);
	wr_handle_close((uv_handle_t *)&zc->tick);
	wr_handle_close((uv_handle_t *)&zc->save_timer);
	zc->discovery = wr_discovery_close(zc->discovery);
}

struct wr_zeroconf *wr_zeroconf_free(struct wr_zeroconf *zc)
{
	if (!zc)
		return NULL;
	if (zc->is_up)
		take_leave(zc);
	zc->is_ending = true;
	zc->l2 = wr_l2_close(zc->l2);
	close_handles(zc);
	zc->node = wr_node_free(zc->node);
	uv_run(zc->loop, UV_RUN_NOWAIT);
	zc->gossip = wr_gossip_free(zc->gossip);
	zc->admission = wr_admission_free(zc->admission);
	zc_roster_done(zc);
	zc_forget_past(zc);
	wr_map_done(&zc->shunned);
	wr_founder_done(&zc->founder);
	wr_mesh_state_done(&zc->state);
	wr_wipe(&zc->keys, sizeof(zc->keys));
	wr_fd_closep(&zc->lock_fd);
	free(zc->policy);
	free(zc->socket_path);
	free(zc);
	return NULL;
}

bool wr_zeroconf_wants_turn(const struct wr_zeroconf *zc)
{
	return wr_node_wants_turn(zc->node);
}

int wr_zeroconf_turn(struct wr_zeroconf *zc)
{
	return wr_node_turn(zc->node);
}
