/* A path that is used is watched: pulses ask for answers while data flow. */
#include "path/state.h"

/* Data are "flowing" for that long after the last. */
#define BUSY_FOR WR_SPAN_S(10)
/* Between pulses: one second; the second side waits longer, so that it mostly answers only. */
#define PULSE_EVERY WR_SPAN_MS(1000)
#define PULSE_EVERY_SECOND WR_SPAN_MS(1250)
#define PULSE_EVERY_RELAYED WR_SPAN_S(5)
#define ASK_AGAIN_RELAYED WR_SPAN_S(1)
/* One pulse was not answered: ask more often, then believe it. Of four, at a loss of 10 % each
 * way, one in 800 such judgements is wrong, and costs nothing but a round. */
#define ASK_AGAIN WR_SPAN_MS(500)
#define UNANSWERED 4
#define VERDICT WR_SPAN_MS(2000)
/* There is a sign that it is gone: another source address, a change of this host's network. */
#define ASK_AGAIN_DOUBTED WR_SPAN_MS(200)
#define UNANSWERED_DOUBTED 3
#define VERDICT_DOUBTED WR_SPAN_MS(600)
/* Each pulse tells what came, and there is one each second. */
#define SILENCE WR_SPAN_MS(1500)
#define PATIENCE_MAX WR_SPAN_MS(2000)
#define PATIENCE_UNKNOWN WR_SPAN_MS(500)
/* RFC 4787 REQ-5 wants two minutes, many NATs forget after 30 s: before that, what is idle goes
 * back to the relay, whose mapping is kept, and comes again with the next data. */
#define COLD WR_SPAN_S(25)
/* The peer's traffic comes from another address than ours goes to. */
#define ELSEWHERE_COUNT 5
#define ELSEWHERE_FOR_SECOND WR_SPAN_S(3)
#define ELSEWHERE_FOR_FIRST WR_SPAN_S(8)
#define ELSEWHERE_FORGET WR_SPAN_S(2)

/* After the first. */
static const struct wr_span upgrades[] = {
	{ 30000000000 },
	{ 300000000000 },
	{ 3600000000000 },
};

/* What is due then, but only while data flow. */
struct wr_instant watch_if_busy(const struct wr_path *path, struct wr_instant due)
{
	due = later(due, path->last_sent);
	if (!is_set(path->last_sent) || wr_is_past(wr_after(path->last_sent, BUSY_FOR), due))
		return WR_NEVER;
	return due;
}

static struct wr_span patience(const struct wr_path *path)
{
	struct wr_span span = wr_meter_patience(&path->meter, PATIENCE_UNKNOWN);

	return span.ns < PATIENCE_MAX.ns ? span : PATIENCE_MAX;
}

/* --- Pulses. --- */

static struct wr_span pulse_every(const struct wr_path *path)
{
	if (!path_is_direct(path))
		return PULSE_EVERY_RELAYED;
	return path->config.is_first ? PULSE_EVERY : PULSE_EVERY_SECOND;
}

/* Our answers go somewhere, but the peer's pulses do not say that they come. */
static struct wr_instant silence_at(const struct wr_path *path)
{
	return wr_after(wr_after(path->last_echo, SILENCE), patience(path));
}

/* That it is asked again until it answers: while direct, and when it is told that we are not any
 * more. */
static bool is_telling(const struct wr_path *path)
{
	if (!path->unanswered)
		return false;
	return path_is_direct(path) ||
	       (is_set(path->fell) &&
		!wr_is_past(wr_after(path->fell, FELL_FOR), path->waiting_last));
}

static struct wr_instant next_pulse(const struct wr_path *path)
{
	struct wr_instant due;

	if (is_telling(path))
		return wr_after(path->waiting_last,
				path->is_doubted ? ASK_AGAIN_DOUBTED : ASK_AGAIN);
	if (!is_set(path->last_pulse))
		return watch_if_busy(path, path->last_pulse);
	due = wr_after(path->last_pulse, pulse_every(path));
	if (path->unanswered)
		due = wr_sooner(due, wr_after(path->waiting_last, ASK_AGAIN_RELAYED));
	if (path_is_direct(path))
		due = wr_sooner(due, silence_at(path));
	return watch_if_busy(path, due);
}

void watch_asked(struct wr_path *path, struct wr_instant now)
{
	if (path->unanswered == 0)
		path->waiting_since = now;
	path->waiting_last = now;
	if (path->unanswered < UINT8_MAX)
		path->unanswered++;
}

void watch_echoed(struct wr_path *path, struct wr_instant sent)
{
	/* Times in pulses are whole microseconds. */
	struct wr_instant least = later(path->switched, path->waiting_since);

	if (sent.ns + 1000 < least.ns)
		return;
	path->unanswered = 0;
	path->last_echo = sent;
	path->is_doubted = false;
	if (path->state == WR_PATH_SUSPECT)
		path->state = WR_PATH_DIRECT;
}

/* --- Where the peer is heard besides. --- */

void watch_heard(struct wr_path *path, const struct wr_endpoint *from, struct wr_instant now)
{
	bool is_same = path->elsewhere_count && wr_endpoint_equal_remote(&path->elsewhere, from) &&
		       !wr_is_past(wr_after(path->elsewhere_last, ELSEWHERE_FORGET), now);

	if (!is_same) {
		path->elsewhere = *from;
		path->elsewhere_first = now;
		path->elsewhere_count = 0;
		/* Does the peer still hear us where it was? */
		path->is_doubted = true;
		path->has_ask |= wr_is_past(wr_after(path->last_pulse, ASK_AGAIN_DOUBTED), now);
	}
	path->elsewhere_last = now;
	if (path->elsewhere_count < UINT8_MAX)
		path->elsewhere_count++;
}

/* The peer moved: it is heard there, and does not answer here. Or its traffic comes from there all
 * the time: both sides are to keep the same pair of addresses open in all NATs, so the second one
 * goes along; and the first one, where that does not help, for the peer's NAT answers from there.
 */
static bool has_moved(const struct wr_path *path, struct wr_instant now)
{
	struct wr_span wait = { ASK_AGAIN_DOUBTED.ns + patience(path).ns };
	struct wr_span long_enough = path_leads(path) ? ELSEWHERE_FOR_FIRST : ELSEWHERE_FOR_SECOND;

	if (!path->elsewhere_count || path->round.is_on)
		return false;
	if (path->unanswered && path->elsewhere_last.ns >= path->waiting_since.ns &&
	    wr_is_past(wr_after(path->waiting_since, wait), now))
		return true;
	return path->elsewhere_count >= ELSEWHERE_COUNT &&
	       path->elsewhere_last.ns >= wr_after(path->elsewhere_first, long_enough).ns;
}

/* --- The verdict. --- */

static struct wr_instant verdict_at(const struct wr_path *path)
{
	struct wr_span wait = path->is_doubted ? VERDICT_DOUBTED : VERDICT;
	uint8_t least = path->is_doubted ? UNANSWERED_DOUBTED : UNANSWERED;

	if (path->unanswered < least)
		return WR_NEVER;
	wait.ns += patience(path).ns;
	return wr_after(path->waiting_since, wait);
}

static struct wr_instant cold_at(const struct wr_path *path)
{
	struct wr_instant last = later(later(path->last_sent, path->last_asked), path->switched);

	return has_address(&path->relay) ? wr_after(last, COLD) : WR_NEVER;
}

static struct wr_instant upgrade_at(const struct wr_path *path)
{
	bool may = spots_has_better(path) && !path->round.is_on && !path->is_wished;

	return may ? watch_if_busy(path, path->upgrade_after) : WR_NEVER;
}

static void upgrade(struct wr_path *path, struct wr_instant now)
{
	/* Where trying costs packets, it is done less often. */
	size_t at = path->upgrades + path->is_by_pulses;

	at = at < WR_ARRAY_LEN(upgrades) ? at : WR_ARRAY_LEN(upgrades) - 1;
	if (path->upgrades < WR_ARRAY_LEN(upgrades))
		path->upgrades++;
	path->upgrade_after = wr_after(now, upgrades[at]);
	round_wish(path, true, now);
}

static void fall(struct wr_path *path, struct wr_instant now)
{
	path->fell = now;
	path_go_relayed(path, WR_PATH_REASON_LOST, now);
	path_retry_later(path, now);
	path->has_ask = true; /* the peer is to know */
}

static void go_along(struct wr_path *path, struct wr_instant now)
{
	struct spot *spot = spots_hear(path, &path->elsewhere, path->elsewhere_last);

	path->elsewhere_count = 0;
	if (spot)
		path_go_direct(path, spot, now);
}

static void advance_direct(struct wr_path *path, struct wr_instant now)
{
	if (has_moved(path, now))
		go_along(path, now);
	if (path->unanswered && path->state == WR_PATH_DIRECT &&
	    wr_is_past(wr_after(path->waiting_since, patience(path)), now) && path->unanswered > 1)
		path->state = WR_PATH_SUSPECT;
	if (wr_is_past(cold_at(path), now)) {
		path_go_relayed(path, WR_PATH_REASON_NOT_TRIED, now);
		path_retry_soon(path, now);
	} else if (wr_is_past(verdict_at(path), now)) {
		fall(path, now);
	} else if (wr_is_past(upgrade_at(path), now)) {
		upgrade(path, now);
	}
}

void watch_advance(struct wr_path *path, struct wr_instant now)
{
	if (path_is_direct(path))
		advance_direct(path, now);
	if (!wr_is_past(next_pulse(path), now))
		return;
	path->has_ask = true;
	if (path_is_direct(path) && path->last_told.ns > path->last_echo.ns &&
	    wr_is_past(silence_at(path), now))
		path->is_doubted = true;
}

struct wr_instant watch_deadline(const struct wr_path *path)
{
	struct wr_instant soonest = next_pulse(path);
	struct wr_span moved = { ASK_AGAIN_DOUBTED.ns + patience(path).ns };

	if (!path_is_direct(path))
		return soonest;
	if (path->elsewhere_count && path->unanswered && !path->round.is_on &&
	    path->elsewhere_last.ns >= path->waiting_since.ns)
		soonest = wr_sooner(soonest, wr_after(path->waiting_since, moved));
	soonest = wr_sooner(soonest, cold_at(path));
	soonest = wr_sooner(soonest, verdict_at(path));
	return wr_sooner(soonest, upgrade_at(path));
}
