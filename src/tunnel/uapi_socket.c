#include "tunnel/uapi_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define BACKLOG 16
#define LOOK_SECONDS 1

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int wr_uapi_socket_path(const char *interface, struct sockaddr_un *ret_address)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int len = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s.sock",
			   WR_UAPI_DIRECTORY, interface);

	if (len < 0 || (size_t)len >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	*ret_address = address;
	return 0;
}

static int make_directory(void)
{
	return mkdir(WR_UAPI_DIRECTORY, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int new_socket(int *ret_fd)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static const struct sockaddr *any(const struct sockaddr_un *address)
{
	return (const struct sockaddr *)address;
}

/* The file is for its owner only: who may write to it may read the keys. */
static int bind_to(int fd, const struct sockaddr_un *address)
{
	mode_t before = umask(0077);
	int status = bind(fd, any(address), sizeof(*address)) < 0 ? -errno : 0;

	umask(before);
	return status;
}

/* True if it is a socket that nobody listens on any more. */
static bool is_stale(const struct sockaddr_un *address)
{
	WR_AUTO(close_fd) int fd = -1;
	struct stat file;

	if (lstat(address->sun_path, &file) < 0 || !S_ISSOCK(file.st_mode))
		return false;
	return new_socket(&fd) == 0 && connect(fd, any(address), sizeof(*address)) < 0 &&
	       errno == ECONNREFUSED;
}

static int bind_or_replace(int fd, const struct sockaddr_un *address)
{
	int status = bind_to(fd, address);

	if (status != -EADDRINUSE || !is_stale(address))
		return status;
	if (unlink(address->sun_path) < 0)
		return -errno;
	return bind_to(fd, address);
}

static const char *file_name(const struct sockaddr_un *address)
{
	const char *slash = strrchr(address->sun_path, '/');

	return slash ? slash + 1 : address->sun_path;
}

/* Watches the directory: the file itself would only tell that something about it
 * has changed, as when its owner is changed too. */
static int watch_directory(const char *directory)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), error;

	if (fd < 0)
		return -errno;
	if (inotify_add_watch(fd, directory, IN_DELETE | IN_MOVED_FROM) >= 0)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

/* A user may have 128 inotify descriptors (inotify(7)), on a host with many containers all of them
 * together. Where there is none left, we look now and then. */
static int look_now_and_then(void)
{
	const struct itimerspec each = { { .tv_sec = LOOK_SECONDS }, { .tv_sec = LOOK_SECONDS } };
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd >= 0 && timerfd_settime(fd, 0, &each, NULL) == 0)
		return fd;
	close_fd(&fd);
	return -EMFILE;
}

static bool is_file_gone(const struct wr_uapi_socket *socket)
{
	return access(socket->address.sun_path, F_OK) < 0 && errno == ENOENT;
}

static int watch(struct wr_uapi_socket *socket)
{
	char directory[sizeof(socket->address.sun_path)];
	size_t len = (size_t)(file_name(&socket->address) - socket->address.sun_path);
	int fd;

	if (len == 0)
		return 0;
	memcpy(directory, socket->address.sun_path, len);
	directory[len] = '\0';
	fd = watch_directory(directory);
	socket->is_looked_after = fd == -EMFILE || fd == -ENOSPC;
	if (socket->is_looked_after)
		fd = look_now_and_then();
	if (fd < 0)
		return fd;
	socket->watch_fd = fd;
	/* It may have gone before it was watched. */
	socket->is_gone = is_file_gone(socket);
	return 0;
}

/* Leaves no file of ours behind. */
static int listen_and_watch(struct wr_uapi_socket *socket)
{
	int status = listen(socket->fd, BACKLOG) < 0 ? -errno : 0;

	if (status == 0)
		status = watch(socket);
	if (status < 0)
		wr_uapi_socket_done(socket);
	return status;
}

int wr_uapi_socket_open(const char *interface, struct wr_uapi_socket *ret_socket)
{
	struct wr_uapi_socket socket = { .fd = -1, .watch_fd = -1 };
	int status = wr_uapi_socket_path(interface, &socket.address);

	if (status == 0)
		status = make_directory();
	if (status == 0)
		status = new_socket(&socket.fd);
	if (status < 0)
		return status;
	status = bind_or_replace(socket.fd, &socket.address);
	if (status < 0) {
		close_fd(&socket.fd);
		return status;
	}
	status = listen_and_watch(&socket);
	if (status == 0)
		*ret_socket = socket;
	return status;
}

static int check_listens(int fd)
{
	int listens = 0;
	socklen_t len = sizeof(listens);

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0)
		return -errno;
	return listens ? 0 : -EINVAL;
}

static int make_ours(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	return 0;
}

int wr_uapi_socket_adopt(int fd, struct wr_uapi_socket *ret_socket)
{
	struct wr_uapi_socket adopted = { .fd = fd, .watch_fd = -1 };
	socklen_t len = sizeof(adopted.address);
	int status = check_listens(fd);

	if (status == 0)
		status = make_ours(fd);
	if (status == 0 && getsockname(fd, (struct sockaddr *)&adopted.address, &len) < 0)
		status = -errno;
	if (status == 0)
		status = watch(&adopted);
	if (status < 0) {
		close_fd(&adopted.watch_fd);
		return status;
	}
	*ret_socket = adopted;
	return 0;
}

void wr_uapi_socket_done(struct wr_uapi_socket *socket)
{
	if (socket->fd >= 0 && !socket->is_gone && socket->address.sun_path[0])
		(void)unlink(socket->address.sun_path);
	close_fd(&socket->fd);
	close_fd(&socket->watch_fd);
}

/* True if one of the `len` bytes of events is about our file. */
static bool is_about_ours(const struct wr_uapi_socket *socket, const char *events, size_t len)
{
	struct inotify_event event;

	for (size_t at = 0; at + sizeof(event) <= len; at += sizeof(event) + event.len) {
		memcpy(&event, events + at, sizeof(event));
		/* The directory was removed: then the file was before it. */
		if (event.mask & (IN_IGNORED | IN_UNMOUNT))
			return true;
		if (event.len &&
		    strcmp(events + at + sizeof(event), file_name(&socket->address)) == 0)
			return true;
	}
	return false;
}

bool wr_uapi_socket_is_gone(struct wr_uapi_socket *socket)
{
	char events[4096];
	ssize_t len;

	if (socket->watch_fd < 0)
		return socket->is_gone;
	while ((len = read(socket->watch_fd, events, sizeof(events))) > 0)
		if (!socket->is_looked_after)
			socket->is_gone |= is_about_ours(socket, events, (size_t)len);
	if (socket->is_looked_after)
		socket->is_gone |= is_file_gone(socket);
	return socket->is_gone;
}
