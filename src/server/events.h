/* The hub of event streams: what happened goes to those who listen, each to one
 * organisation or to all (server-sent events, WHATWG HTML section 9.2).
 *
 * Floor 8.  On the thread of its loop. Keeps the last events, so that who was away for a
 * moment misses none; who reads too slowly is ended, and comes back with Last-Event-ID. */
#pragma once

#include <uv.h>

#include "base/base.h"
#include "http/server.h"

#define WR_EVENTS_KEPT 1000
#define WR_EVENTS_READERS 1000 /* more are refused */
#define WR_EVENT_LEN 16384     /* of one event; a longer one is dropped, with a log line */

struct wr_events;

/* Who listens, and to what: told again to those who end streams. */
struct wr_events_reader {
	int64_t org;        /* row; 0: to all organisations and to what belongs to none */
	int kind;           /* enum wr_caller_kind */
	int64_t user;       /* row; 0: none */
	int64_t credential; /* row of the session or token; 0: none */
};

/* 0, or a negative errno. Starts a timer on the loop: a comment line every 15 s. */
int wr_events_open(uv_loop_t *loop, struct wr_events **ret_events) WR_MUST_CHECK;
/* Ends all streams; then the loop has to run until `closed` was called. */
void wr_events_close(struct wr_events *events, void (*closed)(void *context), void *context);

/* Makes the request's answer a stream of what `reader` listens to. `last_id` is Last-Event-ID or
 * NULL: kept events after it are sent first, behind an event "events.lost" if some were
 * not kept any more. 0: the request is answered. -EBUSY: too many listen, answer it in
 * another way (503). */
int wr_events_subscribe(struct wr_events *events, struct wr_http_request *request,
			const struct wr_events_reader *reader, const char *last_id) WR_MUST_CHECK;
/* To those who listen to the organisation (0: to none of them), and to those who listen to
 * all. `type` is a word ("machine.added"), `data` a JSON text; both are copied. */
void wr_events_publish(struct wr_events *events, int64_t org, const char *type, const char *data);
/* Ends the streams for which `is_ended` says so: a token was revoked, a user lost a role,
 * an organisation was removed. */
void wr_events_end(struct wr_events *events,
		   bool (*is_ended)(void *context, const struct wr_events_reader *reader),
		   void *context);

struct wr_events_numbers {
	size_t readers;
	uint64_t published;
	uint64_t ended_slow; /* streams that were ended because they were not read */
};
void wr_events_count(const struct wr_events *events, struct wr_events_numbers *ret_numbers);
