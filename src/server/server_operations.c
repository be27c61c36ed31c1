/* Operations of the server as a whole. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/key.h"
#include "base/log.h"
#include "server/call.h"
#include "server/events.h"
#include "server/server_steps.h"

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

/* --- POST /server/backup: on the thread pool, with a connection of its own, so that nobody waits
 * for it. --- */
struct backup {
	char *path, *name;
	int error;
	int64_t bytes;
};

static void free_backup(void *state)
{
	struct backup *backup = state;

	free(backup->path);
	free(backup->name);
	free(backup);
}

static int64_t file_size(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 ? (int64_t)status.st_size : 0;
}

static int make_backup_folder(const struct wr_server *server)
{
	char *folder = wr_server_path(server, WR_BACKUPS);
	int status = folder ? 0 : -ENOMEM;

	if (folder && mkdir(folder, 0700) < 0 && errno != EEXIST)
		status = -errno;
	free(folder);
	return status;
}

static int copy_database(const struct wr_server *server, const char *to)
{
	char *path = wr_server_path(server, WR_DATABASE);
	struct wr_db *db = NULL;
	int status = path ? wr_db_open(path, &db) : -ENOMEM;

	if (status == 0)
		status = wr_db_backup(db, to);
	wr_db_close(db);
	free(path);
	return status;
}

static void work_backup(struct wr_call *call)
{
	struct backup *backup = call->state;

	backup->error = make_backup_folder(call->server);
	if (backup->error == 0)
		backup->error = copy_database(call->server, backup->path);
	if (backup->error == 0)
		backup->bytes = file_size(backup->path);
}

/* A name, not a path: backups are in one folder. */
static bool is_file_name(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return name[0] && name[0] != '.' && name[strspn(name, letters)] == '\0';
}

static char *name_backup(const struct wr_call *call)
{
	time_t now = (time_t)wr_call_time(call);
	const char *wanted = wr_call_text(call, "path");
	char name[64];
	struct tm tm;

	if (wanted)
		return strdup(wanted);
	gmtime_r(&now, &tm);
	strftime(name, sizeof(name), "warren-%Y%m%dT%H%M%SZ.db", &tm);
	return strdup(name);
}

static int begin_backup(struct wr_call *call)
{
	const char *wanted = wr_call_text(call, "path");
	struct backup *backup;
	char inside[300];

	if (wanted && !is_file_name(wanted))
		return wr_call_fault(call, "/path",
				     "is no name of a file: letters, digits, '.', '-' and '_'; it "
				     "is made in the folder \"" WR_BACKUPS
				     "\" of the server's data");
	backup = calloc(1, sizeof(*backup));
	if (!backup)
		return wr_call_fail_db(call, -ENOMEM);
	call->state = backup;
	call->state_free = free_backup;
	backup->name = name_backup(call);
	snprintf(inside, sizeof(inside), WR_BACKUPS "/%s", backup->name ? backup->name : "");
	backup->path = wr_server_path(call->server, inside);
	if (!backup->path || !backup->name)
		return wr_call_fail_db(call, -ENOMEM);
	return wr_call_pool(call, work_backup);
}

static int end_backup(struct wr_call *call)
{
	const struct backup *backup = call->state;

	if (backup->error == -EEXIST)
		return wr_call_fail(call, 409, "exists", "There is a backup of this name.");
	if (backup->error < 0)
		return wr_call_fail_db(call, backup->error);
	call->result = json_pack("{s:s, s:I}", "path", backup->path, "bytes",
				 (json_int_t)backup->bytes);
	wr_call_audit(call, NULL, backup->name, NULL,
		      json_pack("{s:I}", "bytes", (json_int_t)backup->bytes));
	return 0;
}

static int back_up(struct wr_call *call)
{
	return call->step == 0 ? begin_backup(call) : end_backup(call);
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

/* --- POST /server/unlock: slow, so on the thread pool. --- */
struct unlocking {
	struct wr_wrapped wrapped;
	int error;
};

static void free_unlocking(void *state)
{
	wr_wipe(state, sizeof(struct unlocking));
	free(state);
}

static struct wr_bytes secret_of(const struct wr_call *call, const char *name)
{
	const char *text = wr_call_text(call, name);

	return (struct wr_bytes){ (const uint8_t *)text, strlen(text) };
}

static void work_unlocking(struct wr_call *call)
{
	struct unlocking *unlocking = call->state;
	struct wr_vault vault;

	unlocking->error = wr_vault_open(secret_of(call, "current"), &unlocking->wrapped, &vault);
	if (unlocking->error == 0)
		unlocking->error = wr_vault_rewrap(&vault, secret_of(call, "new"),
						   &unlocking->wrapped);
	wr_wipe(&vault, sizeof(vault));
}

static int begin_unlocking(struct wr_call *call)
{
	struct unlocking *unlocking;
	int found;

	if (call->caller.kind != WR_CALLER_LOCAL)
		return wr_call_fail(call, 403, "local-only",
				    "Only a local process may do this, over the Unix socket.");
	unlocking = calloc(1, sizeof(*unlocking));
	if (!unlocking)
		return wr_call_fail_db(call, -ENOMEM);
	call->state = unlocking;
	call->state_free = free_unlocking;
	found = wr_server_load_wrapped(call->db, &unlocking->wrapped);
	if (found <= 0)
		return wr_call_fail_db(call, found < 0 ? found : -EBADMSG);
	return wr_call_pool(call, work_unlocking);
}

static int end_unlocking(struct wr_call *call)
{
	const struct unlocking *unlocking = call->state;
	int error;

	if (unlocking->error == -EKEYREJECTED)
		return wr_call_fault(call, "/current", "is not the unlock secret");
	if (unlocking->error < 0)
		return wr_call_fail_db(call, unlocking->error);
	error = wr_server_save_wrapped(call->db, &unlocking->wrapped);
	if (error < 0)
		return wr_call_fail_db(call, error);
	wr_call_audit(call, NULL, "unlock secret", NULL, NULL);
	return 0;
}

static int change_unlock(struct wr_call *call)
{
	return call->step == 0 ? begin_unlocking(call) : end_unlocking(call);
}

/* --- Streams and documents. --- */
static void serve_events(struct wr_call *call)
{
	const struct wr_events_reader reader = {
		.org = call->org,
		.kind = (int)call->caller.kind,
		.user = call->caller.user,
		.credential = call->caller.credential,
	};
	const char *last_id = wr_http_header(call->request, "last-event-id");
	int status = -ESHUTDOWN;

	if (call->server->events && wr_http_method(call->request) == WR_HTTP_GET)
		status = wr_events_subscribe(call->server->events, call->request, &reader, last_id);
	call->is_streaming = status == 0;
	call->retry_after = status < 0 ? 5 : 0;
	if (status < 0)
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
		.run = back_up,
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
		.run = change_unlock,
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
