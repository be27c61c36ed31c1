/* Pings: a pulse of their own, and how long its answer takes. */
#include <errno.h>
#include <stdlib.h>

#include "linux/clock.h"
#include "mesh/paths_parts.h"

#define PINGS_MAX 256
/* WireGuard paper, section 6.1: after that there is no session. */
#define SESSION_LIFE WR_SPAN_S(180)

static void end(struct wr_paths *paths, struct ping **at, int error, uint32_t latency_us)
{
	struct ping *ping = *at;

	*at = ping->next;
	paths->ping_count--;
	ping->ponged(ping->context, error, latency_us);
	free(ping);
}

void pings_answered(struct member *member, const struct wr_pulse *pulse, struct wr_instant now)
{
	for (struct ping *ping = member->paths->pings; ping; ping = ping->next) {
		uint64_t us = (now.ns - ping->sent.ns) / 1000;

		if (ping->member != member || pulse->received < ping->sequence ||
		    pulse->received - ping->sequence > INT32_MAX || pulse->held_us > us)
			continue;
		/* Told by the timer: this is within what received it. */
		ping->member = NULL;
		ping->error = (int)(us - pulse->held_us < INT32_MAX ? us - pulse->held_us
								    : INT32_MAX);
		ping->end = (struct wr_instant){ 0 };
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
		end(paths, at, timeout_of(ping, now), 0);
	else if (ping->error < 0)
		end(paths, at, ping->error, 0);
	else
		end(paths, at, 0, (uint32_t)ping->error);
}

void pings_run(struct wr_paths *paths, struct wr_instant now)
{
	struct ping **at = &paths->pings;

	while (*at) {
		if (!wr_is_past((*at)->end, now)) {
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

	for (const struct ping *ping = paths->pings; ping; ping = ping->next)
		soonest = wr_sooner(soonest, ping->end);
	return soonest;
}

void pings_forget(struct wr_paths *paths, struct member *member, int error)
{
	for (struct ping *ping = paths->pings; ping; ping = ping->next) {
		if (ping->member != member)
			continue;
		ping->member = NULL;
		ping->error = error;
		ping->end = (struct wr_instant){ 0 };
	}
}

static void begin(struct wr_paths *paths, struct ping *ping, const char *uid,
		  struct wr_span timeout)
{
	struct wr_instant now = wr_clock_now();

	ping->member = paths_find_uid(paths, uid);
	if (!ping->member || paths->ping_count > PINGS_MAX) {
		ping->error = ping->member ? -EBUSY : -ENOENT;
		ping->member = NULL;
		return;
	}
	ping->sent = now;
	ping->end = wr_after(now, timeout);
	paths_send_pulse(ping->member, now, &ping->sequence);
	wr_path_sent(ping->member->path, now);
	paths_wake(ping->member);
}

void wr_paths_ping(struct wr_paths *paths, const char *uid, struct wr_span timeout,
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
	begin(paths, ping, uid, timeout);
	paths_arm(paths);
}
