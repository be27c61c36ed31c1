/* The system call filter. A list a purpose; what is in none fails with EPERM. */
#include <errno.h>
#include <net/if.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "linux/privileges.h"
#include "linux/syscalls.h"

static const int allowed[] = {
	/* Packets: TUN queues and UDP sockets; the configuration socket, netlink,
	 * inotify, event and signal descriptors. */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(recvmmsg),
	SCMP_SYS(sendmmsg), SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(recvfrom),
	SCMP_SYS(sendto),
	/* Waiting for one of them, for a time, or for another thread. */
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_ctl), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(futex), SCMP_SYS(membarrier), SCMP_SYS(sched_yield),
	SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep), SCMP_SYS(restart_syscall),
	SCMP_SYS(timerfd_settime),
	/* Clocks, where the vDSO cannot read them. */
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
	/* Memory of tables that grow; mmap and mprotect are below. */
	SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	/* malloc(3) spreads its arenas over the CPUs there are. */
	SCMP_SYS(sched_getaffinity), SCMP_SYS(getcpu),
	/* Keys and nonces. */
	SCMP_SYS(getrandom),
	/* Sockets of another port; socket() itself is below. */
	SCMP_SYS(bind), SCMP_SYS(setsockopt), SCMP_SYS(getsockopt), SCMP_SYS(getsockname),
	SCMP_SYS(close), SCMP_SYS(fcntl),
	/* Clients of the configuration socket; whether its file is there; removing it. */
	SCMP_SYS(accept4), SCMP_SYS(shutdown), SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(inotify_rm_watch),
	/* Letting go of the terminal once all went well. */
	SCMP_SYS(dup2), SCMP_SYS(dup3),
	/* Ending: of a thread, of the program, and by assert(3). */
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(getpid), SCMP_SYS(gettid),
	SCMP_SYS(set_robust_list), SCMP_SYS(rseq)
};

/* Nothing of ours ever makes these: whoever does has taken the program over. */
static const int fatal[] = {
	/* starts a program */
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork),
	/* touches another process */
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(process_madvise), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp),
	/* changes the kernel, or the view of it */
	SCMP_SYS(bpf), SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load), SCMP_SYS(kexec_file_load), SCMP_SYS(mount), SCMP_SYS(umount2),
	SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(setns), SCMP_SYS(unshare),
	SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(open_by_handle_at)
};

/* if_nametoindex(3), for a scope in an endpoint; uv_poll_init(3), for a client of
 * the configuration socket. */
static const unsigned long ioctls[] = { SIOCGIFINDEX, FIONBIO };

static const int families[] = { AF_INET, AF_INET6, AF_UNIX };

static bool is_of_build(int number)
{
	for (size_t i = 0; i < wr_syscalls_of_build.count; i++) {
		if (wr_syscalls_of_build.numbers[i] == number)
			return true;
	}
	return false;
}

static int add_list(scmp_filter_ctx filter, uint32_t action, const int *numbers, size_t count)
{
	int status = 0;

	for (size_t i = 0; i < count && status == 0; i++)
		status = seccomp_rule_add_array(filter, action, numbers[i], 0, NULL);
	return status;
}

static int add_fatal(scmp_filter_ctx filter)
{
	int status = 0;

	for (size_t i = 0; i < WR_ARRAY_LEN(fatal) && status == 0; i++) {
		if (!is_of_build(fatal[i]))
			status = seccomp_rule_add_array(filter, SCMP_ACT_KILL_PROCESS, fatal[i], 0,
							NULL);
	}
	return status;
}

static int allow_if(scmp_filter_ctx filter, int number, unsigned count,
		    const struct scmp_arg_cmp *conditions)
{
	return seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, count, conditions);
}

/* Memory, but no code: argument 2 is the protection. */
static int add_memory(scmp_filter_ctx filter)
{
	struct scmp_arg_cmp no_code = SCMP_A2_64(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
	int status = allow_if(filter, SCMP_SYS(mmap), 1, &no_code);

	return status < 0 ? status : allow_if(filter, SCMP_SYS(mprotect), 1, &no_code);
}

/* Datagram sockets; 15 is the kernel's SOCK_TYPE_MASK. */
static int add_sockets(scmp_filter_ctx filter)
{
	int status = 0;

	for (size_t i = 0; i < WR_ARRAY_LEN(families) && status == 0; i++) {
		struct scmp_arg_cmp conditions[] = {
			SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)families[i]),
			SCMP_A1_32(SCMP_CMP_MASKED_EQ, 15, SOCK_DGRAM),
		};

		status = allow_if(filter, SCMP_SYS(socket), WR_ARRAY_LEN(conditions), conditions);
	}
	return status;
}

static int add_ioctls(scmp_filter_ctx filter)
{
	int status = 0;

	for (size_t i = 0; i < WR_ARRAY_LEN(ioctls) && status == 0; i++) {
		struct scmp_arg_cmp is_request = SCMP_A1_32(SCMP_CMP_EQ, (uint32_t)ioctls[i]);

		status = allow_if(filter, SCMP_SYS(ioctl), 1, &is_request);
	}
	return status;
}

/* assert(3) sends the signal to a thread of this process; to no other. */
static int add_abort(scmp_filter_ctx filter)
{
	struct scmp_arg_cmp is_self = SCMP_A0_32(SCMP_CMP_EQ, (uint32_t)getpid());

	return is_of_build(SCMP_SYS(tgkill)) ? 0 : allow_if(filter, SCMP_SYS(tgkill), 1, &is_self);
}

static int add_rules(scmp_filter_ctx filter)
{
	int status = add_list(filter, SCMP_ACT_ALLOW, allowed, WR_ARRAY_LEN(allowed));

	if (status == 0)
		status = add_list(filter, SCMP_ACT_ALLOW, wr_syscalls_of_build.numbers,
				  wr_syscalls_of_build.count);
	if (status == 0)
		status = add_fatal(filter);
	if (status == 0)
		status = add_memory(filter);
	if (status == 0)
		status = add_sockets(filter);
	if (status == 0)
		status = add_ioctls(filter);
	return status < 0 ? status : add_abort(filter);
}

/* SSB: older kernels (before 5.16) switch a costly mitigation on with the filter,
 * which is for programs that run other people's code. */
static int set_attributes(scmp_filter_ctx filter)
{
	int status = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	if (status == 0)
		status = seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	return status < 0 ? status : seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
}

static scmp_filter_ctx context_of(struct wr_seccomp *filter)
{
	return filter;
}

int wr_seccomp_new(struct wr_seccomp **ret_filter)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int status;

	if (!filter)
		return -ENOMEM;
	status = set_attributes(filter);
	if (status == 0)
		status = add_rules(filter);
	if (status < 0) {
		seccomp_release(filter);
		return status;
	}
	*ret_filter = filter;
	return 0;
}

struct wr_seccomp *wr_seccomp_free(struct wr_seccomp *filter)
{
	if (filter)
		seccomp_release(context_of(filter));
	return NULL;
}

int wr_seccomp_load(struct wr_seccomp *filter)
{
	return seccomp_load(context_of(filter));
}
