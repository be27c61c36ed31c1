#include "linux/syscalls.h"

const struct wr_syscalls wr_syscalls_of_build = { NULL, 0 };
