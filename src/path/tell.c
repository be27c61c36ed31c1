/* What a path tells the peer by a pulse, and what it makes of the peer's. */
#include "path/state.h"

/* A peer that is not direct after that will not be: its NAT would forget us. */
#define ALONE_FOR WR_SPAN_S(3)
/* Older hearing tells nothing. */
#define HEARD_FOR WR_SPAN_S(10)

/* --- Telling. --- */

static void tell_candidates(const struct wr_path *path, struct wr_pulse *pulse)
{
	const struct wr_path_own *own = path->config.own;

	for (size_t i = 0; own && i < own->count; i++) {
		pulse->candidates[i].kind = (uint8_t)own->candidates[i].kind;
		pulse->candidates[i].endpoint = own->candidates[i].endpoint;
		pulse->candidate_count++;
	}
}

/* Where the peer was heard last, at most WR_PULSE_HEARD. */
static void tell_heard(const struct wr_path *path, struct wr_instant now, struct wr_pulse *pulse)
{
	struct wr_instant below = WR_NEVER;

	while (pulse->heard_count < WR_PULSE_HEARD) {
		const struct spot *last = NULL;

		for (size_t i = 0; i < path->spot_count; i++) {
			const struct spot *spot = &path->spots[i];

			if (spot->heard.ns < below.ns && is_set(spot->heard) &&
			    !wr_is_past(wr_after(spot->heard, HEARD_FOR), now) &&
			    (!last || spot->heard.ns > last->heard.ns))
				last = spot;
		}
		if (!last)
			return;
		below = last->heard;
		pulse->heard[pulse->heard_count++] = (struct wr_pulse_heard){
			.endpoint = last->endpoint,
			.age_ms = (uint32_t)((now.ns - last->heard.ns) / 1000000) + 1,
		};
	}
}

static uint8_t flags_of(const struct wr_path *path, struct wr_instant now)
{
	unsigned flags = path->is_answer ? 0 : WR_PULSE_ASKS;

	if (!path->config.can_probe)
		flags |= WR_PULSE_FOLLOWS;
	if (path_is_direct(path))
		flags |= WR_PULSE_DIRECT;
	else if (is_set(path->fell) && !wr_is_past(wr_after(path->fell, FELL_FOR), now))
		flags |= WR_PULSE_FELL;
	return (uint8_t)flags;
}

void wr_path_tell(struct wr_path *path, struct wr_instant now, struct wr_pulse *ret_pulse)
{
	*ret_pulse = (struct wr_pulse){ .flags = flags_of(path, now) };
	if (path->round.is_on && path->round.is_ours)
		ret_pulse->round = path->number;
	tell_candidates(path, ret_pulse);
	tell_heard(path, now, ret_pulse);
	wr_meter_stamp(&path->meter, now, ret_pulse);
	if (!path->is_answer && !path->is_visiting)
		watch_asked(path, now);
	path->is_answer = false;
	if (!path->is_visiting)
		path->last_pulse = now;
}

/* --- Being told. --- */

static void take_candidates(struct wr_path *path, const struct wr_pulse *pulse,
			    struct wr_instant now)
{
	struct wr_candidate candidates[WR_PATH_CANDIDATES];

	static_assert(WR_PULSE_CANDIDATES == WR_PATH_CANDIDATES, "as many");
	static_assert(WR_PULSE_KINDS == WR_CANDIDATE_KINDS, "the same");
	for (size_t i = 0; i < pulse->candidate_count; i++) {
		candidates[i].kind = (enum wr_candidate_kind)pulse->candidates[i].kind;
		candidates[i].endpoint = pulse->candidates[i].endpoint;
	}
	if (!spots_set(path, FROM_PULSE, candidates, pulse->candidate_count))
		return;
	path->retries = 0;
	round_join(path, true, now);
}

static bool is_own(const struct wr_path *path, const struct wr_endpoint *ours)
{
	const struct wr_path_own *own = path->config.own;

	for (size_t i = 0; own && i < own->count; i++)
		if (own->candidates[i].kind <= WR_CANDIDATE_GLOBAL &&
		    wr_endpoint_equal_remote(&own->candidates[i].endpoint, ours))
			return true;
	return false;
}

/* While direct, the address tells by which of two ways something came: only where it is one of
 * this host's own, no NAT is between, and the way is the better one that is looked for. */
void wr_path_confirmed(struct wr_path *path, const struct wr_endpoint *ours,
		       struct wr_instant since, struct wr_instant now)
{
	struct wr_instant *confirmed = &path->round.confirmed[ours->ip.family == WR_IPV6];

	(void)now;
	if (!path->round.is_on)
		return;
	if (path_is_direct(path) && !is_own(path, ours))
		return;
	*confirmed = later(*confirmed, since);
}

static void take_heard(struct wr_path *path, const struct wr_pulse *pulse, struct wr_instant said,
		       struct wr_instant now)
{
	for (size_t i = 0; i < pulse->heard_count; i++) {
		uint64_t age = (uint64_t)pulse->heard[i].age_ms * 1000000;
		struct wr_instant since = { said.ns > age ? said.ns - age : 0 };

		wr_path_confirmed(path, &pulse->heard[i].endpoint, since, now);
	}
}

/* The peer gave its way here up, or knows nothing of it: then it probably is none. */
static void leave_direct(struct wr_path *path, struct wr_instant now)
{
	if (!path_is_direct(path))
		return;
	path_go_relayed(path, WR_PATH_REASON_LOST, now);
	path_retry_later(path, now);
}

static void take_round(struct wr_path *path, const struct wr_pulse *pulse, struct wr_instant now)
{
	if (pulse->round == 0 || pulse->round == path->joined)
		return;
	path->joined = pulse->round;
	if (!(pulse->flags & WR_PULSE_DIRECT))
		leave_direct(path, now);
	round_join(path, false, now);
}

/* Both are direct, or none. */
static void take_loneliness(struct wr_path *path, bool is_other_direct, struct wr_instant now)
{
	if (is_other_direct)
		path->alone_since = (struct wr_instant){ 0 };
	else if (!is_set(path->alone_since))
		path->alone_since = now;
	else if (path_is_direct(path) && wr_is_past(wr_after(path->alone_since, ALONE_FOR), now))
		leave_direct(path, now);
}

static void take_flags(struct wr_path *path, const struct wr_pulse *pulse, struct wr_instant now)
{
	if (pulse->flags & WR_PULSE_ASKS) {
		path->has_answer = true;
		path->last_asked = now;
	}
	if (pulse->flags & WR_PULSE_FELL)
		leave_direct(path, now);
	take_loneliness(path, pulse->flags & WR_PULSE_DIRECT, now);
	if (pulse->flags & WR_PULSE_DIRECT && path->round.is_on && !path_is_direct(path))
		path->round.is_joined = true;
}

void wr_path_told(struct wr_path *path, const struct wr_pulse *pulse, struct wr_instant now)
{
	struct wr_meter_news news;

	if (!wr_meter_take(&path->meter, pulse, now, &news))
		return;
	path->last_told = path->last_heard = now;
	path->does_peer_follow = pulse->flags & WR_PULSE_FOLLOWS;
	path->is_by_pulses = !path->config.can_probe || path->does_peer_follow;
	if (news.is_other_life) {
		path->joined = 0;
		if (!(pulse->flags & WR_PULSE_DIRECT))
			leave_direct(path, now);
		path_retry_soon(path, now);
	}
	take_candidates(path, pulse, now);
	if (news.has_echo) {
		alone_answered(path, news.echo_sent, now);
		watch_echoed(path, news.echo_sent);
		take_heard(path, pulse, news.said, now);
	}
	take_flags(path, pulse, now);
	take_round(path, pulse, now);
}
