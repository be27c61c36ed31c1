#include <stdlib.h>

#include "gossip/inside.h"

/* One who is called dead by many objects once, and waits for its new record to get around. */
#define OBJECT_AGAIN WR_SPAN_S(2)

/* --- What became of members and items. --- */

static struct wr_event *push(struct wr_events *events)
{
	if (events->count == events->room) {
		uint32_t room = events->room ? events->room * 2 : 16;
		struct wr_event *all = malloc(room * sizeof(*all));

		if (!all)
			return NULL;
		for (uint32_t i = 0; i < events->count; i++)
			all[i] = events->events[(events->head + i) % events->room];
		free(events->events);
		events->events = all;
		events->room = room;
		events->head = 0;
	}
	return &events->events[(events->head + events->count++) % events->room];
}

void wr_events_add(struct wr_gossip *g, uint32_t id, enum wr_gossip_action action)
{
	struct wr_entry *entry = wr_entry(g, id);
	struct wr_event *event;

	if (entry->flags & WR_ENTRY_TOLD)
		return;
	event = push(&g->events);
	if (!event)
		return;
	entry->flags |= WR_ENTRY_TOLD;
	*event = (struct wr_event){ .action = action, .id = id };
}

void wr_events_add_forgotten(struct wr_gossip *g, uint32_t id)
{
	struct wr_entry *entry = wr_entry(g, id);
	struct wr_event *event;

	for (uint32_t i = 0; entry->flags & WR_ENTRY_TOLD && i < g->events.count; i++) {
		event = &g->events.events[(g->events.head + i) % g->events.room];
		if (event->id == id)
			event->id = 0;
	}
	event = push(&g->events);
	if (event)
		*event = (struct wr_event){
			.action = WR_GOSSIP_FORGOT,
			.blob = wr_gossip_blob_ref(entry->blob),
		};
}

/* False: it is about one who was forgotten since. */
static bool show(struct wr_gossip *g, const struct wr_event *event,
		 struct wr_gossip_output *ret_output)
{
	struct wr_gossip_blob *blob = event->blob;

	if (!blob && !event->id)
		return false;
	if (!blob) {
		wr_entry(g, event->id)->flags &= (uint8_t)~WR_ENTRY_TOLD;
		blob = wr_gossip_blob_ref(wr_entry(g, event->id)->blob);
	}
	wr_gossip_blob_unref(g->shown);
	g->shown = blob;
	*ret_output = (struct wr_gossip_output){
		.action = event->action,
		.identity = *wr_gossip_blob_subject(blob),
		.version = blob->version,
		.bytes = wr_gossip_blob_bytes(blob),
	};
	return true;
}

/* --- Our own record. --- */

void wr_events_object(struct wr_gossip *g, uint64_t version)
{
	if (version > g->renew_above || !g->is_renewing)
		g->renew_above = version > g->renew_above ? version : g->renew_above;
	if (!g->is_renewing)
		g->renew_at = g->now;
	g->is_renewing = true;
}

static bool next_objection(struct wr_gossip *g, struct wr_gossip_output *ret_output)
{
	if (!g->is_renewing || !wr_is_past(g->renew_at, g->now))
		return false;
	g->renew_at = wr_after(g->now, OBJECT_AGAIN);
	*ret_output = (struct wr_gossip_output){
		.action = WR_GOSSIP_RENEW,
		.identity = g->config.self,
		.version = g->renew_above + 1,
	};
	return true;
}

bool wr_events_next(struct wr_gossip *g, struct wr_gossip_output *ret_output)
{
	if (next_objection(g, ret_output))
		return true;
	while (g->events.count) {
		struct wr_event event = g->events.events[g->events.head];

		g->events.head = (g->events.head + 1) % g->events.room;
		g->events.count--;
		if (show(g, &event, ret_output))
			return true;
	}
	return false;
}

void wr_events_done(struct wr_gossip *g)
{
	for (uint32_t i = 0; i < g->events.count; i++)
		wr_gossip_blob_unref(g->events.events[(g->events.head + i) % g->events.room].blob);
	free(g->events.events);
	wr_gossip_blob_unref(g->shown);
}
