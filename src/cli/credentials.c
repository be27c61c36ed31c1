#include "cli/credentials.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/key.h"
#include "cli/terminal.h"
#include "linux/files.h"

#define FILE_MAX 16384

/* "~/.config", or NULL. */
static char *config_folder(void)
{
	const char *folder = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");

	if (folder && *folder == '/')
		return wr_text_new("%s", folder);
	return home && *home ? wr_text_new("%s/.config", home) : NULL;
}

char *wr_credentials_path(void)
{
	WR_AUTO(wr_text_freep) char *folder = config_folder();

	return folder ? wr_text_new("%s/warren/credentials", folder) : NULL;
}

static int make_folders(void)
{
	WR_AUTO(wr_text_freep) char *config = config_folder();
	WR_AUTO(wr_text_freep) char *ours = NULL;

	if (!config)
		return -ENOENT;
	ours = wr_text_new("%s/warren", config);
	if (mkdir(config, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (mkdir(ours, 0700) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

static char *copy_member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? wr_text_new("%s", text) : NULL;
}

static int take(const json_t *object, struct wr_credentials *credentials)
{
	*credentials = (struct wr_credentials){
		.url = copy_member(object, "url"),
		.token = copy_member(object, "token"),
		.pin = copy_member(object, "pin"),
		.token_uid = copy_member(object, "token_uid"),
		.login = copy_member(object, "login"),
	};
	if (credentials->url && credentials->token)
		return 0;
	wr_credentials_done(credentials);
	return -EBADMSG;
}

static int read_text(const char *path, char **ret_text)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return -errno;
	if (status.st_mode & (S_IRWXG | S_IRWXO))
		return -EPERM;
	return wr_file_read(path, FILE_MAX, ret_text);
}

int wr_credentials_load(struct wr_credentials *ret_credentials)
{
	WR_AUTO(wr_text_freep) char *path = wr_credentials_path();
	WR_AUTO(wr_password_freep) char *text = NULL;
	json_t *object;
	int status;

	if (!path)
		return -ENOENT;
	status = read_text(path, &text);
	if (status < 0)
		return status;
	object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	status = take(object, ret_credentials);
	json_decref(object);
	return status;
}

int wr_credentials_save(const struct wr_credentials *credentials)
{
	WR_AUTO(wr_text_freep) char *path = wr_credentials_path();
	WR_AUTO(wr_password_freep) char *text = NULL;
	json_t *object = json_pack("{s:s, s:s, s:s*, s:s*, s:s*}", "url", credentials->url, "token",
				   credentials->token, "pin", credentials->pin, "token_uid",
				   credentials->token_uid, "login", credentials->login);
	int status = make_folders();

	if (object)
		text = json_dumps(object, JSON_INDENT(2));
	json_decref(object);
	if (!text)
		return -ENOMEM;
	return status < 0 ? status : wr_file_replace(path, text, strlen(text));
}

int wr_credentials_forget(void)
{
	WR_AUTO(wr_text_freep) char *path = wr_credentials_path();

	if (!path)
		return -ENOENT;
	return unlink(path) < 0 ? -errno : 0;
}

void wr_credentials_done(struct wr_credentials *credentials)
{
	wr_password_freep(&credentials->token);
	free(credentials->url);
	free(credentials->pin);
	free(credentials->token_uid);
	free(credentials->login);
	*credentials = (struct wr_credentials){ NULL };
}
