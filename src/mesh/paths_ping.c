/* Pings: a pulse of their own, and how long its answer takes. */
#include <errno.h>
#include <stdlib.h>

#include "linux/clock.h"
#include "mesh/paths_parts.h"

#define PINGS_MAX 256
#define AGAIN_FIRST WR_SPAN_MS(250)
#define AGAIN WR_SPAN_S(1)
/* WireGuard paper, section 6.1: after that there is no session. */
#define SESSION_LIFE WR_SPAN_S(180)

/* Told by the timer: this is within what received it. */
static void finish(struct ping *ping, int error)
{
	ping->member = NULL;
	ping->error = error;
	ping->end = (struct wr_instant){ 0 };
}

void pings_answered(struct member *member, const struct wr_pulse *pulse)
{
	struct wr_path_sight sight;

	wr_path_look(member->path, &sight);
	for (struct ping *ping = member->paths->pings; ping; ping = ping->next) {
		if (ping->member != member || !ping->is_sent || pulse->received < ping->sequence ||
		    !sight.trip_us)
			continue;
		ping->latency_us = sight.trip_us;
		finish(ping, 0);
	}
}

static int timeout_of(const struct ping *ping, struct wr_instant now)
{
	struct wr_instant shook = ping->member->shook;

	return shook.ns && !wr_is_past(wr_after(shook, SESSION_LIFE), now) ? -ETIMEDOUT
									   : -ENETUNREACH;
}

static void end_one(struct wr_paths *paths, struct ping **at, struct wr_instant now)
{
	struct ping *ping = *at;

	if (ping->member)
		finish(ping, timeout_of(ping, now));
	*at = ping->next;
	paths->ping_count--;
	ping->ponged(ping->context, ping->error, ping->latency_us);
	free(ping);
}

/* Again until it is answered: the first may come before the endpoint, or be lost. */
static void send_one(struct ping *ping, struct wr_instant now)
{
	uint32_t sequence;

	if (!ping->member || !wr_is_past(ping->again, now))
		return;
	paths_send_pulse(ping->member, now, true, &sequence);
	ping->again = wr_after(now, ping->is_sent ? AGAIN : AGAIN_FIRST);
	if (!ping->is_sent)
		ping->sequence = sequence;
	ping->is_sent = true;
}

void pings_run(struct wr_paths *paths, struct wr_instant now)
{
	struct ping **at = &paths->pings;

	while (*at) {
		if (!wr_is_past((*at)->end, now)) {
			if (paths->config.backend)
				send_one(*at, now);
			at = &(*at)->next;
			continue;
		}
		end_one(paths, at, now);
		/* It may have begun others. */
		at = &paths->pings;
	}
}

struct wr_instant pings_deadline(const struct wr_paths *paths)
{
	struct wr_instant soonest = WR_NEVER;

	for (const struct ping *ping = paths->pings; ping; ping = ping->next) {
		soonest = wr_sooner(soonest, ping->end);
		if (ping->member && paths->config.backend)
			soonest = wr_sooner(soonest, ping->again);
	}
	return soonest;
}

void pings_forget(struct wr_paths *paths, struct member *member, int error)
{
	for (struct ping *ping = paths->pings; ping; ping = ping->next) {
		if (ping->member == member)
			finish(ping, error);
	}
}

static void begin(struct wr_paths *paths, struct ping *ping, const char *uid,
		  struct wr_span timeout, bool is_quiet)
{
	struct wr_instant now = wr_clock_now();

	ping->member = paths_find_uid(paths, uid);
	if (!ping->member || paths->ping_count > PINGS_MAX) {
		finish(ping, ping->member ? -EBUSY : -ENOENT);
		return;
	}
	ping->end = wr_after(now, timeout);
	if (!is_quiet)
		wr_path_sent(ping->member->path, now);
	paths_wake(ping->member);
}

static void add(struct wr_paths *paths, const char *uid, struct wr_span timeout, bool is_quiet,
		void (*ponged)(void *context, int error, uint32_t latency_us), void *context)
{
	struct ping *ping = calloc(1, sizeof(*ping));

	if (!ping)
		abort(); /* as a request's memory that cannot be had: docs/architecture.md */
	ping->ponged = ponged;
	ping->context = context;
	ping->next = paths->pings;
	paths->pings = ping;
	paths->ping_count++;
	begin(paths, ping, uid, timeout, is_quiet);
	paths_arm(paths);
}

void wr_paths_ping(struct wr_paths *paths, const char *uid, struct wr_span timeout,
		   void (*ponged)(void *context, int error, uint32_t latency_us), void *context)
{
	add(paths, uid, timeout, false, ponged, context);
}

void wr_paths_ping_quietly(struct wr_paths *paths, const char *uid, struct wr_span timeout,
			   void (*ponged)(void *context, int error, uint32_t latency_us),
			   void *context)
{
	add(paths, uid, timeout, true, ponged, context);
}
