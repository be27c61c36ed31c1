#include "linux/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "linux/files.h"

#define PATH_LEN 256

static int open_switch(const char *name, int flags)
{
	char path[PATH_LEN];
	int fd;

	if ((size_t)snprintf(path, sizeof(path), "/proc/sys/%s", name) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int wr_sysctl_read(const char *name)
{
	WR_AUTO(wr_fd_closep) int fd = open_switch(name, O_RDONLY);
	char value;
	ssize_t len;

	if (fd < 0)
		return fd;
	len = read(fd, &value, 1);
	if (len != 1)
		return len < 0 ? -errno : -EIO;
	return value != '0';
}

int wr_sysctl_write(const char *name, bool is_on)
{
	WR_AUTO(wr_fd_closep) int fd = open_switch(name, O_WRONLY);

	if (fd < 0)
		return fd;
	return write(fd, is_on ? "1" : "0", 1) == 1 ? 0 : -errno;
}
