#include "mesh/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/key.h"
#include "linux/files.h"

#define SOCKET_FILE "control.sock"
#define LOCK_FILE "lock"

/* --- Paths. --- */

char *wr_folder_path(const char *base, const char *interface)
{
	return wr_text_new("%s/%s", base ? base : WR_FOLDER_BASE, interface);
}

char *wr_folder_socket_path(const char *folder)
{
	return wr_text_new("%s/" SOCKET_FILE, folder);
}

int wr_folder_make(const char *folder)
{
	WR_AUTO(wr_text_freep) char *path = wr_text_new("%s", folder);

	for (char *at = path + 1; *at; at++) {
		if (*at != '/')
			continue;
		*at = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
		*at = '/';
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int remove_file(const char *folder, const char *file)
{
	WR_AUTO(wr_text_freep) char *path = wr_text_new("%s/%s", folder, file);

	return unlink(path) < 0 && errno != ENOENT && errno != ENOTDIR ? -errno : 0;
}

int wr_folder_forget(const char *folder, const char *const *files, size_t count)
{
	int status = remove_file(folder, SOCKET_FILE);

	for (size_t i = 0; i < count && status == 0; i++)
		status = remove_file(folder, files[i]);
	if (status == 0)
		status = remove_file(folder, LOCK_FILE);
	if (status < 0)
		return status;
	return rmdir(folder) < 0 && errno != ENOENT ? -errno : 0;
}

/* --- One at a time. --- */

static int lock_at(const char *folder, int flags, int *ret_fd)
{
	WR_AUTO(wr_text_freep) char *path = wr_text_new("%s/" LOCK_FILE, folder);
	int fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
	int status = 0;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		status = errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (status < 0)
		close(fd);
	else
		*ret_fd = fd;
	return status;
}

int wr_folder_lock(const char *folder, int *ret_fd)
{
	return lock_at(folder, O_CREAT, ret_fd);
}

bool wr_folder_is_free(const char *folder)
{
	int fd;
	int status = lock_at(folder, 0, &fd);

	if (status == 0)
		close(fd);
	return status != -EBUSY;
}

/* --- Which there are. --- */

static int is_shown(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static bool has_file(const char *folder, const char *name)
{
	WR_AUTO(wr_text_freep) char *path = wr_text_new("%s/%s", folder, name);

	return access(path, F_OK) == 0;
}

static void show(const char *base, const char *name,
		 void (*see)(void *context, enum wr_folder_kind kind, const char *interface,
			     const char *folder),
		 void *context)
{
	WR_AUTO(wr_text_freep) char *folder = wr_text_new("%s/%s", base, name);

	if (has_file(folder, WR_FOLDER_AGENT_FILE))
		see(context, WR_FOLDER_AGENT, name, folder);
	else if (has_file(folder, WR_FOLDER_MESH_FILE))
		see(context, WR_FOLDER_MESH, name, folder);
}

int wr_folder_list(const char *base,
		   void (*see)(void *context, enum wr_folder_kind kind, const char *interface,
			       const char *folder),
		   void *context)
{
	struct dirent **entries;
	const char *root = base ? base : WR_FOLDER_BASE;
	int count = scandir(root, &entries, is_shown, alphasort);

	if (count < 0)
		return errno == ENOENT ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		show(root, entries[i]->d_name, see, context);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

/* --- Files. --- */

static int open_private(const char *folder, const char *file, int *ret_fd)
{
	WR_AUTO(wr_text_freep) char *path = wr_text_new("%s/%s", folder, file);
	WR_AUTO(wr_fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EBADMSG;
	if (status.st_mode & (S_IRWXG | S_IRWXO))
		return -EPERM;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int wr_folder_read(const char *folder, const char *file, size_t max, uint8_t **ret_bytes,
		   size_t *ret_len)
{
	WR_AUTO(wr_fd_closep) int fd = -1;
	int status = open_private(folder, file, &fd);

	if (status == 0)
		status = wr_file_read_bytes(fd, max, ret_bytes, ret_len);
	return status == -EFBIG ? -EBADMSG : status;
}

int wr_folder_load(const char *folder, const char *file, size_t max, json_t **ret_object)
{
	uint8_t *bytes;
	size_t len;
	json_t *object;
	int status = wr_folder_read(folder, file, max, &bytes, &len);

	if (status < 0)
		return status;
	object = json_loadb((const char *)bytes, len, JSON_REJECT_DUPLICATES, NULL);
	wr_wipe(bytes, len);
	free(bytes);
	if (!json_is_object(object)) {
		json_decref(object);
		return -EBADMSG;
	}
	*ret_object = object;
	return 0;
}

int wr_folder_save(const char *folder, const char *file, json_t *object)
{
	WR_AUTO(wr_text_freep) char *path = wr_text_new("%s/%s", folder, file);
	char *text = object ? json_dumps(object, JSON_INDENT(2)) : NULL;
	int status = text ? wr_file_replace(path, text, strlen(text)) : -ENOMEM;

	json_decref(object);
	if (text)
		wr_wipe(text, strlen(text));
	free(text);
	return status;
}
