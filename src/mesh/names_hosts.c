#include "mesh/names_hosts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "linux/files.h"

/* Of one extended attribute (a label, an access list). */
#define ATTRIBUTE_MAX 4096

/* One that may be a link to another. */
struct file {
	char path[PATH_MAX]; /* the one that is written */
	int fd;              /* of it */
	int folder;          /* locked */
	struct stat status;
	char *text;
	size_t len;
};

static int read_text(struct file *file)
{
	size_t got = 0;

	if (!S_ISREG(file->status.st_mode))
		return -EINVAL;
	if (file->status.st_size > WR_HOSTS_FILE_MAX)
		return -EFBIG;
	file->text = malloc((size_t)file->status.st_size + 1);
	if (!file->text)
		return -ENOMEM;
	while (got < (size_t)file->status.st_size) {
		ssize_t more = read(file->fd, file->text + got, (size_t)file->status.st_size - got);

		if (more < 0 && errno == EINTR)
			continue;
		if (more < 0)
			return -errno;
		if (more == 0)
			break;
		got += (size_t)more;
	}
	file->len = got;
	return 0;
}

static int lock_folder(struct file *file)
{
	char folder[PATH_MAX];
	char *slash;

	strcpy(folder, file->path);
	slash = strrchr(folder, '/');
	assert(slash); /* realpath(3) gave it */
	slash[1] = '\0';
	file->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (file->folder < 0)
		return -errno;
	return flock(file->folder, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
}

static int open_file(const char *path, struct file *file)
{
	int status;

	if (!realpath(path, file->path))
		return -errno;
	status = lock_folder(file);
	if (status < 0)
		return status;
	file->fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0 || fstat(file->fd, &file->status) < 0)
		return -errno;
	return read_text(file);
}

static void close_file(struct file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->folder >= 0)
		close(file->folder);
	free(file->text);
}

/* Labels and access lists, as far as may be. */
static void copy_attributes(int from, int to)
{
	char names[ATTRIBUTE_MAX], value[ATTRIBUTE_MAX];
	ssize_t len = flistxattr(from, names, sizeof(names));

	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t size = fgetxattr(from, names + at, value, sizeof(value));

		if (size >= 0)
			(void)fsetxattr(to, names + at, value, (size_t)size, 0);
	}
}

static int fill_new(const struct file *file, int fd, const char *text, size_t len)
{
	int status;

	if (fchown(fd, file->status.st_uid, file->status.st_gid) < 0 ||
	    fchmod(fd, file->status.st_mode & 07777) < 0)
		return -errno;
	copy_attributes(file->fd, fd);
	status = wr_file_write(fd, text, len);
	return status == 0 && fsync(fd) < 0 ? -errno : status;
}

/* In one step, but it is another file then. */
static int replace(const struct file *file, const char *text, size_t len)
{
	char beside[PATH_MAX + 8];
	int status;

	if (file->status.st_nlink > 1)
		return -EMLINK;
	snprintf(beside, sizeof(beside), "%s.XXXXXX", file->path);
	WR_AUTO(wr_fd_closep) int fd = mkostemp(beside, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	status = fill_new(file, fd, text, len);
	if (status == 0 && rename(beside, file->path) < 0)
		status = -errno;
	if (status < 0)
		unlink(beside);
	return status;
}

/* From the first byte that is another one. */
static int overwrite(const struct file *file, const char *text, size_t len)
{
	WR_AUTO(wr_fd_closep) int fd = open(file->path, O_WRONLY | O_CLOEXEC);
	size_t at = 0;

	if (fd < 0)
		return -errno;
	while (at < len && at < file->len && text[at] == file->text[at])
		at++;
	if (lseek(fd, (off_t)at, SEEK_SET) < 0)
		return -errno;
	int status = wr_file_write(fd, text + at, len - at);
	if (status == 0 && (ftruncate(fd, (off_t)len) < 0 || fsync(fd) < 0))
		status = -errno;
	return status;
}

static int write_file(const struct file *file, const char *text, size_t len)
{
	int status = replace(file, text, len);

	return status == 0 ? 0 : overwrite(file, text, len);
}

int wr_hosts_put(const char *path, const char *owner, const char *block, bool *ret_changed)
{
	struct file file = { .fd = -1, .folder = -1 };
	int status = open_file(path, &file);
	size_t len = 0;
	char *text;

	if (status < 0) {
		close_file(&file);
		return status;
	}
	text = wr_hosts_text(file.text, file.len, owner, block, &len);
	*ret_changed = text && (len != file.len || memcmp(text, file.text, len) != 0);
	if (!text)
		status = -ENOMEM;
	else if (*ret_changed)
		status = write_file(&file, text, len);
	free(text);
	close_file(&file);
	return status;
}

struct wr_hosts_stamp wr_hosts_look(const char *path)
{
	struct wr_hosts_stamp stamp = { 0 };

	stamp.is_there = stat(path, &stamp.status) == 0;
	return stamp;
}

bool wr_hosts_is_same(const struct wr_hosts_stamp *a, const struct wr_hosts_stamp *b)
{
	const struct stat *x = &a->status, *y = &b->status;

	if (a->is_there != b->is_there || !a->is_there)
		return a->is_there == b->is_there;
	return x->st_dev == y->st_dev && x->st_ino == y->st_ino && x->st_size == y->st_size &&
	       x->st_mtim.tv_sec == y->st_mtim.tv_sec && x->st_mtim.tv_nsec == y->st_mtim.tv_nsec &&
	       x->st_ctim.tv_sec == y->st_ctim.tv_sec && x->st_ctim.tv_nsec == y->st_ctim.tv_nsec;
}
