/* POST /server/backup: on the thread pool, with a connection of its own, so that nobody waits
 * for it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "server/server_steps.h"
#include "server/server_work.h"

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

int wr_server_back_up(struct wr_call *call)
{
	return call->step == 0 ? begin_backup(call) : end_backup(call);
}
