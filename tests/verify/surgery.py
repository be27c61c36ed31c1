"""Damages a running process from outside, as no program could from within: ptrace(2) by hand.

The process's main thread is stopped where it waits for events, is made to run a function or a system call, and goes
on as if nothing had been. gdb(1) reads where things are; it cannot call functions on CPUs whose extended state it
does not know. x86-64 only."""

import ctypes
import os
import platform
import signal
import struct
import subprocess
import tempfile

PTRACE_PEEKTEXT, PTRACE_CONT, PTRACE_SINGLESTEP, PTRACE_POKETEXT = 1, 7, 9, 4
PTRACE_GETREGS, PTRACE_SETREGS, PTRACE_ATTACH, PTRACE_DETACH = 12, 13, 16, 17
SYS_CLOSE, SYS_WAITS = 3, (232, 281, 441)  # epoll_wait and its like
EINTR = 4
RED_ZONE = 256
NAMES = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs").split()

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def read(pid, commands, timeout=60):
    """What gdb(1) says of a process: it runs on afterwards."""
    with tempfile.NamedTemporaryFile("w", suffix=".gdb") as script:
        script.write("\n".join(["set pagination off", "set confirm off", "set debuginfod enabled off", *commands, "detach", "quit\n"]))
        script.flush()
        done = subprocess.run(["gdb", "--batch", "--nx", "--quiet", "-p", str(pid), "-x", script.name],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    return done.stdout, done.stderr


class Surgery:
    """The process is stopped from __enter__ to __exit__."""

    def __init__(self, pid):
        assert platform.machine() == "x86_64", "this is for x86-64 only"
        self.pid = pid

    def __enter__(self):
        for _ in range(50):
            self._ptrace(PTRACE_ATTACH)
            self._wait()
            self.saved = self._registers()
            if self.saved["orig_rax"] in SYS_WAITS:
                return self
            self._ptrace(PTRACE_DETACH)  # it is at work: once more
        raise AssertionError("the process never waits for events")

    def __exit__(self, *_):
        # The wait that was interrupted says so, as for any signal.
        self._set({**self.saved, "rax": -EINTR, "orig_rax": -1})
        self._ptrace(PTRACE_DETACH)

    def call(self, function, *arguments):
        """Calls a function of the process with up to three pointers."""
        stack = ((self.saved["rsp"] - RED_ZONE) & ~15) - 8
        self._ptrace(PTRACE_POKETEXT, stack, 0)  # it returns to address 0, and stops there
        self._set({**self.saved, **dict(zip(("rdi", "rsi", "rdx"), arguments)), "rip": function, "rsp": stack, "rax": 0, "orig_rax": -1})
        self._ptrace(PTRACE_CONT)
        number = self._wait()
        assert number == signal.SIGSEGV and self._registers()["rip"] == 0, f"the call ended with signal {number}"

    def close(self, fd):
        """Closes a file of the process."""
        self._set({**self.saved, "rip": self.saved["rip"] - 2, "rax": SYS_CLOSE, "rdi": fd, "orig_rax": -1})
        self._ptrace(PTRACE_SINGLESTEP)
        self._wait()
        assert self._registers()["rax"] == 0, f"close({fd}) failed"

    def _wait(self):
        _, status = os.waitpid(self.pid, 0)
        assert os.WIFSTOPPED(status), f"the process ended: {status}"
        return os.WSTOPSIG(status)

    def _registers(self):
        buffer = (ctypes.c_ulonglong * len(NAMES))()
        self._ptrace(PTRACE_GETREGS, 0, ctypes.addressof(buffer))
        return dict(zip(NAMES, buffer))

    def _set(self, registers):
        packed = struct.pack(f"{len(NAMES)}Q", *(registers[name] & (1 << 64) - 1 for name in NAMES))
        buffer = ctypes.create_string_buffer(packed, len(packed))
        self._ptrace(PTRACE_SETREGS, 0, ctypes.addressof(buffer))

    def _ptrace(self, request, address=0, data=0):
        ctypes.set_errno(0)
        result = _libc.ptrace(request, self.pid, address, data)
        if result == -1 and ctypes.get_errno():
            raise OSError(ctypes.get_errno(), f"ptrace({request})")
        return result
