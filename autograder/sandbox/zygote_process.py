"""A zygote as the grader process sees it: started by exec with a clean environment, asked, listened to, ended."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from autograder.errors import UserError
from autograder.sandbox import privileges
from autograder.sandbox.protocol import (
    FONT_LIST_VARIABLE,
    Ended,
    Event,
    Kill,
    Preload,
    Ready,
    Request,
    Spawn,
    Standing,
)
from autograder.sandbox.zygote import MESSAGE_BYTES

PACKAGE = Path(__file__).resolve().parents[1]
START_SECONDS = 300.0
GRACE_SECONDS = 2.0

# Registers this package alone: the folders beside it (the reference's, above all) stay off sys.path.
_START = """
import importlib.util, sys
sys.path[:1] = []
spec = importlib.util.spec_from_file_location(
    "autograder", {init!r}, submodule_search_locations=[{package!r}])
package = importlib.util.module_from_spec(spec)
sys.modules["autograder"] = package
spec.loader.exec_module(package)
from autograder.sandbox.zygote import main
main()
"""

Answer = TypeVar("Answer")


class SandboxError(UserError):
    """The harness itself failed: the zygote did not start, or died."""

    def __init__(self, what: str) -> None:
        super().__init__(what, where="the sandbox", remedy="`autograder doctor` tells what works here.")


class ZygoteProcess:
    """One zygote. May be used from several threads at once.

    Args:
        folder: an empty folder of its own; other users may pass through it.
        level: the highest level of isolation that it tries.

    Attributes:
        standing: what isolation its children have, as soon as it knows.
    """

    def __init__(self, folder: Path, level: int) -> None:
        self._sending = threading.Lock()
        self._loading: deque[Future[Ready]] = deque()
        self._children: dict[int, Future[Ended]] = {}
        self._end = ""
        self.standing: Future[Standing] = Future()
        if sys.platform == "linux" and os.geteuid() != 0:
            privileges.close_memory()  # of this very process: a child has the same user
        self._control, theirs = _socket_pair()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-s",
                "-c",
                _START.format(init=str(PACKAGE / "__init__.py"), package=str(PACKAGE)),
                str(theirs.fileno()),
                str(level),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env=_clean_environment(),
            cwd=folder,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        threading.Thread(target=self._listen, daemon=True, name="zygote").start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def gone(self) -> bool:
        """Whether it has ended, or is no longer listened to."""
        return bool(self._end)

    def preload(self, modules: Sequence[str]) -> Future[Ready]:
        """Have it import modules for all later children."""
        answer: Future[Ready] = Future()
        with self._sending:
            self._loading.append(answer)
            self._send(Preload(modules=tuple(modules)))
        return answer

    def spawn(self, spawn: Spawn, descriptors: Sequence[int]) -> Future[Ended]:
        """Have it fork a child with copies of these descriptors: job, reply, output."""
        answer: Future[Ended] = Future()
        with self._sending:
            self._children[spawn.id] = answer
            self._send(spawn, descriptors)
        return answer

    def kill(self, child: int) -> None:
        """Have it end a child, which is then reported as ended."""
        with self._sending:
            self._send(Kill(id=child))

    def close(self) -> None:
        """End it, and with it every child."""
        self._stop("the sandbox is closed")
        with contextlib.suppress(OSError):  # closing alone would not wake the thread that reads
            self._control.shutdown(socket.SHUT_RDWR)
        self._control.close()
        try:
            self._process.wait(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _send(self, request: Request, descriptors: Sequence[int] = ()) -> None:
        if self._end:
            raise SandboxError(self._end)
        try:
            socket.send_fds(self._control, [msgspec.json.encode(request)], list(descriptors))
        except OSError as error:
            raise SandboxError(f"the zygote is gone ({error}). {self._said()}") from error

    def _listen(self) -> None:
        while True:
            try:
                data = self._control.recv(MESSAGE_BYTES)
            except OSError:
                data = b""
            if not data:
                break
            event: Event = msgspec.json.decode(data, type=Event)
            if isinstance(event, Standing):
                _answer(self.standing, event)
            elif isinstance(event, Ready):
                _answer(self._loading.popleft(), event)
            else:
                _answer(self._children.pop(event.id), event)
        self._stop(f"the zygote has ended. {self._said()}")

    def _stop(self, why: str) -> None:
        """Nothing more is asked, and whoever waits for an answer is told why there is none."""
        with self._sending:
            self._end = self._end or why
            waiting: list[Future[Any]] = [self.standing, *self._loading, *self._children.values()]
        for answer in waiting:
            if not answer.done():
                with contextlib.suppress(InvalidStateError):
                    answer.set_exception(SandboxError(self._end))

    def _said(self) -> str:
        if self._log.closed:
            return ""
        self._log.seek(0)
        return self._log.read()[-2000:].decode("utf-8", "replace").strip()


def _answer(future: Future[Answer], answer: Answer) -> None:
    with contextlib.suppress(InvalidStateError):  # its asker was told already that all is over
        future.set_result(answer)


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    kind = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM
    return socket.socketpair(socket.AF_UNIX, kind)


def _clean_environment() -> dict[str, str]:
    """All of the zygote's environment; nothing is inherited but the place of the matplotlib cache."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "LOGNAME": "student",  # a child's user has no account that could be asked for its name
        "USER": "student",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TORCHDYNAMO_DISABLE": "1",  # torch.compile gives the function itself: compiling takes a minute, and g++
        "MPLBACKEND": "Agg",
        FONT_LIST_VARIABLE: str(matplotlib_cache()),
    }


def matplotlib_cache() -> Path:
    """Where matplotlib keeps its list of fonts, which takes seconds to build anew."""
    lasting = Path(sys.prefix) / "var" / "autograder" / "matplotlib"
    try:
        lasting.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir()) / f"autograder-matplotlib-{os.getuid()}"
    return lasting
