/* The configuration, kept; and the data folder. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/key.h"
#include "base/log.h"
#include "server/server_steps.h"

#define NETWORK "10.100.0.0/16"

/* --- The configuration. --- */

/* True, unless memory is short. */
static bool keep(const char **text)
{
	if (!*text)
		return true;
	*text = strdup(*text);
	return *text != NULL;
}

int wr_server_configure(struct wr_server *server, const struct wr_server_config *config)
{
	struct wr_server_config *own = &server->config;
	bool is_kept;

	*own = *config;
	own->unlock = (struct wr_bytes){ NULL, 0 };
	if (!own->network)
		own->network = NETWORK;
	is_kept = keep(&own->data);
	is_kept = keep(&own->api_listen) && is_kept;
	is_kept = keep(&own->cert_file) && is_kept;
	is_kept = keep(&own->key_file) && is_kept;
	is_kept = keep(&own->hub_endpoint) && is_kept;
	is_kept = keep(&own->api_endpoint) && is_kept;
	is_kept = keep(&own->network) && is_kept;
	is_kept = keep(&own->first_org) && is_kept;
	return is_kept ? 0 : -ENOMEM;
}

static void give_up(const char **text)
{
	free((char *)(uintptr_t)*text);
	*text = NULL;
}

void wr_server_unconfigure(struct wr_server *server)
{
	struct wr_server_config *own = &server->config;

	give_up(&own->data);
	give_up(&own->api_listen);
	give_up(&own->cert_file);
	give_up(&own->key_file);
	give_up(&own->hub_endpoint);
	give_up(&own->api_endpoint);
	give_up(&own->network);
	give_up(&own->first_org);
	free(server->socket_path);
	server->socket_path = NULL;
	wr_wipe(&server->vault, sizeof(server->vault));
	if (server->lock_fd >= 0)
		close(server->lock_fd);
	server->lock_fd = -1;
}

char *wr_server_path(const struct wr_server *server, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", server->config.data, name) < 0 ? NULL : path;
}

/* --- The folder. --- */

/* All of the path; only the last is ours to say who may look into it. */
static int make_folders(const char *path)
{
	char *part = strdup(path);
	int status = 0;

	if (!part)
		return -ENOMEM;
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			status = -errno;
		*slash = '/';
	}
	if (mkdir(part, 0700) < 0 && errno != EEXIST)
		status = -errno;
	else
		status = 0;
	free(part);
	return status;
}

/* What lies in it opens every machine's network: for us alone. */
static int close_to_others(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		return -ENOTDIR;
	if ((status.st_mode & 0077) == 0)
		return 0;
	return chmod(path, 0700) < 0 ? -errno : 0;
}

static int lock(struct wr_server *server)
{
	char *path = wr_server_path(server, "lock");

	if (!path)
		return -ENOMEM;
	server->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	if (server->lock_fd < 0)
		return -errno;
	if (flock(server->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return 0;
}

int wr_server_open_folder(struct wr_server *server)
{
	const char *path = server->config.data;
	int status = make_folders(path);

	if (status == 0)
		status = close_to_others(path);
	if (status == 0)
		status = lock(server);
	if (status == -EBUSY)
		wr_log_error("data folder: another server uses it: path=%s (end that one, or say "
			     "--data for another folder)",
			     path);
	else if (status < 0)
		wr_log_error("data folder: cannot be used: path=%s error=%s (it has to be a folder "
			     "that this user may write; --data names another)",
			     path, strerror(-status));
	return status;
}
