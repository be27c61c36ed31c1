#include "linux/netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define OF_THIS_THREAD "/proc/thread-self/ns/net"
#define PATH_LEN (sizeof(WR_NETNS_DIR "/") + WR_NETNS_NAME_LEN)

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* --- Capabilities. --- */

static void cap_freep(cap_t *capabilities)
{
	if (*capabilities)
		cap_free(*capabilities);
}

static bool has(cap_t capabilities, cap_value_t which)
{
	cap_flag_value_t value = CAP_CLEAR;

	return capabilities && cap_get_flag(capabilities, which, CAP_EFFECTIVE, &value) == 0 &&
	       value == CAP_SET;
}

const char *wr_netns_missing(void)
{
	WR_AUTO(cap_freep) cap_t capabilities = cap_get_proc();
	bool has_sys = has(capabilities, CAP_SYS_ADMIN), has_net = has(capabilities, CAP_NET_ADMIN);

	if (has_sys && has_net)
		return NULL;
	if (has_net)
		return "CAP_SYS_ADMIN";
	return has_sys ? "CAP_NET_ADMIN" : "CAP_SYS_ADMIN and CAP_NET_ADMIN";
}

/* --- There and back. --- */

static int open_home(int *ret_fd)
{
	int fd = open(OF_THIS_THREAD, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static void come_home(int *home)
{
	if (*home < 0)
		return;
	if (setns(*home, CLONE_NEWNET) < 0)
		abort();
	close(*home);
	*home = -1;
}

int wr_netns_enter(const struct wr_netns *netns, struct wr_netns_visit *ret_visit)
{
	WR_AUTO(close_fd) int home = -1;
	int status = open_home(&home);

	if (status < 0)
		return status;
	if (setns(netns->fd, CLONE_NEWNET) < 0)
		return -errno;
	ret_visit->home = home;
	home = -1;
	return 0;
}

void wr_netns_leave(struct wr_netns_visit *visit)
{
	come_home(&visit->home);
}

/* --- Names. --- */

static int path_of(const char *name, char ret_path[PATH_LEN])
{
	size_t len = strlen(name);

	if (len == 0 || len >= WR_NETNS_NAME_LEN || strchr(name, '/') || name[0] == '.')
		return -EINVAL;
	snprintf(ret_path, PATH_LEN, WR_NETNS_DIR "/%s", name);
	return 0;
}

/* ip/ipnetns.c, netns_add(): the directory is a shared mount, so that a name that is
 * taken away in one mount namespace does not live on in another. */
static int share_dir(void)
{
	if (mount("", WR_NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	if (mount(WR_NETNS_DIR, WR_NETNS_DIR, "none", MS_BIND | MS_REC, NULL) < 0 ||
	    mount("", WR_NETNS_DIR, "none", MS_SHARED | MS_REC, NULL) < 0)
		return -errno;
	return 0;
}

/* As iproute2 does, so that two at once neither mount it twice nor take a name away that
 * was given anew. */
static int lock_dir(int *ret_lock)
{
	int dir = open(WR_NETNS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int status = 0;

	if (dir < 0)
		return -errno;
	if (flock(dir, LOCK_EX) < 0) {
		status = -errno;
		close(dir);
		return status;
	}
	*ret_lock = dir;
	return 0;
}

static int make_dir(void)
{
	WR_AUTO(close_fd) int lock = -1;
	int status;

	if (mkdir(WR_NETNS_DIR, 0755) < 0 && errno != EEXIST)
		return -errno;
	status = lock_dir(&lock);
	return status < 0 ? status : share_dir();
}

/* Mounts the namespace that `source` is onto a new file. */
static int give_name(const char *source, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_CREAT | O_EXCL, 0);
	int status = 0;

	if (fd < 0)
		return -errno;
	close(fd);
	if (mount(source, path, "none", MS_BIND, NULL) < 0) {
		status = -errno;
		unlink(path);
	}
	return status;
}

static int take_name(const char *path)
{
	/* EINVAL: nothing is mounted there. */
	if (umount2(path, MNT_DETACH) < 0 && errno != EINVAL)
		return -errno;
	return unlink(path) < 0 ? -errno : 0;
}

int wr_netns_delete(const char *name)
{
	WR_AUTO(close_fd) int lock = -1;
	char path[PATH_LEN];
	int status = path_of(name, path);

	if (status == 0)
		status = lock_dir(&lock);
	return status < 0 ? status : take_name(path);
}

bool wr_netns_has_name(const struct wr_netns *netns)
{
	char path[PATH_LEN];
	struct stat found;

	return path_of(netns->name, path) == 0 && stat(path, &found) == 0 &&
	       found.st_dev == netns->device && found.st_ino == netns->inode;
}

void wr_netns_forget_name(const struct wr_netns *netns)
{
	WR_AUTO(close_fd) int lock = -1;
	char path[PATH_LEN];

	if (path_of(netns->name, path) == 0 && lock_dir(&lock) == 0 && wr_netns_has_name(netns))
		(void)take_name(path);
}

int wr_netns_restore_name(const struct wr_netns *netns)
{
	char path[PATH_LEN], source[32];
	int status = path_of(netns->name, path);

	if (status < 0 || wr_netns_has_name(netns))
		return status;
	status = make_dir();
	if (status == 0)
		status = wr_netns_delete(netns->name);
	if (status < 0 && status != -ENOENT)
		return status;
	snprintf(source, sizeof(source), "/proc/thread-self/fd/%d", netns->fd);
	return give_name(source, path);
}

static void closedir_p(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int wr_netns_list(const char *prefix, void (*see)(void *context, const char *name), void *context)
{
	WR_AUTO(closedir_p) DIR *dir = opendir(WR_NETNS_DIR);
	const struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != '.' && strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
			see(context, entry->d_name);
	}
	return 0;
}

/* --- Making one. --- */

static int bring_lo_up(void)
{
	WR_AUTO(close_fd) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		return -errno;
	return 0;
}

/* Port 53 without CAP_NET_BIND_SERVICE: it is nobody else's network. Where /proc/sys
 * cannot be written, the capability is asked for when the port is bound. */
static void free_low_ports(void)
{
	WR_AUTO(close_fd)
	int fd = open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "0\n", 2) < 0)
		return;
}

/* The calling thread is in it afterwards, on failure maybe too. */
static int make_namespace(const char *path, int *ret_fd)
{
	WR_AUTO(close_fd) int fd = -1;
	int status;

	if (unshare(CLONE_NEWNET) < 0)
		return -errno;
	status = bring_lo_up();
	if (status == 0)
		status = open_home(&fd);
	if (status == 0)
		status = give_name(OF_THIS_THREAD, path);
	if (status < 0)
		return status;
	free_low_ports();
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int describe(const char *name, int fd, struct wr_netns *ret_netns)
{
	struct stat found;

	if (fstat(fd, &found) < 0)
		return -errno;
	*ret_netns = (struct wr_netns){
		.fd = fd,
		.device = found.st_dev,
		.inode = found.st_ino,
	};
	snprintf(ret_netns->name, sizeof(ret_netns->name), "%s", name);
	return 0;
}

int wr_netns_create(const char *name, struct wr_netns *ret_netns)
{
	WR_AUTO(come_home) int home = -1;
	WR_AUTO(close_fd) int fd = -1;
	char path[PATH_LEN];
	int status = path_of(name, path);

	if (status == 0)
		status = make_dir();
	if (status == 0)
		status = open_home(&home);
	if (status == 0)
		status = make_namespace(path, &fd);
	if (status == 0) {
		status = describe(name, fd, ret_netns);
		if (status < 0)
			(void)take_name(path);
	}
	if (status == 0)
		fd = -1;
	return status;
}

void wr_netns_close(struct wr_netns *netns)
{
	close(netns->fd);
	netns->fd = -1;
}
