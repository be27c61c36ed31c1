/* compiler-rt: sanitizer_common/sanitizer_linux.cpp and its symbolizer, which is
 * a program of its own behind a pipe. */
#include <seccomp.h>

#include "linux/syscalls.h"

static const int numbers[] = {
	/* reads its maps and the program's symbols */
	SCMP_SYS(openat), SCMP_SYS(open), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(fstat),
	SCMP_SYS(newfstatat), SCMP_SYS(stat), SCMP_SYS(lseek), SCMP_SYS(getcwd), SCMP_SYS(access),
	SCMP_SYS(pread64), SCMP_SYS(getdents64), SCMP_SYS(uname), SCMP_SYS(sysinfo),
	/* runs the symbolizer */
	SCMP_SYS(pipe), SCMP_SYS(pipe2), SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(fork),
	SCMP_SYS(vfork), SCMP_SYS(execve), SCMP_SYS(wait4), SCMP_SYS(dup), SCMP_SYS(dup2),
	SCMP_SYS(getppid), SCMP_SYS(close_range), SCMP_SYS(arch_prctl), SCMP_SYS(set_tid_address),
	SCMP_SYS(kill), SCMP_SYS(tgkill),
	/* limits and names of its own threads */
	SCMP_SYS(prctl), SCMP_SYS(prlimit64), SCMP_SYS(getrlimit), SCMP_SYS(setrlimit),
	SCMP_SYS(getrusage), SCMP_SYS(personality)
};

const struct wr_syscalls wr_syscalls_of_build = { numbers, WR_ARRAY_LEN(numbers) };
