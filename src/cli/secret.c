#include "cli/secret.h"

#include <stdlib.h>
#include <string.h>

#include "base/key.h"
#include "linux/files.h"

#define VARIABLE "WARREN_UNLOCK"
#define CREDENTIAL "warren-unlock"

/* Argon2id makes guessing slow, but below this not slow enough. */
#define SHORTEST 12
#define LONGEST 4096

static void set(struct wr_secret *secret, char *text, char *origin)
{
	secret->text = text;
	secret->len = strcspn(text, "\r\n");
	secret->origin = origin;
}

/* Others may read /proc/PID/environ for as long as it stands there. */
static bool from_variable(struct wr_secret *secret)
{
	char *value = getenv(VARIABLE);

	if (!value)
		return false;
	set(secret, wr_text_new("%s", value), wr_text_new("environment " VARIABLE));
	wr_wipe(value, strlen(value));
	unsetenv(VARIABLE);
	return true;
}

/* Takes `path`. */
static int from_file(const struct wr_arguments *arguments, struct wr_secret *secret, char *path)
{
	char *text = NULL;
	int status = wr_file_read(path, LONGEST, &text);

	if (status < 0) {
		wr_complain(arguments, "cannot read the unlock secret in %s: %s", path,
			    strerror(-status));
		free(path);
		return WR_EXIT_FAILED;
	}
	set(secret, text, path);
	return WR_EXIT_DONE;
}

/* NULL where systemd gave none. */
static char *credential_path(void)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char *path;

	if (!folder || !*folder)
		return NULL;
	path = wr_text_new("%s/" CREDENTIAL, folder);
	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

static int find(const struct wr_arguments *arguments, const struct wr_settings *settings,
		struct wr_secret *secret)
{
	const char *file = wr_setting_text(settings, WR_SET_UNLOCK_FILE);
	char *credential;

	if (from_variable(secret))
		return WR_EXIT_DONE;
	if (file)
		return from_file(arguments, secret, wr_text_new("%s", file));
	credential = credential_path();
	if (credential)
		return from_file(arguments, secret, credential);
	return wr_complain(
		arguments,
		"needs the unlock secret, which seals all keys on the disk. Make one, keep "
		"it: (umask 077; head -c 32 /dev/urandom | base64 >unlock), then say "
		"--unlock-file unlock, WARREN_UNLOCK_FILE or WARREN_UNLOCK");
}

int wr_secret_find(const struct wr_arguments *arguments, const struct wr_settings *settings,
		   struct wr_secret *ret_secret)
{
	WR_AUTO(wr_secret_done) struct wr_secret secret = { 0 };
	int status = find(arguments, settings, &secret);

	if (status != WR_EXIT_DONE)
		return status;
	if (secret.len < SHORTEST)
		return wr_complain(arguments,
				   "the unlock secret of %s is too short: at least %d "
				   "characters, better 32 random bytes in base64",
				   secret.origin, SHORTEST);
	*ret_secret = secret;
	secret = (struct wr_secret){ 0 };
	return WR_EXIT_DONE;
}

void wr_secret_done(struct wr_secret *secret)
{
	if (secret->text)
		wr_wipe(secret->text, strlen(secret->text));
	free(secret->text);
	free(secret->origin);
	*secret = (struct wr_secret){ 0 };
}
