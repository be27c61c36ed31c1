/* A round of probes: both sides send to all addresses of the other at the same time, so that each
 * NAT sees its own side's packet first; then each side tells the other where it heard it.
 *
 * The best spot that was heard is the nominee. Traffic goes there when the other side says that
 * it heard us directly after we had stopped probing every other spot: so it was by this way. */
#include "path/state.h"

/* In steps that a NAT and a round trip between continents may need. RFC 8445 section 14 sends
 * each 50 ms; ours are few, for a NAT's table is small. */
static const struct wr_span bursts[] = {
	{ 0 }, { 200000000 }, { 500000000 }, { 1000000000 }, { 1500000000 },
};
/* Of WR_PATH_PROBES, kept for checks of what was heard. */
#define RESERVE 8
#define SPAN WR_SPAN_MS(2500)
#define SPAN_MAX WR_SPAN_MS(4500)
/* What is sent while the endpoint is elsewhere may be lost. */
#define BURSTS_BY_PULSES 3
/* Between the beginnings of two rounds. */
#define GAP WR_SPAN_S(1)
/* A better spot may be heard a little later than the first. */
#define GRACE WR_SPAN_MS(150)
#define CHECK_EVERY WR_SPAN_MS(100)
/* What was sent to another spot before this has come, or will not. */
#define GUARD WR_SPAN_MS(200)
#define JOINED_FOR WR_SPAN_S(2)
/* A nominee that does not hear us is given up for the next. */
#define IN_VAIN WR_SPAN_MS(900)
/* Rounds that the peer asks for: JOINS at once, then one each JOIN_EVERY. */
#define JOINS 6
#define JOIN_EVERY WR_SPAN_S(4)

static struct wr_span twice_latency(const struct wr_path *path)
{
	return WR_SPAN_MS(path->meter.latency_us / 500);
}

static struct wr_instant end_of(const struct wr_path *path)
{
	struct wr_span span = { SPAN.ns + twice_latency(path).ns };

	return wr_after(path->round.begun, span.ns < SPAN_MAX.ns ? span : SPAN_MAX);
}

/* --- Beginning. --- */

void round_wish(struct wr_path *path, bool is_ours, struct wr_instant now)
{
	(void)now;
	path->is_wished = true;
	path->is_wish_ours |= is_ours;
}

static struct wr_instant next_begin(const struct wr_path *path)
{
	return path->rounds ? wr_after(path->round.begun, GAP) : (struct wr_instant){ 0 };
}

/* True, and one is taken, if the peer has not asked too often. */
static bool may_join(struct wr_path *path, struct wr_instant now)
{
	struct wr_instant full = later(path->join_full, now);

	if (full.ns - now.ns > times(JOIN_EVERY, JOINS - 1).ns)
		return false;
	path->join_full = wr_after(full, JOIN_EVERY);
	return true;
}

void round_join(struct wr_path *path, bool is_ours, struct wr_instant now)
{
	bool is_young = path->round.is_on && !wr_is_past(next_begin(path), now);

	if (path->config.may_be_direct && path_has_session(path, now) && !path->is_wished &&
	    !is_young && may_join(path, now))
		round_wish(path, is_ours, now);
}

static void begin(struct wr_path *path, struct wr_instant now)
{
	path->round = (struct round){ .is_on = true, .is_ours = path->is_wish_ours, .begun = now };
	path->is_wished = path->is_wish_ours = false;
	path->rounds++;
	path->number += path->round.is_ours;
	path->number += path->number == 0;
	path->to_probe = 0;
	path->has_ask = true;
	path->elsewhere_count = 0;
	for (size_t i = 0; i < path->spot_count; i++)
		path->spots[i].is_in_vain = false;
	if (!path_is_direct(path))
		path->state = WR_PATH_PROBING;
}

/* --- Its end. --- */

static bool was_confirmed(const struct wr_path *path)
{
	return later(path->round.confirmed[0], path->round.confirmed[1]).ns >= path->round.begun.ns;
}

static enum wr_path_reason reason_of(const struct wr_path *path)
{
	if (is_set(path->round.first_heard) || was_confirmed(path))
		return WR_PATH_REASON_ONE_WAY;
	return path->spot_count ? WR_PATH_REASON_SILENT : WR_PATH_REASON_NO_CANDIDATES;
}

void round_end(struct wr_path *path, struct wr_instant now)
{
	(void)now;
	path->round.is_on = false;
	path->round.nominee = NULL;
	path->to_probe = 0;
	if (path->state == WR_PATH_PROBING)
		path->state = has_address(&path->relay) ? WR_PATH_RELAYED : WR_PATH_NONE;
}

static void fail(struct wr_path *path, struct wr_instant now)
{
	if (!path_is_direct(path)) {
		path->reason = reason_of(path);
		path_retry_later(path, now);
	}
	round_end(path, now);
}

/* --- The nominee. --- */

/* While direct only what is better, and the first side chooses: the second goes along. */
static bool is_wanted(const struct wr_path *path, const struct spot *spot)
{
	if (spot->is_in_vain || spot->heard.ns < path->round.begun.ns)
		return false;
	return !path_is_direct(path) ||
	       (path_leads(path) && spot->kind < path->kind && spot->kind <= WR_CANDIDATE_GLOBAL);
}

static struct spot *best_heard(struct wr_path *path)
{
	struct spot *best = NULL;

	for (size_t i = 0; i < path->spot_count; i++) {
		struct spot *spot = &path->spots[i];

		if (!is_wanted(path, spot))
			continue;
		if (!best || (path->round.is_joined && spot->heard.ns > best->heard.ns))
			best = spot;
	}
	return best;
}

static void nominate(struct wr_path *path, struct wr_instant now)
{
	struct round *round = &path->round;
	struct spot *best = best_heard(path);

	if (!best || best == round->nominee)
		return;
	if (best->kind != path->spots[0].kind && !round->is_joined &&
	    !wr_is_past(wr_after(round->first_heard, GRACE), now))
		return;
	round->nominee = best;
	round->nominated = round->next_check = now;
	path->to_probe = 0;
}

static void give_up_nominee(struct wr_path *path, struct wr_instant now)
{
	struct round *round = &path->round;
	struct wr_span patience = { IN_VAIN.ns + twice_latency(path).ns };

	if (!round->nominee || !wr_is_past(wr_after(round->nominated, patience), now))
		return;
	round->nominee->is_in_vain = true;
	round->nominee = NULL;
}

/* When we last sent to another spot of that family. */
static struct wr_instant last_other(const struct wr_path *path, const struct spot *spot)
{
	struct wr_instant last = { 0 };

	for (size_t i = 0; i < path->spot_count; i++) {
		const struct spot *other = &path->spots[i];

		if (other != spot && other->endpoint.ip.family == spot->endpoint.ip.family &&
		    other->probed.ns >= path->round.begun.ns)
			last = later(last, other->probed);
	}
	return last;
}

static bool is_both_ways(const struct wr_path *path, const struct spot *spot, struct wr_instant now)
{
	struct wr_instant since = path->round.confirmed[spot->endpoint.ip.family == WR_IPV6];
	struct wr_instant other = last_other(path, spot);

	/* Nothing is to be lost. */
	if (alone_may_go(path, now))
		return true;
	/* The peer made sure of its way here before it went direct: this is the way back. It heard
	 * us until then; what a pulse tells of the time is late by what the relay takes longer. */
	if (path->round.is_joined)
		return is_set(since) && wr_after(since, JOINED_FOR).ns >= path->round.begun.ns;
	if (since.ns < path->round.begun.ns)
		return false;
	return !is_set(other) || since.ns >= wr_after(other, GUARD).ns;
}

/* --- Probing. --- */

static size_t burst_limit(const struct wr_path *path)
{
	size_t each = spots_usable(path);

	if (!each)
		return 1; /* the peer is asked all the same: it may reach us */
	if (path->is_by_pulses)
		return BURSTS_BY_PULSES;
	return (WR_PATH_PROBES - RESERVE) / each;
}

static bool is_worth(const struct wr_path *path, const struct spot *spot)
{
	if (!path_is_direct(path))
		return true;
	if (wr_endpoint_equal_remote(&spot->endpoint, &path->endpoint))
		return false;
	return spot->kind <= WR_CANDIDATE_GLOBAL &&
	       (!path->round.is_ours || spot->kind < path->kind);
}

static struct wr_instant next_burst(const struct wr_path *path)
{
	size_t count = path->round.bursts;

	if (count >= WR_ARRAY_LEN(bursts) || count >= burst_limit(path))
		return WR_NEVER;
	return wr_after(path->round.begun, bursts[count]);
}

static void burst(struct wr_path *path)
{
	path->round.bursts++;
	path->has_ask = true;
	for (size_t i = 0; i < spots_usable(path); i++)
		if (is_worth(path, &path->spots[i]))
			path->to_probe |= (uint16_t)(1u << i);
}

static uint16_t bit_of(const struct wr_path *path, const struct spot *spot)
{
	return (uint16_t)(1u << (spot - path->spots));
}

static void check(struct wr_path *path, struct wr_instant now)
{
	struct round *round = &path->round;

	round->next_check = wr_after(now, CHECK_EVERY);
	if (round->probes < WR_PATH_PROBES)
		path->to_probe |= bit_of(path, round->nominee);
	path->has_ask = true;
}

/* RFC 8445 section 7.3.1.4: whoever is heard is sent to at once, for what we sent before may
 * have come too early. */
void round_heard(struct wr_path *path, struct spot *spot, struct wr_instant now)
{
	struct round *round = &path->round;

	if (!is_wanted(path, spot))
		return;
	if (!is_set(round->first_heard))
		round->first_heard = now;
	if (round->nominee && round->nominee != spot)
		return; /* what comes there is to be by the nominee only */
	if (round->probes < WR_PATH_PROBES && wr_is_past(wr_after(spot->probed, CHECK_EVERY), now))
		path->to_probe |= bit_of(path, spot);
}

void round_advance(struct wr_path *path, struct wr_instant now)
{
	struct round *round = &path->round;

	if (path->is_wished && wr_is_past(next_begin(path), now))
		begin(path, now);
	if (!round->is_on)
		return;
	if (wr_is_past(end_of(path), now)) {
		fail(path, now);
		return;
	}
	give_up_nominee(path, now);
	nominate(path, now);
	if (round->nominee && is_both_ways(path, round->nominee, now))
		path_go_direct(path, round->nominee, now);
	else if (round->nominee && wr_is_past(round->next_check, now))
		check(path, now);
	else if (!round->nominee && wr_is_past(next_burst(path), now))
		burst(path);
}

struct wr_instant round_deadline(const struct wr_path *path)
{
	const struct round *round = &path->round;
	struct wr_instant soonest = path->is_wished ? next_begin(path) : WR_NEVER;

	if (!round->is_on)
		return soonest;
	soonest = wr_sooner(soonest, end_of(path));
	if (round->nominee)
		return wr_sooner(soonest, round->next_check);
	if (is_set(round->first_heard) &&
	    !wr_is_past(wr_after(round->first_heard, GRACE), path->polled))
		soonest = wr_sooner(soonest, wr_after(round->first_heard, GRACE));
	return wr_sooner(soonest, next_burst(path));
}
