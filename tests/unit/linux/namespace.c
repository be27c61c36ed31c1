#include "namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(bool is_good, const char *what)
{
	if (!is_good)
		fail_msg("%s: %s (this test needs root, or user namespaces)", what,
			 strerror(errno));
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	must(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(fd);
}

static void become_root(void)
{
	char map[64];
	unsigned uid = geteuid(), gid = getegid();

	if (uid == 0)
		return;
	must(unshare(CLONE_NEWUSER) == 0, "unshare(CLONE_NEWUSER)");
	write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_file("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1", gid);
	write_file("/proc/self/gid_map", map);
}

static void own_run(void)
{
	must(unshare(CLONE_NEWNS) == 0, "unshare(CLONE_NEWNS)");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "mount --make-private /");
	must(mount("run", "/run", "tmpfs", 0, NULL) == 0, "mount -t tmpfs run /run");
}

void namespace_run(const char *format, ...)
{
	char command[512];
	va_list arguments;
	int status;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	status = system(command);
	if (status != 0)
		fail_msg("%s: status %d (Debian package iproute2 has ip)", command, status);
}

void namespace_enter(void)
{
	static bool is_ours;

	if (!is_ours) {
		become_root();
		own_run();
		is_ours = true;
	}
	must(unshare(CLONE_NEWNET) == 0, "unshare(CLONE_NEWNET)");
	namespace_run("ip link set lo up");
}
