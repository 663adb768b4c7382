"""The warm process that forks a child for every grader.

It imports, waits, forks, kills what is late and reports what has ended. It runs no torch
operation (a forked child of a process that has used torch's threads can hang) and starts no thread.
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

import msgspec

from autograder.sandbox.child import run_child
from autograder.sandbox.protocol import Ended, Event, Preload, Ready, Request, Spawn, may_preload

MESSAGE_BYTES = 65_536


@dataclass
class Running:
    """A child that has not ended yet."""

    id: int
    deadline: float
    late: bool = False


def main() -> None:
    """Serve requests on the socket whose descriptor is the first argument."""
    control = socket.socket(fileno=int(sys.argv[1]))
    _adopt_orphans()
    Zygote(control).serve()
    os._exit(0)  # nothing of torch's needs to be taken down


class Zygote:
    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.running: dict[int, Running] = {}
        self.parent = os.getppid()

    def serve(self) -> None:
        """Until the grader process hangs up or is gone; no child outlives this."""
        try:
            self._serve()
        finally:
            self._kill_all()

    def _serve(self) -> None:
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
            self._send(Ready(failed=import_modules(request.modules)))
        else:
            self._fork(request, *fds)
        for fd in fds:
            os.close(fd)
        return True

    def _fork(self, spawn: Spawn, job: int, reply: int, output: int) -> None:
        try:
            pid = os.fork()
        except OSError:  # no memory or no process left: this child's grader is faulty, and no other
            nothing = Ended(id=spawn.id, signal=0, code=-1, ended_by="itself", cpu_seconds=0.0, peak_kb=0)
            self._send(nothing)
            return
        if pid == 0:
            run_child(spawn, job=job, reply=reply, output=output)
        self.running[pid] = Running(id=spawn.id, deadline=time.monotonic() + spawn.limits.wall_seconds)

    def _reap(self) -> None:
        for pid, child in list(self.running.items()):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            _kill_group(pid)  # while the pid is still ours, so that it cannot be another's
            _, status, usage = os.wait4(pid, 0)
            del self.running[pid]
            self._kill_strays()
            signalled = os.WIFSIGNALED(status)
            self._send(
                Ended(
                    id=child.id,
                    signal=os.WTERMSIG(status) if signalled else 0,
                    code=-1 if signalled else os.WEXITSTATUS(status),
                    ended_by="deadline" if child.late else "itself",
                    cpu_seconds=usage.ru_utime + usage.ru_stime,
                    peak_kb=usage.ru_maxrss,
                )
            )

    def _kill_late(self) -> None:
        now = time.monotonic()
        for pid, child in self.running.items():
            if now >= child.deadline and not child.late:
                child.late = True
                _kill_group(pid)
                os.kill(pid, signal.SIGKILL)

    def _kill_strays(self) -> None:
        """Kill what a child has left behind: everything that was orphaned to this process."""
        for _ in range(100):
            strays = [pid for pid in _children() if pid not in self.running]
            if not strays:
                return
            for pid in strays:
                _kill_group(pid)
                try:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                except (ProcessLookupError, ChildProcessError):
                    continue

    def _kill_all(self) -> None:
        for pid in self.running:
            _kill_group(pid)
            os.kill(pid, signal.SIGKILL)
        self.running.clear()
        self._kill_strays()

    def _send(self, event: Event) -> None:
        self.control.send(msgspec.json.encode(event))


def import_modules(names: tuple[str, ...]) -> dict[str, str]:
    """Import what may be preloaded; then hide it from the garbage collector.

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
    gc.collect()
    gc.freeze()
    return failed


def _adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent dies (Linux)."""
    if sys.platform == "linux":
        import ctypes

        pr_set_child_subreaper = 36
        ctypes.CDLL(None, use_errno=True).prctl(pr_set_child_subreaper, 1, 0, 0, 0)


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as children:
            return [int(pid) for pid in children.read().split()]
    except OSError:
        return []


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


if __name__ == "__main__":
    main()
