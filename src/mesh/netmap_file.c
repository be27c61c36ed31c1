/* The last map, on disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "linux/files.h"
#include "mesh/netmap_parts.h"

/* 20,000 peers with their longest names and some routes take some 20 MiB. */
#define FILE_MAX (64 * 1024 * 1024)
#define PATH_LEN 4096

/* The folder's entry too, so that the new name is there after a power cut. */
static int sync_folder(const char *path)
{
	char folder[PATH_LEN];
	char *slash;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash)
		slash[1] = '\0';
	WR_AUTO(wr_fd_closep)
	int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

char *wr_netmap_dump(const struct wr_netmap *map)
{
	json_t *json = wr_netmap_json(map);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

	json_decref(json);
	return text;
}

int wr_netmap_write(const char *text, const char *path)
{
	int status = wr_file_replace(path, text, strlen(text));

	return status < 0 ? status : sync_folder(path);
}

int wr_netmap_save(const struct wr_netmap *map, const char *path)
{
	WR_AUTO(wr_text_freep) char *text = wr_netmap_dump(map);

	return text ? wr_netmap_write(text, path) : -ENOMEM;
}

int wr_netmap_load(const char *path, struct wr_netmap **ret_map, char ret_why[WR_NETMAP_WHY])
{
	WR_AUTO(wr_text_freep) char *text = NULL;
	int status = wr_file_read(path, FILE_MAX, &text);
	struct wr_netmap *map;
	json_error_t fault;
	json_t *json;

	if (status < 0) {
		snprintf(ret_why, WR_NETMAP_WHY, "cannot be read: %s", strerror(-status));
		return status;
	}
	json = json_loads(text, JSON_REJECT_DUPLICATES, &fault);
	if (!json) {
		snprintf(ret_why, WR_NETMAP_WHY, "is no JSON: line %d, column %d", fault.line,
			 fault.column);
		return -EINVAL;
	}
	map = wr_netmap_parse(json, ret_why);
	json_decref(json);
	if (!map)
		return -EINVAL;
	*ret_map = map;
	return 0;
}
