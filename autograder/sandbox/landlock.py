"""Landlock: a child reads what Python needs and its data, writes its own scratch folder, and nothing else.

Linux 5.13 and later, for root and ordinary users alike; the rules hold for all descendants and
cannot be lifted. Theory and constants: Documentation/userspace-api/landlock.rst of the kernel,
include/uapi/linux/landlock.h. The system call numbers are those of x86-64 and aarch64.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_PATH_BENEATH = 1
_MACHINES = ("x86_64", "aarch64")
_SITE = ("site-packages", "dist-packages")

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_READ = _EXECUTE | _READ_FILE | _READ_FOLDER
_ON_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | 1 << 14 | 1 << 15
# Rights that each version of the interface knows: 13 at first, then refer, truncate, device ioctl.
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}

READABLE_SYSTEM = (
    *("/usr", "/lib", "/lib64", "/bin", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"),
    *("/etc/fonts", "/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/etc/nsswitch.conf", "/etc/passwd"),
)
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")


# No signal to a process outside of the child's own, no abstract socket of one: since version 6.
_SCOPES = 1 << 0 | 1 << 1
_SCOPES_SINCE = 6


class _RulesetAttributes(ctypes.Structure):
    _fields_ = (
        ("handled_access_fs", ctypes.c_uint64),
        ("handled_access_net", ctypes.c_uint64),
        ("scoped", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def version() -> int:
    """The version of Landlock that this kernel offers, 0 where there is none."""
    if sys.platform != "linux" or platform.machine() not in _MACHINES:
        return 0
    return max(0, int(_libc().syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_ASK_VERSION))))


def interpreter_folders() -> tuple[str, ...]:
    """The folders that Python, its packages and this package are read from.

    A folder on sys.path that this package lies in is left out: expectations may lie in it as well.
    """
    package = Path(__file__).resolve().parents[1]
    on_path = (Path(entry).resolve() for entry in sys.path if Path(entry).is_absolute())  # some are hooks' names
    packages = (str(folder) for folder in on_path if not package.is_relative_to(folder) or folder.name in _SITE)
    return tuple(dict.fromkeys((sys.prefix, sys.base_prefix, sys.exec_prefix, str(package), *packages)))


def restrict(readable: Iterable[str], writable: Iterable[str]) -> None:
    """Give up, for good, every access to files but these. `no_new_privs` must be set.

    Args:
        readable: folders and files that may be read, beside the system's and the interpreter's.
        writable: folders in which everything may be done.

    Raises:
        OSError: where the kernel refuses.
    """
    handled = _RIGHTS[min(version(), max(_RIGHTS))]
    scoped = _SCOPES if version() >= _SCOPES_SINCE else 0
    attributes = _RulesetAttributes(handled_access_fs=handled, scoped=scoped)
    known = ctypes.sizeof(attributes) if scoped else ctypes.sizeof(ctypes.c_uint64)
    ruleset = _call(_CREATE_RULESET, ctypes.byref(attributes), ctypes.c_size_t(known), 0)
    try:
        for path in (*READABLE_SYSTEM, *interpreter_folders(), *readable):
            _allow(ruleset, path, _READ)
        for path in DEVICES:
            _allow(ruleset, path, _READ_FILE | _WRITE_FILE)
        for path in writable:
            _allow(ruleset, path, handled)
        _call(_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        wanted = rights if Path(path).is_dir() else rights & _ON_FILES
        rule = _PathBeneath(allowed_access=wanted, parent_fd=descriptor)
        _call(_ADD_RULE, ruleset, _PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: object) -> int:
    result = int(_libc().syscall(number, *arguments))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"Landlock: {os.strerror(error)}")
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
