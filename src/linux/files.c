#include "linux/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define COPY_CHUNK 65536

/* Up to `max` + 1 bytes. */
static ssize_t read_all(int fd, char *bytes, size_t max)
{
	size_t len = 0;

	while (len <= max) {
		ssize_t got = read(fd, bytes + len, max + 1 - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		len += (size_t)got;
	}
	return (ssize_t)len;
}

int wr_file_read_bytes(int fd, size_t max, uint8_t **ret_bytes, size_t *ret_len)
{
	WR_AUTO(wr_text_freep) char *bytes = malloc(max + 2);
	ssize_t len;

	if (!bytes)
		return -ENOMEM;
	len = read_all(fd, bytes, max);
	if (len < 0)
		return (int)len;
	if ((size_t)len > max)
		return -EFBIG;
	bytes[len] = '\0'; /* of a text */
	*ret_bytes = (uint8_t *)WR_TAKE(bytes);
	*ret_len = (size_t)len;
	return 0;
}

int wr_file_read(const char *path, size_t max, char **ret_text)
{
	bool is_input = strcmp(path, "-") == 0;
	WR_AUTO(wr_fd_closep)
	int fd = is_input ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *bytes;
	size_t len;
	int status = fd < 0 ? -errno : wr_file_read_bytes(fd, max, &bytes, &len);

	if (status < 0)
		return status;
	if (memchr(bytes, '\0', len)) {
		free(bytes);
		return -EILSEQ;
	}
	*ret_text = (char *)bytes;
	return 0;
}

int wr_file_write(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t put = write(fd, text, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		text += put;
		len -= (size_t)put;
	}
	return 0;
}

/* A new name is kept once its folder is on the disk. */
static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	WR_AUTO(wr_text_freep)
	char *folder = slash ? wr_text_new("%.*s/", (int)(slash - path), path) : wr_text_new(".");
	WR_AUTO(wr_fd_closep) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* Some file systems have no such thing. */
	if (fd >= 0)
		(void)fsync(fd);
}

int wr_file_replace(const char *path, const char *text, size_t len)
{
	WR_AUTO(wr_text_freep) char *beside = wr_text_new("%s.XXXXXX", path);
	WR_AUTO(wr_fd_closep) int fd = mkostemp(beside, O_CLOEXEC);
	int status;

	if (fd < 0)
		return -errno;
	status = wr_file_write(fd, text, len);
	if (status == 0 && (fsync(fd) < 0 || rename(beside, path) < 0))
		status = -errno;
	if (status < 0)
		unlink(beside);
	else
		sync_folder(path);
	return status;
}

static int copy_bytes(int from, int to)
{
	WR_AUTO(wr_text_freep) char *chunk = malloc(COPY_CHUNK);
	ssize_t got;

	if (!chunk)
		return -ENOMEM;
	while ((got = read(from, chunk, COPY_CHUNK)) != 0) {
		int status = got < 0 ? -errno : wr_file_write(to, chunk, (size_t)got);

		if (status < 0 && status != -EINTR)
			return status;
	}
	return fsync(to) < 0 ? -errno : 0;
}

int wr_file_copy(const char *from, const char *to)
{
	WR_AUTO(wr_fd_closep) int source = open(from, O_RDONLY | O_CLOEXEC);
	WR_AUTO(wr_fd_closep) int target = -1;
	int status;

	if (source < 0)
		return -errno;
	target = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (target < 0)
		return -errno;
	status = copy_bytes(source, target);
	if (status < 0)
		unlink(to);
	return status;
}

char *wr_text_new(const char *format, ...)
{
	va_list values;
	char *text;
	int len;

	va_start(values, format);
	len = vasprintf(&text, format, values);
	va_end(values);
	if (len < 0)
		abort();
	return text;
}
