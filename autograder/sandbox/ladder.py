"""Find out which layers of isolation hold here, and how high on the ladder that is.

Every layer is tried by a throwaway child that applies it and then attempts what it must prevent;
no kernel version and no setting is believed. This takes some milliseconds, before torch is imported.

| level | promise | what must hold |
|---|---|---|
| 3 | two walls around every secret | resources, seccomp, memory, orphans, landlock and user |
| 2 | one wall around every secret | resources, seccomp, memory, orphans, and landlock or user |
| 1 | limits, and closed memory; files are as open as to the user who grades | resources; on Linux also memory |
| 0 | limits at best | nothing |

Where root cannot hand its children to a user of their own, it drops its capabilities instead;
that is no wall but a condition for all others.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from autograder.sandbox import landlock, privileges, seccomp
from autograder.sandbox.isolation import limit_resources
from autograder.sandbox.protocol import ChildLimits, Layer, LayerName, Standing

TOP = 3
PROBE_SECONDS = 10
_PROBE = "probe"


class RefusedError(Exception):
    """A layer does not hold: why, and what to do about it."""

    def __init__(self, why: str, remedy: str = "") -> None:
        super().__init__(why)
        self.remedy = remedy


@dataclass(frozen=True)
class _Rung:
    """A layer, the lowest level that asks for it, and the probe that raises where it does not hold."""

    name: LayerName
    level: int
    probe: Callable[[_Ground], None]


@dataclass(frozen=True)
class _Ground:
    """Where a probe stands: the zygote's folder, a user for its child, the processes above, what holds so far."""

    folder: Path
    user: int
    zygote: int
    grader: int
    standing: Standing

    def lose_privileges(self) -> None:
        """Become what a child will be."""
        if self.standing.holds("user"):
            privileges.become(self.user)
        elif self.standing.holds("capabilities"):
            privileges.drop_capabilities()


def climb(folder: Path, user: int, *, top: int = TOP) -> Standing:
    """Probe every layer up to the level `top`.

    Args:
        folder: an empty folder of this process's own.
        user: a user that a child may become.
    """
    (folder / _PROBE).write_text("closed")
    (folder / _PROBE).chmod(0o600)
    standing = Standing(level=0, layers=())
    for rung in _RUNGS:
        if rung.level > top:
            layer = Layer(rung.name, holds=False, why=f"not asked for: the highest level asked for is {top}")
        else:
            layer = _try(rung, _Ground(folder, user, os.getpid(), os.getppid(), standing))
        standing = Standing(level=0, layers=(*standing.layers, layer))
    (folder / _PROBE).unlink()
    return msgspec.structs.replace(standing, level=min(top, level_of(standing)))


def level_of(standing: Standing) -> int:
    """The level that the layers which hold come to."""
    walls = standing.holds("landlock") + standing.holds("user")
    if not standing.holds("resources"):
        return 0
    if walls and all(standing.holds(name) for name in _NEEDED):
        return 1 + walls
    return 1 if standing.holds("memory") or sys.platform != "linux" else 0


_NEEDED: tuple[LayerName, ...] = ("seccomp", "memory", "orphans")


def _try(rung: _Rung, ground: _Ground) -> Layer:
    answer, answered = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(answer)
        os.write(answered, msgspec.json.encode(_probe(rung, ground))[: resource.getpagesize()])
        os._exit(0)
    os.close(answered)
    with open(answer, "rb") as reply:
        text = reply.read()
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(ChildProcessError):  # what the probe left behind
        while os.waitpid(-1, 0):
            continue
    if not text:
        return Layer(rung.name, holds=False, why=f"the probe ended with status {status}")
    return msgspec.json.decode(text, type=Layer)


def _probe(rung: _Rung, ground: _Ground) -> Layer:
    try:
        signal.alarm(PROBE_SECONDS)
        rung.probe(ground)
    except RefusedError as error:
        return Layer(rung.name, holds=False, why=str(error), remedy=error.remedy)
    except Exception as error:
        return Layer(rung.name, holds=False, why=f"{type(error).__name__}: {error}"[:1000])
    return Layer(rung.name, holds=True)


def _needs_linux() -> None:
    if sys.platform != "linux":
        raise RefusedError(f"there is no such thing on {sys.platform}", "Grade on Linux.")


def _probe_resources(ground: _Ground) -> None:
    limit_resources(ChildLimits(cpu_seconds=5, wall_seconds=5, memory_bytes=2**26, file_bytes=0, open_files=32))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    large = ground.folder / "too_large"
    try:
        large.write_text("a file of no bytes is all that is allowed")
        raise RefusedError("a file grew beyond its limit")
    except OSError:
        large.unlink()
    if sys.platform == "linux":
        try:
            bytearray(2**28)
        except MemoryError:
            return
        raise RefusedError("more memory was to be had than the limit allows")


def _probe_user(ground: _Ground) -> None:
    _needs_linux()
    if os.geteuid() != 0:
        raise RefusedError("only root can hand a child to another user", "Grade as root, in a container for example.")
    privileges.become(ground.user)
    for folder in landlock.interpreter_folders():
        _must_be_readable(Path(folder))
    try:
        (ground.folder / _PROBE).read_text()
    except PermissionError:
        return
    raise RefusedError("another user still reads the files of this one")


def _must_be_readable(folder: Path) -> None:
    """The interpreter's folders must be open to the children's user; what closes them is named."""
    for place in (*reversed(folder.parents), folder):
        if place.is_dir() and not os.access(place, os.X_OK):
            raise RefusedError(
                f"{place} is closed to other users, and Python's own files lie below it",
                f"Let others pass (chmod o+x {place}), or use a Python that is installed elsewhere.",
            )
    if folder.is_dir() and not os.access(folder, os.R_OK):
        raise RefusedError(f"{folder} cannot be read by other users", f"Open it with chmod -R o+rX {folder}.")


def _probe_capabilities(ground: _Ground) -> None:
    _needs_linux()
    if os.geteuid() != 0:
        return
    if ground.standing.holds("user"):
        return
    privileges.drop_capabilities()
    try:
        os.chroot(ground.folder)
    except PermissionError:
        return
    raise RefusedError("root kept its powers")


def _probe_landlock(ground: _Ground) -> None:
    _needs_linux()
    if not landlock.version():
        raise RefusedError(
            "this kernel has no Landlock, or it is switched off",
            "Use Linux 5.13 or later, with landlock among the kernel's `lsm=` modules.",
        )
    privileges.forbid_new_privileges()
    landlock.restrict((), ())
    try:
        (ground.folder / _PROBE).read_text()
    except PermissionError:
        Path(__file__).read_bytes()
        return
    raise RefusedError("a file that was not allowed could still be read")


def _probe_seccomp(_: _Ground) -> None:
    _needs_linux()
    if not seccomp.supported():
        raise RefusedError(f"the system calls of this machine ({os.uname().machine}) are not known")
    privileges.forbid_new_privileges()
    seccomp.install()
    for what, attempt in (("a socket", socket.socket), ("a process", os.fork)):
        try:
            made = attempt()
        except PermissionError:
            continue
        if made == 0:
            os._exit(0)
        raise RefusedError(f"{what} could still be made")


def _probe_memory(ground: _Ground) -> None:
    """Neither the zygote's memory nor the grader process's can be read; both have closed theirs."""
    _needs_linux()
    ground.lose_privileges()
    for process in (ground.zygote, ground.grader):
        try:
            with open(f"/proc/{process}/mem", "rb"):
                raise RefusedError(f"the memory of process {process}, which is above the child, can be read")
        except PermissionError:
            continue


def _probe_orphans(ground: _Ground) -> None:
    """A process that outlives its parent goes to the zygote, which ends it."""
    _needs_linux()
    heard, said = os.pipe()
    parent = os.fork()
    if parent == 0:
        first = os.getpid()
        if os.fork() == 0:
            while os.getppid() == first:
                time.sleep(0.0005)
            os.write(said, str(os.getppid()).encode())
        os._exit(0)
    os.waitpid(parent, 0)
    os.close(said)
    with open(heard, "rb") as orphan:
        adopter = orphan.read().decode()
    if adopter != str(ground.zygote):
        raise RefusedError(f"process {adopter} adopts the processes that a child leaves behind")


_RUNGS = (
    _Rung("resources", 0, _probe_resources),
    _Rung("orphans", 0, _probe_orphans),
    _Rung("user", 3, _probe_user),
    _Rung("capabilities", 1, _probe_capabilities),
    _Rung("landlock", 2, _probe_landlock),
    _Rung("seccomp", 1, _probe_seccomp),
    _Rung("memory", 1, _probe_memory),
)
