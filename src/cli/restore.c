/* Puts a backup in the place of a stopped server's database. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/data_folder.h"
#include "cli/settings.h"
#include "cli/verbs.h"
#include "linux/files.h"

static const struct wr_option options[] = {
	WR_OPTION_HELP,
	{ 0, "data", "the server's data folder", "DIR" },
};

static char *data_folder(const struct wr_arguments *arguments)
{
	const char *data = wr_value_of(arguments, "data");

	return data ? wr_text_new("%s", data) : wr_settings_data(getenv);
}

static int explain_check(const struct wr_arguments *arguments, const char *file, int error)
{
	switch (error) {
	case -EBADMSG: return wr_complain(arguments, "%s is damaged: take another backup", file);
	case -ENODATA: return wr_complain(arguments, "%s is no backup of a Warren server", file);
	case -ENOTSUP: return wr_complain(arguments, "%s is of a later Warren: install that", file);
	default: return wr_complain(arguments, "cannot read %s: %s", file, strerror(-error));
	}
}

static void forget(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };

	for (size_t i = 0; i < WR_ARRAY_LEN(ends); i++) {
		WR_AUTO(wr_text_freep) char *each = wr_text_new("%s%s", path, ends[i]);

		unlink(each);
	}
}

/* A copy is checked and taken, so the backup stays as it was. */
static int prepare(const struct wr_arguments *arguments, const char *file, const char *beside)
{
	int status;

	forget(beside);
	status = wr_file_copy(file, beside);
	if (status < 0)
		return wr_complain(arguments, "cannot copy %s to %s: %s", file, beside,
				   strerror(-status));
	status = wr_data_check(beside);
	if (status == 0)
		status = wr_data_begin_epoch(beside);
	if (status == 0)
		return WR_EXIT_DONE;
	forget(beside);
	return explain_check(arguments, file, status);
}

/* What is not yet in the database proper is in its log: they belong together. */
static int keep_old(const struct wr_arguments *arguments, const char *database, const char *kept)
{
	WR_AUTO(wr_text_freep) char *log = wr_text_new("%s-wal", database);
	WR_AUTO(wr_text_freep) char *kept_log = wr_text_new("%s-wal", kept);
	WR_AUTO(wr_text_freep) char *index = wr_text_new("%s-shm", database);

	if (rename(log, kept_log) < 0 && errno != ENOENT)
		return wr_complain(arguments, "cannot put %s aside: %s", log, strerror(errno));
	unlink(index);
	if (rename(database, kept) < 0 && errno != ENOENT)
		return wr_complain(arguments, "cannot put %s aside: %s", database, strerror(errno));
	return WR_EXIT_DONE;
}

/* Whoever owned the database owns it again: root restores for a server that is not root. */
static void keep_owner(const char *data, const char *beside)
{
	struct stat status;

	if (geteuid() == 0 && stat(data, &status) == 0 &&
	    chown(beside, status.st_uid, status.st_gid) < 0)
		fprintf(stderr, "warren restore: cannot give %s to its owner: %s\n", beside,
			strerror(errno));
}

static int put_in_place(const struct wr_arguments *arguments, const char *data, const char *beside)
{
	char when[32];
	time_t now = time(NULL);
	struct tm parts;
	WR_AUTO(wr_text_freep) char *database = wr_text_new("%s/" WR_DATABASE, data);
	WR_AUTO(wr_text_freep) char *kept = NULL;
	int status;

	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", gmtime_r(&now, &parts));
	kept = wr_text_new("%s.before-restore-%s", database, when);
	keep_owner(data, beside);
	status = keep_old(arguments, database, kept);
	if (status != WR_EXIT_DONE)
		return status;
	if (rename(beside, database) < 0)
		return wr_complain(arguments,
				   "cannot put the backup in place: %s; what was there is %s",
				   strerror(errno), kept);
	if (access(kept, F_OK) == 0)
		printf("restored; what was there is %s\n", kept);
	else
		printf("restored\n");
	return WR_EXIT_DONE;
}

static int run(const struct wr_arguments *arguments)
{
	WR_AUTO(wr_text_freep) char *data = data_folder(arguments);
	WR_AUTO(wr_text_freep) char *beside = wr_text_new("%s/restoring.db", data);
	WR_AUTO(wr_fd_closep) int held = wr_data_hold(data);
	int status;

	if (held == -EBUSY)
		return wr_complain(arguments, "a server runs on %s: stop it first", data);
	if (held < 0 && held != -ENOENT)
		return wr_complain(arguments,
				   "cannot look at %s: %s (be root, or the server's user?)", data,
				   strerror(-held));
	if (mkdir(data, 0700) < 0 && errno != EEXIST)
		return wr_complain(arguments, "cannot make %s: %s", data, strerror(errno));
	status = prepare(arguments, arguments->operands[0], beside);
	if (status == WR_EXIT_DONE)
		status = put_in_place(arguments, data, beside);
	forget(beside);
	return status;
}

const struct wr_verb wr_verb_restore = {
	.name = "restore",
	.summary = "put a backup in place of a stopped server's data",
	.about = "The backup is checked first; what was there is kept beside it. The server then\n"
		 "starts with the unlock secret that it had when the backup was made.\n",
	.options = options,
	.option_count = WR_ARRAY_LEN(options),
	.operand = "FILE",
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
