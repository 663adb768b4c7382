"""What a process may do by who it is: give it up, and close one's own memory to those who remain.

Linux alone; whoever calls asks first. Constants: include/uapi/linux/prctl.h and capability.h.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket

# Users that no account has: systemd keeps this range for users that exist while a service runs.
_USERS = range(61_184, 65_520)
USERS_OF_ONE = 128  # of one zygote: one for each child that runs at a time

_SET_PARENT_DEATH_SIGNAL, _SET_DUMPABLE, _SET_CHILD_SUBREAPER, _SET_NO_NEW_PRIVILEGES = 1, 4, 36, 38
_CAPABILITY_VERSION = 0x20080522


def claim_users() -> tuple[range, socket.socket]:
    """Users that no other zygote on this machine uses, and what holds the claim until it is closed.

    The claim is a name in the abstract socket namespace: two processes cannot have one, and it
    goes with its process.

    Raises:
        OSError: where all are taken.
    """
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    for first in range(_USERS.start, _USERS.stop - USERS_OF_ONE + 1, USERS_OF_ONE):
        try:
            claim.bind(f"\0autograder-users-{first}")
        except OSError:
            continue
        return range(first, first + USERS_OF_ONE), claim
    claim.close()
    raise OSError("every user that is kept for graders' children is in use; is another run stuck?")


def become(user: int) -> None:
    """Become the user `user`, in a group of the same number and no other. Root alone can.

    Raises:
        OSError: where the system refuses, or gives less than was asked for.
    """
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    if os.getresuid() != (user, user, user) or os.getresgid() != (user, user, user) or os.getgroups():
        raise OSError(f"the user is {os.getresuid()}, the group {os.getresgid()}, in place of {user}")


class _CapabilityHeader(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


def drop_capabilities() -> None:
    """Leave root, where it must stay root, no power that an ordinary user has not.

    Raises:
        OSError: where the system refuses.
    """
    header = _CapabilityHeader(_CAPABILITY_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice 32 bits each
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(ctypes.byref(header), ctypes.byref(nothing)):
        raise OSError(ctypes.get_errno(), "the capabilities cannot be dropped")


def forbid_new_privileges() -> None:
    """No program that this process executes has more power than it has itself."""
    _prctl(_SET_NO_NEW_PRIVILEGES, 1)


def close_memory() -> None:
    """Make this process's memory and descriptors unreadable to other processes of the same user."""
    _prctl(_SET_DUMPABLE, 0)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def follow_parent(parent: int, number: int = signal.SIGKILL) -> None:
    """Get a signal when `parent`, the process that started this one, ends. `become` undoes it."""
    _prctl(_SET_PARENT_DEATH_SIGNAL, number)
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def be_killed_first() -> None:
    """Where the machine runs out of memory, let the kernel end this process before any other."""
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
        score.write("1000")


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        error = ctypes.get_errno()
        raise OSError(error, f"prctl {option}: {os.strerror(error)}")
