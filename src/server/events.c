#include "server/events.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/number.h"
#include "linux/clock.h"

/* Proxies give up on who says nothing for 30 to 60 s. */
#define COMMENT_MS 15000
/* So much of what was missed is told at once; the stream must have room for it. */
#define BACKLOG_LEN (96 << 10)

struct event {
	uint64_t id; /* 0: none yet */
	int64_t org;
	char *text; /* as it is sent */
	size_t len;
};

struct reader {
	struct wr_events *events;
	struct reader *next, *prev;
	struct wr_events_reader about;
	struct wr_http_stream *stream;
};

struct wr_events {
	uv_timer_t timer;
	struct event kept[WR_EVENTS_KEPT]; /* by id modulo its length */
	uint64_t first_id;                 /* since the start */
	uint64_t next_id;
	struct reader *readers;
	struct wr_events_numbers numbers;
	void (*closed)(void *context);
	void *closed_context;
};

/* --- Readers. --- */

static void forget(struct reader *reader)
{
	struct wr_events *events = reader->events;

	if (reader->next)
		reader->next->prev = reader->prev;
	if (reader->prev)
		reader->prev->next = reader->next;
	else
		events->readers = reader->next;
	events->numbers.readers--;
	free(reader);
}

static void on_ended(void *context)
{
	forget(context);
}

static void end(struct reader *reader)
{
	wr_http_stream_end(reader->stream);
	forget(reader);
}

/* Returns false, and has ended it, if it is too slow. */
static bool tell(struct reader *reader, const char *text, size_t len)
{
	if (wr_http_stream_send(reader->stream, text, len))
		return true;
	reader->events->numbers.ended_slow++;
	end(reader);
	return false;
}

static void tell_all(struct wr_events *events, const struct event *event)
{
	struct reader *next;

	for (struct reader *reader = events->readers; reader; reader = next) {
		next = reader->next;
		if (!reader->about.org || reader->about.org == event->org)
			tell(reader, event->text, event->len);
	}
}

static void on_comment_due(uv_timer_t *timer)
{
	struct wr_events *events = timer->data;
	struct reader *next;

	for (struct reader *reader = events->readers; reader; reader = next) {
		next = reader->next;
		tell(reader, ":\n\n", 3);
	}
}

/* --- Open and close. --- */

/* Later starts have greater numbers, so that who comes back is not told old ones as new. */
static uint64_t first_id(void)
{
	return wr_clock_wall().ns / 1000;
}

int wr_events_open(uv_loop_t *loop, struct wr_events **ret_events)
{
	struct wr_events *events = calloc(1, sizeof(*events));
	int status;

	if (!events)
		return -ENOMEM;
	status = uv_timer_init(loop, &events->timer);
	if (status) {
		free(events);
		return status;
	}
	events->first_id = events->next_id = first_id();
	events->timer.data = events;
	uv_timer_start(&events->timer, on_comment_due, COMMENT_MS, COMMENT_MS);
	*ret_events = events;
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct wr_events *events = handle->data;
	void (*closed)(void *context) = events->closed;
	void *context = events->closed_context;

	for (size_t i = 0; i < WR_EVENTS_KEPT; i++)
		free(events->kept[i].text);
	free(events);
	closed(context);
}

void wr_events_close(struct wr_events *events, void (*closed)(void *context), void *context)
{
	while (events->readers)
		end(events->readers);
	events->closed = closed;
	events->closed_context = context;
	uv_close((uv_handle_t *)&events->timer, on_closed);
}

/* --- Publishing. --- */

static struct event *place_of(struct wr_events *events, uint64_t id)
{
	return &events->kept[id % WR_EVENTS_KEPT];
}

void wr_events_publish(struct wr_events *events, int64_t org, const char *type, const char *data)
{
	struct event event = { .id = events->next_id, .org = org };
	int len = asprintf(&event.text, "id: %" PRIu64 "\nevent: %s\ndata: %s\n\n", event.id, type,
			   data);

	/* Lines are the format's. */
	assert(!strpbrk(type, "\r\n") && !strpbrk(data, "\r\n"));
	if (len < 0)
		return;
	if (len > WR_EVENT_LEN) {
		wr_log_error("events: type=%s len=%d error=\"too long\"", type, len);
		free(event.text);
		return;
	}
	event.len = (size_t)len;
	free(place_of(events, event.id)->text);
	*place_of(events, event.id) = event;
	events->next_id++;
	events->numbers.published++;
	tell_all(events, &event);
}

/* --- Listening. --- */

static bool is_for(const struct event *event, const struct wr_events_reader *about)
{
	return !about->org || about->org == event->org;
}

static uint64_t oldest_id(const struct wr_events *events)
{
	return events->next_id - events->first_id > WR_EVENTS_KEPT
		       ? events->next_id - WR_EVENTS_KEPT
		       : events->first_id;
}

/* From which on the events that are not older than `from` are few enough to be told. */
static uint64_t bounded_start(struct wr_events *events, const struct wr_events_reader *about,
			      uint64_t from)
{
	uint64_t id = events->next_id;
	size_t len = 0;

	while (id > from) {
		const struct event *event = place_of(events, id - 1);

		if (is_for(event, about))
			len += event->len;
		if (len > BACKLOG_LEN)
			break;
		id--;
	}
	return id;
}

static bool tell_lost(struct reader *reader)
{
	static const char text[] = "event: events.lost\ndata: {\"type\":\"events.lost\"}\n\n";

	return tell(reader, text, sizeof(text) - 1);
}

static void tell_missed(struct reader *reader, uint64_t last_id)
{
	struct wr_events *events = reader->events;
	uint64_t oldest = oldest_id(events);
	bool is_known = last_id + 1 >= oldest && last_id < events->next_id;
	uint64_t wanted = is_known ? last_id + 1 : oldest;
	uint64_t id = bounded_start(events, &reader->about, wanted);

	if ((!is_known || id > wanted) && !tell_lost(reader))
		return;
	for (; id < events->next_id; id++) {
		const struct event *event = place_of(events, id);

		if (is_for(event, &reader->about) && !tell(reader, event->text, event->len))
			return;
	}
}

static struct reader *add_reader(struct wr_events *events, const struct wr_events_reader *about)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return NULL;
	reader->events = events;
	reader->about = *about;
	reader->next = events->readers;
	if (reader->next)
		reader->next->prev = reader;
	events->readers = reader;
	events->numbers.readers++;
	return reader;
}

int wr_events_subscribe(struct wr_events *events, struct wr_http_request *request,
			const struct wr_events_reader *about, const char *last_id)
{
	/* How soon a browser comes back. */
	static const char greeting[] = "retry: 2000\n\n";
	struct reader *reader;
	uint64_t id = 0;
	bool has_id = last_id && wr_number_parse(last_id, strlen(last_id), UINT64_MAX - 1, &id);

	if (events->numbers.readers >= WR_EVENTS_READERS)
		return -EBUSY;
	reader = add_reader(events, about);
	if (!reader)
		return -EBUSY;
	reader->stream = wr_http_stream_begin(request, on_ended, reader);
	if (!reader->stream) {
		forget(reader);
		return -EBUSY;
	}
	if (tell(reader, greeting, sizeof(greeting) - 1) && has_id)
		tell_missed(reader, id);
	return 0;
}

void wr_events_end(struct wr_events *events,
		   bool (*is_ended)(void *context, const struct wr_events_reader *reader),
		   void *context)
{
	struct reader *next;

	for (struct reader *reader = events->readers; reader; reader = next) {
		next = reader->next;
		if (is_ended(context, &reader->about))
			end(reader);
	}
}

void wr_events_count(const struct wr_events *events, struct wr_events_numbers *ret_numbers)
{
	*ret_numbers = events->numbers;
}
