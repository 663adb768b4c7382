"""The trusted side of the sandbox: start a zygote, run jobs in its children, read what they say."""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from autograder.errors import UserError
from autograder.observation import FrameError, Observation, decode_frame
from autograder.sandbox import landlock
from autograder.sandbox.child import READY
from autograder.sandbox.protocol import ChildLimits, Ended, Event, Job, Preload, Ready, Spawn
from autograder.sandbox.zygote import MESSAGE_BYTES

Ending = Literal["replied", "time", "cpu", "signal", "exit", "no reply", "bad reply", "too much", "harness"]

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


class SandboxError(RuntimeError):
    """The harness itself failed: the zygote did not start, or died."""


@dataclass(frozen=True)
class ReplyLimits:
    """What the trusted side reads from one child, in bytes."""

    reply: int
    output: int


@dataclass(frozen=True)
class Outcome:
    """How a child ended, and what it said.

    Attributes:
        ending: "replied" where a well-formed frame arrived; otherwise what went wrong.
        detail: a word on it for staff, such as the signal's name.
        observation: what the grader saw, where it replied.
        output: the beginning of what was printed.
        wall_seconds: from the request to the child's end.
        cpu_seconds: the child's own.
        peak_mb: its largest resident memory in MiB.
    """

    ending: Ending
    detail: str
    observation: Observation | None
    output: str
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float


class Sandbox:
    """A zygote and its children. Jobs may be run from several threads at once.

    Args:
        preload: modules that the zygote imports at its start, beside torch.
        max_level: climb the ladder of isolation no higher than this.

    Raises:
        UserError: at the first request, when torch cannot be imported.
    """

    def __init__(self, preload: Sequence[str] = (), *, max_level: int = 3) -> None:
        self.confined = landlock.version() > 0 and max_level >= 2
        self.level = 2 if self.confined else min(max_level, 1)
        self._scratch = tempfile.TemporaryDirectory(prefix="autograder-", ignore_cleanup_errors=True)
        self._lock = threading.Lock()
        self._preloading = threading.Lock()
        self._ended: dict[int, Ended] = {}
        self._waiting: dict[int, threading.Event] = {}
        self._ready: list[Ready] = []
        self._heard = threading.Event()
        self._next_id = 0
        self._broken = ""
        self._preloaded: set[str] = set()
        self._control, theirs = _socket_pair()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed by `close`)
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-s",
                "-c",
                _START.format(init=str(PACKAGE / "__init__.py"), package=str(PACKAGE)),
                str(theirs.fileno()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env=_clean_environment(),
            cwd=self._scratch.name,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        self._request(Preload(modules=("torch", *preload)))
        self._announced: tuple[str, ...] = tuple(preload)
        self._started = False
        threading.Thread(target=self._listen, daemon=True, name="sandbox").start()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the zygote and every child, and remove their scratch folders."""
        self._broken = self._broken or "the sandbox is closed"
        with contextlib.suppress(OSError):  # closing alone would not wake the thread that reads
            self._control.shutdown(socket.SHUT_RDWR)
        self._control.close()
        try:
            self._process.wait(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        self._scratch.cleanup()

    def preload(self, modules: Collection[str]) -> None:
        """Have the zygote import modules that the next job would otherwise import itself.

        A module that cannot be imported is left to the job, which then says so.
        """
        with self._preloading:
            self._await_start()
            wanted = tuple(sorted(set(modules) - self._preloaded))
            if wanted:
                self._heard.clear()
                self._request(Preload(modules=wanted))
                self._await_ready(START_SECONDS)
                self._preloaded.update(wanted)

    def run(self, job: Job, limits: ChildLimits, reply_limits: ReplyLimits) -> Outcome:
        """Run one job in a child of its own and wait for its end.

        Raises:
            SandboxError: when the zygote is gone.
            UserError: when torch cannot be imported.
        """
        with self._preloading:
            self._await_start()
        if self._broken:
            raise SandboxError(self._broken)
        started = time.monotonic()
        with self._lock:
            number = self._next_id
            self._next_id += 1
            over = self._waiting[number] = threading.Event()
        scratch = Path(self._scratch.name) / str(number)
        scratch.mkdir(mode=0o700)
        reply_in, reply_out = os.pipe()
        output_in, output_out = os.pipe()
        channels = _Channels(reply_in, output_in, reply_limits)
        try:
            try:
                with tempfile.TemporaryFile() as descriptor:
                    descriptor.write(msgspec.json.encode(job))
                    descriptor.flush()
                    descriptor.seek(0)
                    spawn = Spawn(
                        id=number,
                        scratch=str(scratch),
                        readable=(job.data,),
                        confined=self.confined,
                        limits=limits,
                    )
                    self._request(spawn, [descriptor.fileno(), reply_out, output_out])
            finally:
                os.close(reply_out)
                os.close(output_out)
            give_up = started + limits.wall_seconds + 10 * GRACE_SECONDS
            while not over.is_set() and not self._broken and time.monotonic() < give_up:
                channels.read(0.05 if channels.open else 0.0)
                if not channels.open:
                    over.wait(0.25)
            channels.drain()
        finally:
            channels.close()
            shutil.rmtree(scratch, ignore_errors=True)
            with self._lock:
                self._waiting.pop(number, None)
                ended = self._ended.pop(number, None)
        if ended is None:
            raise SandboxError(self._broken or "the zygote did not report a child's end")
        return _outcome(job, ended, channels, time.monotonic() - started, limits)

    def _request(self, request: Spawn | Preload, fds: Sequence[int] = ()) -> None:
        try:
            with self._lock:
                socket.send_fds(self._control, [msgspec.json.encode(request)], list(fds))
        except OSError as error:
            raise SandboxError(f"the zygote is gone ({error}). {self._log_text()}") from error

    def _listen(self) -> None:
        while True:
            try:
                data = self._control.recv(MESSAGE_BYTES)
            except OSError:
                data = b""
            if not data:
                break
            event: Event = msgspec.json.decode(data, type=Event)
            if isinstance(event, Ready):
                self._ready.append(event)
                self._heard.set()
            else:
                with self._lock:
                    self._ended[event.id] = event
                    waiting = self._waiting.get(event.id)
                if waiting is not None:
                    waiting.set()
        self._broken = self._broken or "the zygote has ended"
        self._heard.set()
        for waiting in list(self._waiting.values()):
            waiting.set()

    def _await_start(self) -> None:
        if self._started:
            return
        ready = self._await_ready(START_SECONDS)
        if "torch" in ready.failed:
            raise UserError(
                f"torch cannot be imported: {ready.failed['torch']}",
                where=sys.executable,
                remedy="Install the requirements (make install) and try again.",
            )
        self._preloaded.update(self._announced)
        self._started = True

    def _await_ready(self, seconds: float) -> Ready:
        if not self._heard.wait(seconds) or not self._ready:
            raise SandboxError(f"the zygote did not start. {self._log_text()}")
        self._heard.clear()
        return self._ready.pop(0)

    def _log_text(self) -> str:
        if self._log.closed:
            return ""
        self._log.seek(0)
        return self._log.read()[-2000:].decode("utf-8", "replace")


class _Channels:
    """Reads a child's reply and output, each up to its cap, for as long as they are open."""

    def __init__(self, reply: int, output: int, limits: ReplyLimits) -> None:
        self._selector = selectors.DefaultSelector()
        self._caps = {reply: limits.reply, output: limits.output}
        self._data = {reply: bytearray(), output: bytearray()}
        self._reply, self._output = reply, output
        self.overflowed = False
        for fd in (reply, output):
            os.set_blocking(fd, False)
            self._selector.register(fd, selectors.EVENT_READ)

    @property
    def open(self) -> bool:
        return bool(self._selector.get_map())

    @property
    def reply(self) -> bytes:
        return bytes(self._data[self._reply])

    @property
    def output(self) -> str:
        return self._data[self._output].decode("utf-8", "replace")

    def read(self, seconds: float) -> bool:
        """Take what has arrived within `seconds`; whether anything had."""
        ready = self._selector.select(seconds) if self.open else []
        for key, _ in ready:
            fd = key.fd
            try:
                piece = os.read(fd, 1 << 20)
            except BlockingIOError:
                continue
            if not piece:
                self._selector.unregister(fd)
                continue
            room = self._caps[fd] - len(self._data[fd])
            self._data[fd] += piece[: max(0, room)]
            if len(piece) > room and fd == self._reply:
                self.overflowed = True
        return bool(ready)

    def drain(self) -> None:
        """Take what a child that has ended left in the pipes."""
        stop = time.monotonic() + GRACE_SECONDS
        while self.open and time.monotonic() < stop and self.read(0.0):
            continue

    def close(self) -> None:
        self._selector.close()
        os.close(self._reply)
        os.close(self._output)


def _outcome(job: Job, ended: Ended, channels: _Channels, wall: float, limits: ChildLimits) -> Outcome:
    observation = None
    ending: Ending
    detail = ""
    if ended.ended_by == "deadline":
        ending, detail = "time", f"{limits.wall_seconds:g} s of wall time"
    elif ended.signal == signal.SIGXCPU or (ended.signal == signal.SIGKILL and ended.cpu_seconds >= limits.cpu_seconds):
        ending, detail = "cpu", f"{limits.cpu_seconds:g} s of CPU time"
    elif ended.signal:
        ending, detail = "signal", _signal_name(ended.signal)
    elif not channels.reply.startswith(READY):
        ending, detail = "harness", f"exit status {ended.code} before the job was read"
    elif channels.overflowed:
        ending, detail = "too much", "the observation is larger than the limit"
    elif channels.reply == READY:
        ending, detail = ("no reply", "") if ended.code == 0 else ("exit", str(ended.code))
    else:
        try:
            observation = decode_frame(channels.reply[len(READY) :])
            if observation.header.job != job.id:
                raise FrameError("it answers another job")
            ending = "replied"
        except FrameError as error:
            observation, ending, detail = None, "bad reply", str(error)
    return Outcome(
        ending=ending,
        detail=detail,
        observation=observation,
        output=channels.output,
        wall_seconds=wall,
        cpu_seconds=ended.cpu_seconds,
        peak_mb=ended.peak_kb / 1024 if sys.platform == "linux" else ended.peak_kb / 2**20,
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    kind = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM
    return socket.socketpair(socket.AF_UNIX, kind)


def _clean_environment() -> dict[str, str]:
    """All of the zygote's environment; nothing is inherited but the place of the matplotlib cache."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "TORCHDYNAMO_DISABLE": "1",  # torch.compile gives the function itself: compiling takes a minute, and g++
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": str(matplotlib_cache()),
    }


def matplotlib_cache() -> Path:
    """Where matplotlib keeps its list of fonts, which takes seconds to build anew."""
    lasting = Path(sys.prefix) / "var" / "autograder" / "matplotlib"
    try:
        lasting.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.gettempdir()) / f"autograder-matplotlib-{os.getuid()}"
    return lasting
