#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#define THREAD_NS "/proc/thread-self/ns/net"

static int open_ns(void)
{
	int fd = open(THREAD_NS, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

void lab_enter(const struct lab_host *host)
{
	assert_int_equal(setns(host->ns, CLONE_NEWNET), 0);
}

void lab_leave(const struct lab *lab)
{
	assert_int_equal(setns(lab->home, CLONE_NEWNET), 0);
}

void lab_ip(const struct lab *lab, const struct lab_host *host, const char *format, ...)
{
	char command[256] = "ip ";
	va_list arguments;
	int status;

	va_start(arguments, format);
	vsnprintf(command + 3, sizeof(command) - 3, format, arguments);
	va_end(arguments);
	lab_enter(host);
	status = system(command);
	lab_leave(lab);
	if (status != 0)
		fail_msg("%s: status %d (ip(8) is in iproute2)", command, status);
}

static void make_namespace(struct lab *lab, unsigned number)
{
	struct lab_host *host = &lab->hosts[number];

	if (unshare(CLONE_NEWNET) < 0)
		fail_msg("a network namespace needs root: %s", strerror(errno));
	*host = (struct lab_host){ .ns = open_ns(), .number = number + 1 };
	lab_leave(lab);
	lab_ip(lab, host, "link set lo up");
}

static void connect_hosts(struct lab *lab)
{
	struct lab_host *a = &lab->hosts[0];

	lab_ip(lab, a, "link add wan type veth peer name wan netns /proc/%d/fd/%d", getpid(),
	       lab->hosts[1].ns);
	for (unsigned i = 0; i < 2; i++) {
		struct lab_host *host = &lab->hosts[i];

		for (unsigned j = 0; j < LAB_DEVICES; j++)
			lab_ip(lab, host, "addr add 10.77.%u.%u/24 dev wan", j, host->number);
		lab_ip(lab, host, "addr add fd77::%u/64 dev wan nodad", host->number);
		lab_ip(lab, host, "link set wan up");
	}
}

static void make_tun(struct lab *lab, struct lab_host *host, unsigned number, unsigned queues)
{
	char name[IF_NAMESIZE];
	int error;

	snprintf(name, sizeof(name), "wg%u", number);
	lab_enter(host);
	error = wr_tun_open(name, queues, &host->tuns[number]);
	if (!error)
		error = wr_tun_set_mtu(host->tuns[number], LAB_MTU);
	lab_leave(lab);
	if (error)
		fail_msg("a TUN device: %s", strerror(-error));
	lab_ip(lab, host, "addr add 10.88.%u.%u/24 dev %s", number, host->number, name);
	lab_ip(lab, host, "link set %s up", name);
}

void lab_open(struct lab *lab, const unsigned queues[2])
{
	lab->home = open_ns();
	make_namespace(lab, 0);
	make_namespace(lab, 1);
	connect_hosts(lab);
	for (unsigned i = 0; i < 2; i++)
		for (unsigned j = 0; j < LAB_DEVICES; j++)
			make_tun(lab, &lab->hosts[i], j, queues[i]);
}

void lab_close(struct lab *lab)
{
	for (unsigned i = 0; i < 2; i++) {
		for (unsigned j = 0; j < LAB_DEVICES; j++)
			wr_tun_free(lab->hosts[i].tuns[j]);
		close(lab->hosts[i].ns);
	}
	close(lab->home);
}

/* Two lines a group: "Tcp: NAME NAME ...", "Tcp: NUMBER NUMBER ...". */
static uint64_t pick(FILE *file, const char *group, const char *name)
{
	char names[1024], numbers[1024];
	size_t len = strlen(group);

	while (fgets(names, sizeof(names), file) && fgets(numbers, sizeof(numbers), file)) {
		char *name_at, *number_at;
		char *word = strtok_r(names, " \n", &name_at);
		char *number = strtok_r(numbers, " \n", &number_at);

		if (strncmp(names, group, len) != 0 || names[len] != ':')
			continue;
		for (; word && number; word = strtok_r(NULL, " \n", &name_at),
				       number = strtok_r(NULL, " \n", &number_at))
			if (strcmp(word, name) == 0)
				return strtoull(number, NULL, 10);
	}
	fail_msg("no %s of %s in /proc/net/snmp", name, group);
	return 0;
}

uint64_t lab_snmp(const struct lab *lab, const struct lab_host *host, const char *group,
		  const char *name)
{
	uint64_t value;
	FILE *file;

	lab_enter(host);
	file = fopen("/proc/thread-self/net/snmp", "r");
	assert_non_null(file);
	value = pick(file, group, name);
	fclose(file);
	lab_leave(lab);
	return value;
}
