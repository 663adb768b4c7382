"""A filter on system calls: what a child may not ask of the kernel, whoever it is and whatever it can reach.

Theory of operation
-------------------
`install` gives the kernel a program of classic BPF, made by `program`. The kernel runs it before each system call, on
the call's number, the machine's name and the six arguments, never on memory. It stays for as long as the process lives,
holds for every thread, and can only be tightened. It needs `no_new_privs`, and no privilege.

It is a second wall. Landlock and a user of the child's own stand around files and other users' processes; the filter is
for what those leave open: making processes, sockets, processes of the same user, what outlives the child, and parts of
the kernel that homework has no use for.

Why a list of what is refused, and not of what is allowed: Python, NumPy, torch and the C library ask for different
calls in every version, and a call that is missing in a list of allowed ones costs an honest student the points. What a
list of refusals may overlook is what is new, so numbers that it does not know (above `syscalls.NEWEST`, or in a gap
below it) are answered as an old kernel would: there is no such call.

Three answers
-------------
- EPERM, a PermissionError in Python, where the caller should learn that it was refused.
- ENOSYS, "this kernel has no such call", where libraries try a new call and then an older one. The C library makes
  threads with clone3 or else clone; whether clone3 makes a thread or a process stands in memory, where no filter looks.
- Nothing at all, and success all the same, where an honest copy of a file would fail over what does not matter here.
- The process is killed (SIGSYS) where it calls in the tongue of another machine: 32-bit or x32 calls on x86-64 and
  32-bit ones on aarch64 have other numbers, and nothing that is graded makes them.

What is refused, and why
------------------------
- Processes: a child can make threads and nothing else, so it leaves nobody behind and runs no program. clone must make
  a thread, and in no namespace of its own.
- Network: no socket is made, named or connected. A pair of stream sockets, which asyncio needs, is connected to itself;
  a pair of datagram sockets is not allowed, since a datagram can be sent from it to any Unix socket by its path.
- Other processes: tracing, their memory, their descriptors and their limits; signals, priorities and processors are
  for the process's own id (a thread says 0, not its own). A file's owner (F_SETOWN, FIOSETOWN) is refused with the
  rest: when the file is ready the kernel sends the owner any signal that was asked for. The session, the group, and
  the death with the parent stay as they are.
- What outlives the child or is counted for none: System V and POSIX queues, semaphores and shared memory, key rings;
  files in memory, which RLIMIT_AS does not count; asynchronous I/O, which does what a filter does not see.
- Who owns a file, its attributes, and (passed over in silence, for shutil.copy asks for it) its mode and times.
  Landlock does not guard these: a child of the same user could close the folder of the results to the grader itself.
- The kernel's own inside: BPF, performance events, userfaultfd, which have been its weak places.
- The machine: mounts, namespaces, roots, clocks, modules, accounts, names, ports. Root's own calls, most of them.
- Terminals: a character pushed into a terminal's input (TIOCSTI) is typed to whoever reads it.

Arguments
---------
A register has 64 bits. Of every argument compared here the kernel itself takes the low 32 (they are declared int or
unsigned int; of clone's flags it takes the lower half), so the low half is compared, and nothing can be hidden in the
upper one. It is not required to be zero: the C library may leave there what it likes.

The program looks a number up by halving: about eight comparisons, and no jump of more than the 255 instructions that
one can skip (`program` would raise). Linux 5.11 and later find out once, when the filter is installed, which calls are
allowed whatever their arguments are, and do not run it for those again.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.sandbox.syscalls import MACHINES, NEWEST, UNASSIGNED, numbers_of

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, constant
Code = tuple[Instruction, ...]

# include/uapi/linux/bpf_common.h
_LOAD, _AND, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
# struct seccomp_data: int nr; __u32 arch; __u64 instruction_pointer; __u64 args[6]
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

# include/uapi/linux/audit.h
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000

_EPERM, _ENOSYS = 1, 38  # Linux's, wherever the program is made
_KILL: Code = ((_RETURN, 0, 0, 0x80000000),)
_ALLOW: Code = ((_RETURN, 0, 0, 0x7FFF0000),)
_REFUSE: Code = ((_RETURN, 0, 0, 0x00050000 | _EPERM),)
_LACK: Code = ((_RETURN, 0, 0, 0x00050000 | _ENOSYS),)
_PASS_OVER: Code = ((_RETURN, 0, 0, 0x00050000),)

_PROCESSES = ("execve", "execveat", "fork", "vfork")
_NETWORK = ("accept", "accept4", "bind", "connect", "listen", "socket")
_OTHERS = (
    *("get_robust_list", "kcmp", "migrate_pages", "move_pages", "pidfd_getfd", "pidfd_open", "pidfd_send_signal"),
    *("process_madvise", "process_mrelease", "process_vm_readv", "process_vm_writev", "ptrace"),
    *("setpgid", "setsid", "tkill"),
)
_LASTING = (
    *("semctl", "semget", "semop", "semtimedop", "shmat", "shmctl", "shmdt", "shmget"),
    *("msgctl", "msgget", "msgrcv", "msgsnd", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive"),
    *("mq_timedsend", "mq_unlink", "add_key", "keyctl", "request_key"),
)
_INSIDE = ("bpf", "perf_event_open", "userfaultfd")
_MACHINE = (
    *("acct", "adjtimex", "chroot", "clock_adjtime", "clock_settime", "create_module", "delete_module"),
    *("fanotify_init", "fanotify_mark", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick", "init_module"),
    *("ioperm", "iopl", "kexec_file_load", "kexec_load", "lookup_dcookie", "lsm_set_self_attr", "mount"),
    *("mount_setattr", "move_mount", "name_to_handle_at", "nfsservctl", "open_by_handle_at", "open_tree"),
    *("open_tree_attr", "pivot_root", "query_module", "quotactl", "quotactl_fd", "reboot", "setdomainname"),
    *("sethostname", "setns", "settimeofday", "swapoff", "swapon", "syslog", "umount2", "unshare", "vhangup"),
)
_OWNERS = (
    *("chown", "fchown", "fchownat", "lchown", "fremovexattr", "fsetxattr", "lremovexattr", "lsetxattr"),
    *("removexattr", "removexattrat", "setxattr", "setxattrat", "file_setattr"),
)
_REFUSED = (*_PROCESSES, *_NETWORK, *_OTHERS, *_LASTING, *_INSIDE, *_MACHINE, *_OWNERS)
_LACKING = (
    *("clone3", "memfd_create", "memfd_secret"),
    *("io_setup", "io_uring_enter", "io_uring_register", "io_uring_setup"),
)

_PASSED_OVER = ("chmod", "fchmod", "fchmodat", "fchmodat2", "futimesat", "utime", "utimensat", "utimes")

_WHOLE = 0xFFFFFFFF
_CLONE_THREAD = 0x00010000
_CLONE_NAMESPACES = 0x7E020000  # mount, cgroup, uts, ipc, user, pid, network: all that clone itself can make
_SOCKET_TYPE = 0xF  # beside it: close-on-exec, non-blocking
_PRIO_PROCESS, _IOPRIO_WHO_PROCESS = 0, 1
_ASK_PERSONALITY = 0xFFFFFFFF
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15
_TIOCSTI, _TIOCLINUX, _FIOSETOWN, _SIOCSPGRP = 0x5412, 0x541C, 0x8901, 0x8902
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_SCHED_CORE = 1, 36, 62
_AF_UNIX, _SOCK_STREAM = 1, 1

_SET_MODE_FILTER = 1
_ALL_THREADS = 1  # SECCOMP_FILTER_FLAG_TSYNC
_INSTRUCTION = struct.Struct("=HBBI")  # struct sock_filter


@dataclass(frozen=True)
class _Condition:
    """The low half of an argument, after a mask, must be one of these values; or, where not `wanted`, none."""

    argument: int
    values: tuple[int, ...]
    mask: int = _WHOLE
    wanted: bool = True


def _conditions(pid: int) -> Mapping[str, tuple[_Condition, ...]]:
    """By name, what calls are allowed for, all of it at once; else they give EPERM."""
    own_id = (_Condition(0, (pid,)),)
    own = (_Condition(0, (0, pid)),)  # 0 is the caller, but for signals, where it is the group
    return {
        "clone": (_Condition(0, (_CLONE_THREAD,), mask=_CLONE_THREAD), _Condition(0, (0,), mask=_CLONE_NAMESPACES)),
        "socketpair": (_Condition(0, (_AF_UNIX,)), _Condition(1, (_SOCK_STREAM,), mask=_SOCKET_TYPE)),
        **dict.fromkeys(("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"), own_id),
        **dict.fromkeys(("sched_setaffinity", "sched_setattr", "sched_setparam", "sched_setscheduler"), own),
        "prlimit64": own,
        "setpriority": (_Condition(0, (_PRIO_PROCESS,)), _Condition(1, (0, pid))),
        "ioprio_set": (_Condition(0, (_IOPRIO_WHO_PROCESS,)), _Condition(1, (0, pid))),
        "prctl": (_Condition(0, (_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_SCHED_CORE), wanted=False),),
        "fcntl": (_Condition(1, (_F_SETOWN, _F_SETSIG, _F_SETOWN_EX), wanted=False),),
        "ioctl": (_Condition(1, (_TIOCSTI, _TIOCLINUX, _FIOSETOWN, _SIOCSPGRP), wanted=False),),
        "personality": (_Condition(0, (_ASK_PERSONALITY,)),),
    }


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def supported() -> bool:
    """Whether this is a 64-bit Python on Linux, on a machine whose system calls are known. Nothing is installed."""
    return sys.platform == "linux" and os.uname().machine in MACHINES and sys.maxsize > 2**32


def install() -> None:
    """Filter the calls of this process, all its threads, for good. `no_new_privs` must be set.

    Raises:
        OSError: where the kernel refuses.
        ValueError: where `supported` is false for this machine.
    """
    machine = os.uname().machine
    filter_ = program(machine, os.getpid())
    given = _Program(len(filter_) // _INSTRUCTION.size, filter_)
    libc = ctypes.CDLL(None, use_errno=True)
    result = libc.syscall(
        ctypes.c_long(numbers_of(machine)["seccomp"]),
        ctypes.c_long(_SET_MODE_FILTER),
        ctypes.c_long(_ALL_THREADS),
        ctypes.byref(given),
    )
    if result > 0:
        raise OSError(errno.EBUSY, f"seccomp: thread {result} has another filter")
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"seccomp: {os.strerror(error)}")


def program(machine: str, pid: int) -> bytes:
    """The filter for the process `pid` on `machine`, as an array of struct sock_filter.

    Raises:
        ValueError: where the machine is not known.
    """
    segments = _segments(machine, pid)
    code = (
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_IF_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        *_KILL,
        (_LOAD, 0, 0, _NUMBER),
        *_search(segments),
    )
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in code)


def _segments(machine: str, pid: int) -> list[tuple[int, Code]]:
    """What to do with calls from each number on, up to the next one; the first is 0."""
    numbers = numbers_of(machine)
    codes = [_ALLOW] * (NEWEST + 1)
    for number in (number for gap in UNASSIGNED[machine] for number in gap):
        codes[number] = _LACK
    checks = {name: _check(conditions) for name, conditions in _conditions(pid).items()}
    rules = {
        **dict.fromkeys(_REFUSED, _REFUSE),
        **dict.fromkeys(_LACKING, _LACK),
        **dict.fromkeys(_PASSED_OVER, _PASS_OVER),
        **checks,
    }
    for name, code in rules.items():
        if name in numbers:
            codes[numbers[name]] = code
    codes.append(_LACK)
    segments = [(number, code) for number, code in enumerate(codes) if not number or code != codes[number - 1]]
    return [*segments, (_X32, _KILL)] if machine == "x86_64" else segments


def _check(conditions: Sequence[_Condition]) -> Code:
    """Allow where every condition holds."""
    code: list[Instruction] = []
    for condition in conditions:
        code.append((_LOAD, 0, 0, _ARGUMENTS + 8 * condition.argument))
        if condition.mask != _WHOLE:
            code.append((_AND, 0, 0, condition.mask))
        for value, left in zip(condition.values, reversed(range(len(condition.values))), strict=True):
            met = (left + 1, 0) if condition.wanted else (left, 0 if left else 1)
            code.append((_IF_EQUAL, *met, value))
        code.extend(_REFUSE)
    return (*code, *_ALLOW)


def _search(segments: Sequence[tuple[int, Code]]) -> Code:
    """Find the segment of the number that is loaded, by halving, and do what it says."""
    if len(segments) == 1:
        return segments[0][1]
    middle = len(segments) // 2
    below, above = _search(segments[:middle]), _search(segments[middle:])
    return ((_IF_AT_LEAST, len(below), 0, segments[middle][0]), *below, *above)
