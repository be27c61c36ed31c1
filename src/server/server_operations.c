/* Operations of the server as a whole. */
#include <errno.h>
#include <string.h>

#include "server/call.h"
#include "server/events.h"
#include "server/server_work.h"
#include "server/state.h"

/* --- GET /server --- */
static const char *const sign_ups[] = { "closed", "invite", "open", NULL };

static int get_server(struct wr_call *call)
{
	const struct wr_server *server = call->server;

	call->result = json_pack("{s:s, s:s, s:i, s:s, s:o}", "version", WR_VERSION, "hub_endpoint",
				 server->config.hub_endpoint, "hub_port",
				 (int)server->config.hub_port, "sign_up",
				 sign_ups[server->config.sign_up], "started",
				 wr_json_time(server->started));
	return 0;
}

/* --- POST /server/repair --- */
static void repair_now(struct wr_server *server, void *what)
{
	struct wr_call *call = what;
	struct wr_hub_numbers before, after;

	wr_hub_count(server->hub, &before);
	wr_hub_repair(server->hub);
	wr_hub_count(server->hub, &after);
	call->result = json_pack("{s:I}", "repairs", (json_int_t)(after.repairs - before.repairs));
}

static int repair(struct wr_call *call)
{
	wr_call_audit(call, NULL, "hub", NULL, NULL);
	wr_call_then(call, repair_now, call, NULL);
	return 0;
}

/* --- Streams and documents. --- */
static int subscribe(struct wr_call *call)
{
	const struct wr_events_reader reader = {
		.org = call->org,
		.kind = (int)call->caller.kind,
		.user = call->caller.user,
		.credential = call->caller.credential,
	};

	if (!call->server->events)
		return -ESHUTDOWN;
	return wr_events_subscribe(call->server->events, call->request, &reader,
				   wr_http_header(call->request, "last-event-id"));
}

static void serve_events(struct wr_call *call)
{
	if (wr_http_method(call->request) == WR_HTTP_HEAD) {
		call->text = strdup("");
		call->text_type = "text/event-stream";
		return;
	}
	call->is_streaming = subscribe(call) == 0;
	if (call->is_streaming)
		return;
	call->retry_after = 5;
	wr_call_fail(call, 503, "busy", "Too many listen to events now.");
}

static void serve_openapi(struct wr_call *call)
{
	call->text = strdup(call->server->openapi);
	call->text_type = "application/json";
	if (!call->text)
		wr_call_fail(call, 503, "memory", "The server is short of memory.");
}

/* --- The table. --- */
static const struct wr_field server_result[] = {
	{ .name = "version", .kind = WR_KIND_TEXT, .is_required = true },
	{ .name = "hub_endpoint",
	  .kind = WR_KIND_ENDPOINT,
	  .is_required = true,
	  .help = "Where machines reach the hub" },
	{ .name = "hub_port", .kind = WR_KIND_NUMBER, .is_required = true },
	{ .name = "sign_up", .kind = WR_KIND_CHOICE, .is_required = true, .choices = sign_ups },
	{ .name = "started", .kind = WR_KIND_TIME, .is_required = true },
	{ 0 },
};
static const struct wr_field backup_body[] = {
	{ .name = "path",
	  .kind = WR_KIND_TEXT,
	  .min = 1,
	  .max = 200,
	  .help = "Name of a new file in the folder \"backups\" of the server's data; made of the "
		  "time if not given" },
	{ 0 },
};
static const struct wr_field backup_result[] = {
	{ .name = "path", .kind = WR_KIND_TEXT, .is_required = true },
	{ .name = "bytes", .kind = WR_KIND_NUMBER, .is_required = true },
	{ 0 },
};
static const struct wr_field repair_result[] = {
	{ .name = "repairs",
	  .kind = WR_KIND_NUMBER,
	  .is_required = true,
	  .help = "Things that were not as they should be, and are now" },
	{ 0 },
};
static const struct wr_field unlock_body[] = {
	{ .name = "current", .kind = WR_KIND_PASSWORD, .is_required = true, .min = 1, .max = 1024 },
	{ .name = "new", .kind = WR_KIND_PASSWORD, .is_required = true, .min = 12, .max = 1024 },
	{ 0 },
};

const struct wr_operation wr_operations_server[] = {
	{
		.id = "server.show",
		.method = WR_HTTP_GET,
		.path = "/server",
		.summary = "What this server is",
		.access = WR_ACCESS_SIGNED_IN,
		.result = server_result,
		.status = 200,
		.run = get_server,
	},
	{
		.id = "server.backup",
		.method = WR_HTTP_POST,
		.path = "/server/backup",
		.summary = "Writes a consistent copy of the database, while all goes on",
		.about = "Keys in it are sealed with the unlock secret of its time: keep that too.",
		.access = WR_ACCESS_SITE,
		.is_change = true,
		.body = backup_body,
		.result = backup_result,
		.status = 201,
		.cost = 50,
		.run = wr_server_back_up,
	},
	{
		.id = "server.repair",
		.method = WR_HTTP_POST,
		.path = "/server/repair",
		.summary = "Compares the hub with what it should hold, and mends it, at once",
		.about = "The hub does so by itself every few seconds.",
		.access = WR_ACCESS_SITE,
		.is_change = true,
		.result = repair_result,
		.status = 200,
		.cost = 10,
		.run = repair,
	},
	{
		.id = "server.unlock",
		.method = WR_HTTP_POST,
		.path = "/server/unlock",
		.summary = "Changes the unlock secret; only over the Unix socket",
		.about = "The server asks for the new one when it starts next. Backups of before "
			 "open with the old one.",
		.access = WR_ACCESS_SITE,
		.is_change = true,
		.body = unlock_body,
		.status = 204,
		.cost = 50,
		.run = wr_server_change_unlock,
	},
	{
		.id = "event.follow",
		.method = WR_HTTP_GET,
		.path = "/orgs/{org}/events",
		.summary = "Follows what happens in the organisation",
		.about = "Server-sent events; Last-Event-ID goes on where a reader was.",
		.access = WR_ACCESS_VIEWER,
		.status = 200,
		.serve = serve_events,
	},
	{
		.id = "event.follow_all",
		.method = WR_HTTP_GET,
		.path = "/events",
		.summary = "Follows what happens in all organisations and to the server",
		.about = "Server-sent events; Last-Event-ID goes on where a reader was.",
		.access = WR_ACCESS_SITE,
		.status = 200,
		.serve = serve_events,
	},
	{
		.id = "openapi",
		.method = WR_HTTP_GET,
		.path = "/openapi.json",
		.summary = "This document",
		.access = WR_ACCESS_ANYONE,
		.status = 200,
		.serve = serve_openapi,
	},
	{ 0 },
};
