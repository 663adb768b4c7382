"""The warm process that forks a child for every grader.

It probes what isolation there is, imports, waits, forks, kills what is late and reports what has
ended. It runs no torch operation (a forked child of a process that has used torch's threads can
hang) and starts no thread.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from autograder.sandbox import privileges, seccomp
from autograder.sandbox.child import run_child
from autograder.sandbox.huge_pages import collapse_memory
from autograder.sandbox.ladder import climb
from autograder.sandbox.protocol import Ended, Event, Kill, Preload, Ready, Request, Spawn, Standing, may_preload

MESSAGE_BYTES = 65_536


@dataclass
class Running:
    """A child that has not ended yet."""

    id: int
    deadline: float
    user: int
    killed: Literal["", "deadline", "request"] = ""


def main() -> None:
    """Serve requests on the socket whose descriptor is the first argument; the second is the highest level."""
    control = socket.socket(fileno=int(sys.argv[1]))
    top = int(sys.argv[2])
    os.umask(0o022)
    claim, users = None, range(1)
    if sys.platform == "linux":
        privileges.adopt_orphans()
        if top > 0:
            privileges.close_memory()
        if top > 0 and os.geteuid() == 0:
            users, claim = privileges.claim_users()
    standing = climb(Path.cwd(), users[0], top=top)
    if standing.holds("seccomp"):
        seccomp.program(os.uname().machine, os.getpid())  # once here makes it faster in every child
    Zygote(control, standing, users).serve()
    if claim is not None:
        claim.close()
    os._exit(0)  # nothing of torch's needs to be taken down


class Zygote:
    """Serves one grader process.

    Args:
        users: one for each slot; a child becomes its slot's, where that layer of isolation holds.
    """

    def __init__(self, control: socket.socket, standing: Standing, users: range) -> None:
        self.control = control
        self.standing = standing
        self.users = users
        self.running: dict[int, Running] = {}
        self.parent = os.getppid()

    def serve(self) -> None:
        """Until the grader process hangs up or is gone; no child outlives this."""
        try:
            self._serve()
        finally:
            self._kill_all()

    def _serve(self) -> None:
        self._send(self.standing)
        wake, woken = os.pipe()
        os.set_blocking(woken, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(woken)
        while True:
            sources: list[socket.socket | int] = [self.control, wake]
            readable = select.select(sources, [], [], self._patience())[0]
            if wake in readable:
                os.read(wake, 4096)
            self._reap()
            self._kill_late()
            if os.getppid() != self.parent or (self.control in readable and not self._take_request()):
                return

    def _patience(self) -> float:
        if not self.running:
            return 5.0
        return min(max(0.0, min(child.deadline for child in self.running.values()) - time.monotonic()), 1.0)

    def _take_request(self) -> bool:
        data, fds, _, _ = socket.recv_fds(self.control, MESSAGE_BYTES, 3)
        if not data:
            return False
        request: Request = msgspec.json.decode(data, type=Request)
        if isinstance(request, Preload):
            failed = import_modules(request.modules)
            self._send(Ready(failed=failed, torch=str(getattr(sys.modules.get("torch"), "__version__", ""))))
        elif isinstance(request, Kill):
            for pid, child in self.running.items():
                if child.id == request.id:
                    self._kill(pid, child, "request")
        else:
            self._fork(request, *fds)
        for fd in fds:
            os.close(fd)
        return True

    def _fork(self, spawn: Spawn, job: int, reply: int, output: int) -> None:
        user, zygote = self.users[spawn.slot % len(self.users)], os.getpid()
        try:
            pid = os.fork()
        except OSError:  # no memory or no process left: this child's grader is faulty, and no other
            nothing = Ended(id=spawn.id, signal=0, code=-1, ended_by="itself", cpu_seconds=0.0, peak_kb=0)
            self._send(nothing)
            return
        if pid == 0:
            run_child(spawn, self.standing, user, zygote=zygote, job=job, reply=reply, output=output)
        self.running[pid] = Running(spawn.id, time.monotonic() + spawn.limits.wall_seconds * spawn.jobs, user)

    def _reap(self) -> None:
        for pid, child in list(self.running.items()):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            _kill_group(pid)  # while the pid is still ours, so that it cannot be another's
            _, status, usage = os.wait4(pid, 0)
            del self.running[pid]
            if self._kill_strays() and self.standing.holds("user"):
                _kill_all_of(child.user)
            signalled = os.WIFSIGNALED(status)
            self._send(
                Ended(
                    id=child.id,
                    signal=os.WTERMSIG(status) if signalled else 0,
                    code=-1 if signalled else os.WEXITSTATUS(status),
                    ended_by=child.killed or "itself",
                    cpu_seconds=usage.ru_utime + usage.ru_stime,
                    peak_kb=usage.ru_maxrss,
                )
            )

    def _kill_late(self) -> None:
        now = time.monotonic()
        for pid, child in self.running.items():
            if now >= child.deadline:
                self._kill(pid, child, "deadline")

    def _kill(self, pid: int, child: Running, why: Literal["deadline", "request"]) -> None:
        if not child.killed:
            child.killed = why
            _kill_group(pid)
            os.kill(pid, signal.SIGKILL)

    def _kill_strays(self) -> bool:
        """Kill what a child has left behind: everything that was orphaned to this process. Whether there was any."""
        for round_ in range(100):
            strays = [pid for pid in _children() if pid not in self.running]
            if not strays:
                return round_ > 0
            for pid in strays:
                _kill_group(pid)
                try:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                except (ProcessLookupError, ChildProcessError):
                    continue
        return True

    def _kill_all(self) -> None:
        for pid in self.running:
            _kill_group(pid)
            os.kill(pid, signal.SIGKILL)
        self.running.clear()
        self._kill_strays()

    def _send(self, event: Event) -> None:
        self.control.send(msgspec.json.encode(event))


def import_modules(names: tuple[str, ...]) -> dict[str, str]:
    """Import what may be preloaded; then hide it from the garbage collector, and make it cheap to fork.

    After `gc.freeze` a child's collections leave these objects' pages shared: its private
    memory falls from about 70 MB to 1 MB.
    """
    failed = {}
    for name in names:
        if name != "torch" and not may_preload(name):
            failed[name] = "not on the list of modules that may be preloaded"
            continue
        try:
            importlib.import_module(name)
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {error}"
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        pyplot.switch_backend("Agg")  # here once, and not with the first figure of every child
    gc.collect()
    gc.freeze()
    collapse_memory()
    return failed


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as children:
            return [int(pid) for pid in children.read().split()]
    except OSError:
        return []


def _kill_all_of(user: int) -> None:
    """Kill every process of a user of ours at one stroke, as a loop cannot where they go on forking."""
    pid = os.fork()
    if pid == 0:
        try:
            privileges.become(user)
            if os.getuid() == user != 0:
                os.kill(-1, signal.SIGKILL)  # all that this user may send a signal to, itself excepted
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


if __name__ == "__main__":
    main()
