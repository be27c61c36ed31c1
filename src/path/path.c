#include "path/path.h"

#include <stdlib.h>

#include "path/state.h"

/* WireGuard paper, section 6.1. A handshake after that means that somebody begins to talk. */
#define SESSION_LIFE WR_SPAN_S(180)
/* A direct path that lived for so long was no flapping one. */
#define STEADY WR_SPAN_S(60)
#define FIRST_UPGRADE WR_SPAN_S(5)
#define GO_AGAIN WR_SPAN_MS(500)

/* docs/agents.md, "Paths". */
static const struct wr_span retries[] = {
	{ 5000000000 },
	{ 30000000000 },
	{ 300000000000 },
	{ 3600000000000 },
};

/* xorshift64*: spreads retries, keeps no secrets. */
uint64_t path_random(struct wr_path *path)
{
	path->random ^= path->random >> 12;
	path->random ^= path->random << 25;
	path->random ^= path->random >> 27;
	return path->random * UINT64_C(0x2545f4914f6cdd1d);
}

struct wr_path *wr_path_new(const struct wr_path_config *config, struct wr_instant now)
{
	struct wr_path *path = calloc(1, sizeof(*path));
	uint32_t instance;

	if (!path)
		return NULL;
	path->config = *config;
	path->random = config->jitter_seed ? config->jitter_seed : 1;
	instance = (uint32_t)(path_random(path) >> 32);
	wr_meter_init(&path->meter, instance ? instance : 1, now);
	path->is_by_pulses = !config->can_probe;
	path->reason = config->may_be_direct ? WR_PATH_REASON_NOT_TRIED : WR_PATH_REASON_POLICY;
	return path;
}

struct wr_path *wr_path_free(struct wr_path *path)
{
	if (path)
		free(path->spots);
	free(path);
	return NULL;
}

/* --- Changes of state. --- */

void path_set_endpoint(struct wr_path *path, const struct wr_endpoint *endpoint)
{
	path->endpoint = *endpoint;
	path->has_switch = true;
	path->is_visiting = false;
}

void path_go_direct(struct wr_path *path, const struct spot *spot, struct wr_instant now)
{
	path->kind = spot->kind;
	path->state = WR_PATH_DIRECT;
	path->reason = WR_PATH_REASON_NONE;
	path_set_endpoint(path, &spot->endpoint);
	path->switched = path->last_heard = now;
	path->last_echo = now;
	path->alone_since = (struct wr_instant){ 0 };
	path->unanswered = 0;
	path->is_doubted = false;
	path->elsewhere_count = 0;
	path->fell = (struct wr_instant){ 0 };
	path->is_searching = false;
	path->upgrades = 0;
	path->upgrade_after = wr_after(now, FIRST_UPGRADE);
	round_end(path, now);
	/* The first on the new path tells whether it carries. */
	path->has_ask = !path->config.is_mesh || !wr_is_never(watch_if_busy(path, now));
}

bool path_has_session(const struct wr_path *path, struct wr_instant now)
{
	struct wr_instant last = later(path->last_handshake, path->last_told);

	return is_set(last) && !wr_is_past(wr_after(last, SESSION_LIFE), now);
}

static bool was_steady(const struct wr_path *path, struct wr_instant now)
{
	return wr_is_past(wr_after(path->switched, STEADY), now);
}

void path_go_relayed(struct wr_path *path, enum wr_path_reason reason, struct wr_instant now)
{
	if (was_steady(path, now))
		path->retries = 0;
	path->state = has_address(&path->relay) ? WR_PATH_RELAYED : WR_PATH_NONE;
	path->reason = reason;
	if (has_address(&path->relay))
		path_set_endpoint(path, &path->relay);
	path->unanswered = 0;
	path->is_doubted = false;
	path->elsewhere_count = 0;
	round_end(path, now);
}

void path_retry_later(struct wr_path *path, struct wr_instant now)
{
	size_t at = path->retries < WR_ARRAY_LEN(retries) ? path->retries
							  : WR_ARRAY_LEN(retries) - 1;
	/* Up to a tenth more, so that not all paths of a network try at once. */
	struct wr_span more = { path_random(path) % (retries[at].ns / 10) };

	if (path->retries < WR_ARRAY_LEN(retries))
		path->retries++;
	path->round_after = wr_after(wr_after(now, retries[at]), more);
}

void path_retry_soon(struct wr_path *path, struct wr_instant now)
{
	path->retries = 0;
	path->round_after = now;
	if (path->round.is_on)
		round_wish(path, true, now); /* what is on began without the news */
	path->upgrades = 0;
	path->upgrade_after = now;
}

/* --- What happens. --- */

void wr_path_set_relay(struct wr_path *path, const struct wr_endpoint *relay, struct wr_instant now)
{
	struct spot *spot;

	(void)now;
	if (wr_endpoint_equal_remote(&path->relay, relay))
		return;
	path->relay = *relay;
	spot = has_address(relay) ? spots_find(path, relay) : NULL;
	if (spot)
		spots_forget(path, spot);
	if (path_is_direct(path) || !has_address(relay))
		return;
	path->is_searching = false;
	path_set_endpoint(path, relay);
	if (path->state == WR_PATH_NONE)
		path->state = WR_PATH_RELAYED;
}

void wr_path_disown(struct wr_path *path, struct wr_instant now)
{
	struct spot *spot = spots_find(path, &path->endpoint);

	if (!path_is_direct(path))
		return;
	if (spot)
		spots_forget(path, spot);
	path_go_relayed(path, WR_PATH_REASON_NOT_TRIED, now);
	path_retry_soon(path, now);
}

/* Where a handshake goes, if it can go to one address only. */
static void begin_somewhere(struct wr_path *path)
{
	if (path->config.is_mesh && !path->config.can_probe && path->config.may_be_direct &&
	    path->spot_count && !has_address(&path->endpoint))
		path_set_endpoint(path, &path->spots[0].endpoint);
}

static void candidates_from(struct wr_path *path, uint8_t source,
			    const struct wr_candidate *candidates, size_t count,
			    struct wr_instant now)
{
	if (spots_set(path, source, candidates, count))
		path_retry_soon(path, now);
	begin_somewhere(path);
}

void wr_path_set_candidates(struct wr_path *path, const struct wr_candidate *candidates,
			    size_t count, struct wr_instant now)
{
	candidates_from(path, FROM_MAP, candidates, count, now);
}

void wr_path_set_may_be_direct(struct wr_path *path, bool may, struct wr_instant now)
{
	if (path->config.may_be_direct == may)
		return;
	path->config.may_be_direct = may;
	if (may) {
		path->reason = WR_PATH_REASON_NOT_TRIED;
		path_retry_soon(path, now);
		return;
	}
	path->is_wished = path->is_wish_ours = false;
	path_go_relayed(path, WR_PATH_REASON_POLICY, now);
}

void wr_path_handshake(struct wr_path *path, struct wr_instant now)
{
	bool is_new = !path_has_session(path, now);
	struct spot *spot = spots_find(path, &path->endpoint);

	path->last_handshake = now;
	if (is_new && !path->config.is_mesh)
		wr_path_sent(path, now);
	/* It went where traffic goes, and the answer came. */
	if (spot && path_may_be_there(path))
		path_go_direct(path, spot, now);
}

/* An endpoint that follows has gone back to the relay with the peer's packets. Two that follow each
 * other would stay there. */
static void go_again(struct wr_path *path, struct wr_instant now)
{
	if (path->config.can_probe || !wr_is_past(wr_after(path->gone_again, GO_AGAIN), now))
		return;
	path->gone_again = now;
	path->has_switch = path->has_ask = true;
}

void wr_path_heard_relayed(struct wr_path *path, struct wr_instant now)
{
	path->last_alive = now;
	if (!path_is_direct(path))
		path->last_heard = now;
	else
		go_again(path, now);
}

void wr_path_heard(struct wr_path *path, const struct wr_endpoint *from, struct wr_instant now)
{
	struct spot *spot;

	if (wr_endpoint_equal_remote(from, &path->relay)) {
		wr_path_heard_relayed(path, now);
		return;
	}
	spot = path->config.may_be_direct ? spots_hear(path, from, now) : NULL;
	if (!spot)
		return;
	if (path->round.is_on)
		round_heard(path, spot, now);
	else if (!path_is_direct(path))
		round_join(path, true, now);
	else if (!wr_endpoint_equal_remote(from, &path->endpoint))
		watch_heard(path, from, now);
}

void wr_path_answered(struct wr_path *path, const struct wr_endpoint *from, struct wr_instant now)
{
	struct spot *spot;

	if (wr_endpoint_equal_remote(from, &path->relay)) {
		path->last_alive = now;
		if (path_is_direct(path))
			path_go_relayed(path, WR_PATH_REASON_NOT_TRIED, now);
		return;
	}
	spot = path->config.may_be_direct ? spots_hear(path, from, now) : NULL;
	if (spot)
		path_go_direct(path, spot, now);
}

void wr_path_sent(struct wr_path *path, struct wr_instant now)
{
	path->last_sent = now;
}

void wr_path_alive(struct wr_path *path, struct wr_instant now)
{
	if (!path->is_searching && !path_is_direct(path))
		path->last_alive = now;
}

void wr_path_doubt_relay(struct wr_path *path, bool is_doubted)
{
	path->is_relay_doubted = is_doubted;
}

void wr_path_asked(struct wr_path *path, struct wr_instant now)
{
	round_join(path, false, now);
}

void wr_path_moved(struct wr_path *path, struct wr_instant now)
{
	path_retry_soon(path, now);
	if (!path_is_direct(path))
		return;
	path->is_doubted = true;
	path->has_ask = true;
}

/* --- What is. --- */

size_t wr_path_spots(const struct wr_path *path, struct wr_endpoint ret[WR_PATH_CANDIDATES])
{
	size_t count = path->config.may_be_direct ? spots_usable(path) : 0;

	for (size_t i = 0; i < count; i++)
		ret[i] = path->spots[i].endpoint;
	return count;
}

enum wr_path_claim wr_path_claim(const struct wr_path *path, const struct wr_endpoint *endpoint)
{
	const struct spot *spot = spots_find(path, endpoint);

	if (!spot)
		return WR_PATH_UNKNOWN;
	return spot->sources & (FROM_MAP | FROM_PULSE) ? WR_PATH_NAMED : WR_PATH_CAME_FROM;
}

void wr_path_look(const struct wr_path *path, struct wr_path_sight *ret_sight)
{
	*ret_sight = (struct wr_path_sight){
		.state = path->state,
		.reason = path->reason,
		.endpoint = path->endpoint,
		.kind = path->kind,
		.is_searching = path->is_searching,
		.last_heard = path->last_heard,
		.probes = path->probes,
		.rounds = path->rounds,
		.unanswered = path->unanswered,
		.waiting_since = path->waiting_since,
		.last_pulse = path->last_told,
		.latency_us = path->meter.latency_us,
		.trip_us = path->meter.trip_us,
		.loss_permille = wr_meter_loss_permille(&path->meter),
	};
}
