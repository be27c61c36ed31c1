/* What a path asks its owner to do, one step after the other, and when it is to be asked again. */
#include "path/state.h"

/* No more answers to a peer that asks and asks. */
#define ANSWER_GAP WR_SPAN_MS(20)
/* Until the endpoint is moved, and until a pulse has left by it. */
#define VISIT_PULSE WR_SPAN_MS(2)
#define VISIT WR_SPAN_MS(10)

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
