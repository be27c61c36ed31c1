/* By what one is in a mesh: its name, its secret, an invitation; from the command line, the
 * environment, a file, or whoever sits there. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/terminal.h"
#include "cli/up.h"
#include "linux/files.h"

/* Argon2id makes guessing slow, but below this not slow enough. */
#define SHORTEST_SECRET 8
#define LONGEST_SECRET 4096

/* --- The environment. --- */

/* One that is empty is as good as none: Compose files have such. */
static char *variable(const char *name, const char *other)
{
	char *value = getenv(name);

	if ((!value || !*value) && other)
		value = getenv(other);
	return value && *value ? value : NULL;
}

const char *wr_up_wish(const struct wr_arguments *arguments, const char *option, const char *name,
		       const char *other)
{
	const char *given = wr_value_of(arguments, option);

	return given ? given : variable(name, other);
}

/* Others may read /proc/PID/environ for as long as it stands there. A new string. */
static char *take_variable(const char *name, const char *other)
{
	char *value = variable(name, other);
	char *copy = value ? wr_text_new("%s", value) : NULL;

	if (value)
		wr_wipe(value, strlen(value));
	return copy;
}

/* --- The name. --- */

int wr_up_set_name(struct wr_up *up, const char *word)
{
	char name[WR_MESH_NAME_LEN + 2];

	snprintf(name, sizeof(name), "%s", word);
	for (char *at = name; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	if (strlen(word) > WR_MESH_NAME_LEN || !wr_mesh_is_name(name))
		return wr_misuse(up->arguments,
				 "a mesh's name is letters, digits and hyphens, 63 at most, such "
				 "as home");
	memcpy(up->mesh, name, strlen(name) + 1);
	return WR_EXIT_DONE;
}

int wr_up_read_name(struct wr_up *up)
{
	const struct wr_arguments *arguments = up->arguments;
	const char *word = arguments->operand_count ? arguments->operands[0]
						    : variable("WARREN_MESH", "MESH_NAME");

	return word ? wr_up_set_name(up, word) : WR_EXIT_DONE;
}

/* --- The invitation. --- */

static int use_invitation(struct wr_up *up, const char *text)
{
	char why[200];

	if (wr_invitation_parse(text, &up->invitation, why) < 0)
		return wr_complain(up->arguments, "%s", why);
	up->has_invitation = true;
	if (*up->mesh && strcmp(up->mesh, up->invitation.mesh) != 0)
		return wr_complain(up->arguments, "the invitation is to mesh %s, not to %s",
				   up->invitation.mesh, up->mesh);
	memcpy(up->mesh, up->invitation.mesh, sizeof(up->mesh));
	return WR_EXIT_DONE;
}

/* One on the command line is seen in the list of processes only until here. */
int wr_up_read_invitation(struct wr_up *up)
{
	const char *given = wr_value_of(up->arguments, "join");
	WR_AUTO(wr_password_freep) char *text = NULL;

	if (!given) {
		text = take_variable("WARREN_JOIN", NULL);
	} else if (strcmp(given, "-") == 0) {
		text = wr_terminal_password("Invitation: ");
		if (!text)
			return wr_misuse(up->arguments, "no invitation came");
	} else {
		text = wr_text_new("%s", given);
		wr_wipe((char *)(uintptr_t)given, strlen(given));
	}
	return text ? use_invitation(up, text) : WR_EXIT_DONE;
}

/* In a mesh that is known already it is not needed any more: containers are started again with what
 * they were started with first. */
int wr_up_check_expiry(struct wr_up *up)
{
	time_t end = (time_t)up->invitation.expires;
	char text[32];
	struct tm parts;

	if (!up->has_invitation || !end || time(NULL) < end)
		return WR_EXIT_DONE;
	if (!up->is_new) {
		up->has_invitation = false;
		return WR_EXIT_DONE;
	}
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M", localtime_r(&end, &parts));
	return wr_complain(up->arguments,
			   "the invitation is over since %s by this machine's clock: ask for "
			   "another (there: warren invite)",
			   text);
}

/* --- The secret. --- */

static int find_secret(const struct wr_up *up, char **ret_secret)
{
	const char *path = wr_value_of(up->arguments, "secret-file");
	int status;

	*ret_secret = take_variable("WARREN_MESH_SECRET", "MESH_SECRET");
	if (!path)
		return WR_EXIT_DONE;
	wr_password_freep(ret_secret);
	status = wr_file_read(path, LONGEST_SECRET, ret_secret);
	if (status < 0)
		return wr_complain(up->arguments, "cannot read the mesh's secret in %s: %s", path,
				   strerror(-status));
	(*ret_secret)[strcspn(*ret_secret, "\r\n")] = '\0';
	return WR_EXIT_DONE;
}

int wr_up_read_secret(struct wr_up *up)
{
	WR_AUTO(wr_password_freep) char *secret = NULL;
	int status = find_secret(up, &secret);
	size_t len = secret ? strlen(secret) : 0;

	if (status != WR_EXIT_DONE || !secret)
		return status;
	if (len < SHORTEST_SECRET)
		return wr_complain(up->arguments,
				   "the mesh's secret is too short: at least %d characters",
				   SHORTEST_SECRET);
	up->has_secret = true;
	if (wr_mesh_root(up->mesh, (struct wr_bytes){ (const uint8_t *)secret, len }, &up->root) <
	    0)
		return wr_complain(up->arguments, "memory is short");
	if (up->has_invitation && !wr_key_equal(&up->root, &up->invitation.root))
		return wr_complain(up->arguments,
				   "the invitation is to a mesh %s with another secret than the "
				   "one given",
				   up->mesh);
	return WR_EXIT_DONE;
}
