/* What a call leaves behind: lines of the audit log, events, and what the hub is told. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/call.h"
#include "server/events.h"
#include "server/state.h"

/* One thing that follows: an event, or something to apply. */
struct wr_call_after {
	struct wr_call_after *next;
	int64_t org;
	char type[48]; /* "": none */
	char *text;
	void (*apply)(struct wr_server *server, void *what);
	void *what;
	void (*free_it)(void *what);
};

/* --- The audit log. --- */
static const char *const actor_kinds[] = {
	[WR_CALLER_NOBODY] = "nobody", [WR_CALLER_USER] = "user",       [WR_CALLER_TOKEN] = "token",
	[WR_CALLER_LOCAL] = "local",   [WR_CALLER_MACHINE] = "machine",
};

static int write_line(struct wr_call *call, int64_t org, const char *uid, const char *name,
		      const char *before, const char *after)
{
	const struct wr_caller *caller = &call->caller;
	char address[WR_ENDPOINT_TEXT_LEN] = "";

	if (caller->address.family != WR_FAMILY_NONE)
		wr_ip_format(&caller->address, address);
	return WR_DB_RUN(call->db,
			 "INSERT INTO audit (time, organisation, operation, actor_kind, actor_uid,"
			 " actor, address, target_uid, target, before, after, request)"
			 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
			 WR_I(wr_call_time(call)), org ? WR_I(org) : WR_N,
			 WR_T(call->operation->id), WR_T(actor_kinds[caller->kind]),
			 WR_T(caller->uid[0] ? caller->uid : NULL),
			 WR_T(caller->name[0] ? caller->name : "nobody"),
			 WR_T(address[0] ? address : NULL), WR_T(uid), WR_T(name), WR_T(before),
			 WR_T(after), WR_T(call->request_id));
}

void wr_call_audit(struct wr_call *call, const char *target_uid, const char *target_name,
		   json_t *before, json_t *after)
{
	char *before_text = before ? json_dumps(before, JSON_COMPACT) : NULL;
	char *after_text = after ? json_dumps(after, JSON_COMPACT) : NULL;
	int error;

	error = write_line(call, call->org, target_uid, target_name, before_text, after_text);
	/* An organisation that was just removed: the line belongs to the site. */
	if (error == -EDOM && call->org)
		error = write_line(call, 0, target_uid, target_name, before_text, after_text);
	if (error < 0 && call->audit_error == 0)
		call->audit_error = error;
	call->audit_count++;
	free(before_text);
	free(after_text);
	json_decref(before);
	json_decref(after);
}

/* --- What follows. --- */
static void append(struct wr_call *call, struct wr_call_after *after)
{
	struct wr_call_after **at = &call->after;

	while (*at)
		at = &(*at)->next;
	*at = after;
}

static void set_default(json_t *object, const char *name, json_t *value)
{
	if (json_object_get(object, name))
		json_decref(value);
	else
		json_object_set_new(object, name, value);
}

/* Takes `data`; returns its text. */
static char *event_text(const struct wr_call *call, const char *type, json_t *data)
{
	char *text;

	data = data ? data : json_object();
	json_object_set_new(data, "type", json_string(type));
	set_default(data, "time", wr_json_time(wr_call_time(call)));
	set_default(data, "org", call->org_uid[0] ? json_string(call->org_uid) : json_null());
	set_default(data, "actor", json_string(call->caller.name));
	text = json_dumps(data, JSON_COMPACT);
	json_decref(data);
	return text;
}

void wr_call_event(struct wr_call *call, const char *type, json_t *data)
{
	struct wr_call_after *after = calloc(1, sizeof(*after));
	char *text = event_text(call, type, data);

	if (!after || !text) {
		call->audit_error = -ENOMEM;
		free(after);
		free(text);
		return;
	}
	after->org = call->org;
	after->text = text;
	snprintf(after->type, sizeof(after->type), "%s", type);
	append(call, after);
}

void wr_call_then(struct wr_call *call, void (*apply)(struct wr_server *server, void *what),
		  void *what, void (*free_it)(void *what))
{
	struct wr_call_after *after = calloc(1, sizeof(*after));

	if (!after) {
		call->audit_error = -ENOMEM;
		if (free_it)
			free_it(what);
		return;
	}
	*after = (struct wr_call_after){ .apply = apply, .what = what, .free_it = free_it };
	append(call, after);
}

static void free_after(struct wr_call_after *after)
{
	if (after->free_it)
		after->free_it(after->what);
	free(after->text);
	free(after);
}

static struct wr_call_after *take_first(struct wr_call *call)
{
	struct wr_call_after *after = call->after;

	if (after)
		call->after = after->next;
	return after;
}

bool wr_call_follow(struct wr_call *call)
{
	struct wr_server *server = call->server;
	struct wr_call_after *after;
	bool has_told = false;

	while ((after = take_first(call)) != NULL) {
		if (after->apply)
			after->apply(server, after->what);
		else if (server->events)
			wr_events_publish(server->events, after->org, after->type, after->text);
		has_told |= after->apply != NULL;
		free_after(after);
	}
	return has_told;
}

void wr_call_forget(struct wr_call *call)
{
	struct wr_call_after *after;

	while ((after = take_first(call)) != NULL)
		free_after(after);
}
