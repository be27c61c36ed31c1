#include "path/path.h"

#include <stdlib.h>

#include "path/state.h"

/* WireGuard paper, section 6.1. A handshake after that means that somebody begins to talk. */
#define SESSION_LIFE WR_SPAN_S(180)
/* A direct path that lived for so long was no flapping one. */
#define STEADY WR_SPAN_S(60)
#define FIRST_UPGRADE WR_SPAN_S(5)
/* No more answers to a peer that asks and asks. */
#define ANSWER_GAP WR_SPAN_MS(20)
/* Until the endpoint is moved, and until a pulse has left by it. */
#define VISIT_PULSE WR_SPAN_MS(2)
#define VISIT WR_SPAN_MS(10)

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
	path->has_ask = true; /* the first on the new path tells whether it carries */
}

bool path_has_session(const struct wr_path *path, struct wr_instant now)
{
	return is_set(path->last_handshake) &&
	       !wr_is_past(wr_after(path->last_handshake, SESSION_LIFE), now);
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

static void candidates_from(struct wr_path *path, uint8_t source,
			    const struct wr_candidate *candidates, size_t count,
			    struct wr_instant now)
{
	if (spots_set(path, source, candidates, count))
		path_retry_soon(path, now);
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
	if (is_new)
		wr_path_sent(path, now);
	/* It went where traffic goes, and the answer came. */
	if (path->is_searching && spot)
		path_go_direct(path, spot, now);
}

void wr_path_heard(struct wr_path *path, const struct wr_endpoint *from, struct wr_instant now)
{
	struct spot *spot;

	if (wr_endpoint_equal_remote(from, &path->relay)) {
		path->last_alive = now;
		if (!path_is_direct(path))
			path->last_heard = now;
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

/* --- What to do. --- */

/* A sign of traffic makes a round begin that is due. */
static struct wr_instant round_due(const struct wr_path *path)
{
	struct wr_instant due;

	if (!path->config.may_be_direct || path_is_direct(path) || path->round.is_on ||
	    path->is_wished)
		return WR_NEVER;
	due = watch_if_busy(path, path->round_after);
	return path_has_session(path, due) ? due : WR_NEVER;
}

static void advance(struct wr_path *path, struct wr_instant now)
{
	round_advance(path, now);
	watch_advance(path, now);
	alone_advance(path, now);
	if (wr_is_past(round_due(path), now))
		round_wish(path, true, now);
	round_advance(path, now);
}

static struct spot *next_spot(struct wr_path *path, struct wr_instant now)
{
	struct spot *spot;

	if (!path->to_probe || path->round.probes >= WR_PATH_PROBES) {
		path->to_probe = 0;
		return NULL;
	}
	spot = &path->spots[__builtin_ctz(path->to_probe)];
	path->to_probe &= (uint16_t)(path->to_probe - 1);
	spot->probed = now;
	path->round.probes++;
	path->probes++;
	return spot;
}

static struct wr_instant answer_at(const struct wr_path *path)
{
	if (path->has_ask)
		return (struct wr_instant){ 0 };
	return path->has_answer ? wr_after(path->last_pulse, ANSWER_GAP) : WR_NEVER;
}

static bool take_ask(struct wr_path *path, struct wr_instant now, struct wr_path_step *step)
{
	if (!wr_is_past(answer_at(path), now))
		return false;
	path->is_answer = !path->has_ask;
	path->has_ask = path->has_answer = false;
	*step = (struct wr_path_step){ .action = WR_PATH_ASK };
	return true;
}

static bool take_switch(struct wr_path *path, struct wr_path_step *step)
{
	if (!path->has_switch)
		return false;
	path->has_switch = false;
	*step = (struct wr_path_step){ WR_PATH_SWITCH, path->endpoint };
	return true;
}

static bool take_probe(struct wr_path *path, struct wr_instant now, struct wr_path_step *step)
{
	struct spot *spot = next_spot(path, now);

	if (!spot)
		return false;
	*step = (struct wr_path_step){ WR_PATH_PROBE, spot->endpoint };
	return true;
}

/* The pulse before it has left by then. */
static struct wr_instant visit_begin(const struct wr_path *path)
{
	return is_set(path->last_pulse) ? wr_after(path->last_pulse, VISIT_PULSE)
					: path->last_pulse;
}

static bool take_visit_pulse(struct wr_path *path, struct wr_instant now, struct wr_path_step *step)
{
	if (!path->is_visiting || !is_set(path->visit_pulse) || !wr_is_past(path->visit_pulse, now))
		return false;
	path->visit_pulse = (struct wr_instant){ 0 };
	path->is_answer = false;
	*step = (struct wr_path_step){ .action = WR_PATH_ASK };
	return true;
}

/* For a moment traffic goes to the spot, and with it a pulse; then to the next one, or back. */
static bool take_visit(struct wr_path *path, struct wr_instant now, struct wr_path_step *step)
{
	struct spot *spot;

	if (!wr_is_past(path->is_visiting ? path->visit_end : visit_begin(path), now))
		return false;
	spot = next_spot(path, now);
	if (!spot && !path->is_visiting)
		return false;
	path->is_visiting = spot != NULL;
	/* The kernel's endpoint is moved at once, and moves away with the next packet. */
	path->visit_pulse = path->config.can_probe ? wr_after(now, VISIT_PULSE) : now;
	path->visit_end = wr_after(now, VISIT);
	*step = (struct wr_path_step){ WR_PATH_SWITCH, spot ? spot->endpoint : path->endpoint };
	return true;
}

bool wr_path_poll(struct wr_path *path, struct wr_instant now, struct wr_path_step *ret_step)
{
	path->polled = now;
	advance(path, now);
	if (take_switch(path, ret_step))
		return true;
	if (!path->is_by_pulses && !path->is_visiting)
		return take_probe(path, now, ret_step) || take_ask(path, now, ret_step);
	/* The pulse of a visit goes before its end. */
	return take_visit_pulse(path, now, ret_step) ||
	       (!path->is_visiting && take_ask(path, now, ret_step)) ||
	       take_visit(path, now, ret_step);
}

struct wr_instant wr_path_deadline(const struct wr_path *path)
{
	struct wr_instant soonest;

	if (path->has_switch || (path->to_probe && !path->is_by_pulses))
		return (struct wr_instant){ 0 };
	if (path->is_visiting) /* what else is due waits for these 10 ms */
		return is_set(path->visit_pulse) ? path->visit_pulse : path->visit_end;
	soonest = path->to_probe ? visit_begin(path) : WR_NEVER;
	soonest = wr_sooner(soonest, answer_at(path));
	soonest = wr_sooner(soonest, round_due(path));
	soonest = wr_sooner(soonest, watch_deadline(path));
	soonest = wr_sooner(soonest, alone_deadline(path));
	return wr_sooner(soonest, round_deadline(path));
}

/* --- What is. --- */

void wr_path_look(const struct wr_path *path, struct wr_path_sight *ret_sight)
{
	*ret_sight = (struct wr_path_sight){
		.state = path->state,
		.reason = path->reason,
		.endpoint = path->endpoint,
		.kind = path->kind,
		.last_heard = path->last_heard,
		.probes = path->probes,
		.rounds = path->rounds,
		.last_pulse = path->last_told,
		.latency_us = path->meter.latency_us,
		.trip_us = path->meter.trip_us,
		.loss_permille = wr_meter_loss_permille(&path->meter),
	};
}
