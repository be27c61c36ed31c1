/* The doctor on what the server keeps: folder, database, unlock secret, certificate. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "cli/data_folder.h"
#include "cli/doctor.h"
#include "linux/files.h"

/* Less, and the database or its log will soon have no room. */
#define LEAST_FREE (64u << 20)

static void check_permissions(struct wr_findings *findings, const char *data,
			      const struct stat *status)
{
	if (status->st_mode & (S_IRWXG | S_IRWXO))
		wr_finding_bad(findings, "permissions", "others may enter %s: chmod 700 it", data);
	else if (status->st_uid != geteuid() && geteuid() != 0)
		wr_finding_bad(
			findings, "permissions",
			"%s is another user's: be that user, or name another folder with --data",
			data);
	else
		wr_finding_ok(findings, "permissions", "%s is its owner's alone", data);
}

static void check_room(struct wr_findings *findings, const char *data)
{
	struct statvfs room;
	unsigned long long free_bytes;

	if (statvfs(data, &room) < 0)
		return;
	free_bytes = (unsigned long long)room.f_bavail * room.f_frsize;
	if (free_bytes < LEAST_FREE)
		wr_finding_bad(findings, "room", "%llu MiB are left for %s: make room",
			       free_bytes >> 20, data);
	else
		wr_finding_ok(findings, "room", "%llu MiB are left", free_bytes >> 20);
}

static void check_database(struct wr_findings *findings, const char *data)
{
	WR_AUTO(wr_text_freep) char *path = wr_text_new("%s/" WR_DATABASE, data);
	int status = wr_data_check(path);

	if (status == 0)
		wr_finding_ok(findings, "database", "%s is whole", path);
	else if (status == -ENOENT)
		wr_finding_note(findings, "database",
				"there is none yet: the first start makes it");
	else if (status == -ENOTSUP)
		wr_finding_bad(findings, "database", "%s is of a later Warren: install that", path);
	else if (status == -EBADMSG || status == -ENODATA)
		wr_finding_bad(
			findings, "database",
			"%s is damaged: stop the server, then warren restore FILE with a backup",
			path);
	else
		wr_finding_bad(findings, "database", "cannot read %s: %s", path, strerror(-status));
}

static void check_folder(struct wr_findings *findings, const char *data)
{
	struct stat status;

	if (stat(data, &status) < 0) {
		if (errno == ENOENT)
			wr_finding_note(findings, "data",
					"%s is not there: the first start makes it", data);
		else
			wr_finding_bad(findings, "data", "cannot look at %s: %s (be root?)", data,
				       strerror(errno));
		return;
	}
	if (!S_ISDIR(status.st_mode)) {
		wr_finding_bad(findings, "data", "%s is no folder: name another with --data", data);
		return;
	}
	wr_finding_ok(findings, "data", "%s", data);
	check_permissions(findings, data, &status);
	check_room(findings, data);
	check_database(findings, data);
}

static void check_secret(struct wr_findings *findings, const struct wr_settings *settings)
{
	const char *path = wr_setting_text(settings, WR_SET_UNLOCK_FILE);
	struct stat status;

	if (getenv("WARREN_UNLOCK"))
		wr_finding_note(
			findings, "unlock",
			"WARREN_UNLOCK is set; a file or a credential shows in fewer places");
	else if (!path && getenv("CREDENTIALS_DIRECTORY"))
		wr_finding_ok(findings, "unlock", "from the service manager");
	else if (!path)
		wr_finding_note(
			findings, "unlock",
			"not set here: serve needs --unlock-file, WARREN_UNLOCK or a credential");
	else if (stat(path, &status) < 0)
		wr_finding_bad(findings, "unlock", "cannot read %s: %s", path, strerror(errno));
	else if (status.st_mode & (S_IRWXG | S_IRWXO))
		wr_finding_note(findings, "unlock", "others may read %s: chmod 600 it", path);
	else
		wr_finding_ok(findings, "unlock", "%s", path);
}

static void check_readable(struct wr_findings *findings, const char *what, const char *path)
{
	if (!path)
		return;
	if (access(path, R_OK) < 0)
		wr_finding_bad(findings, what, "cannot read %s: %s", path, strerror(errno));
	else
		wr_finding_ok(findings, what, "%s", path);
}

void wr_doctor_data(struct wr_findings *findings, const struct wr_settings *settings)
{
	if (settings->file)
		wr_finding_ok(findings, "settings", "%s", settings->file);
	check_folder(findings, wr_setting_text(settings, WR_SET_DATA));
	check_secret(findings, settings);
	check_readable(findings, "certificate", wr_setting_text(settings, WR_SET_CERT));
	check_readable(findings, "key", wr_setting_text(settings, WR_SET_KEY));
}
