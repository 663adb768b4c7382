"""The trusted side of the sandbox: run jobs in a zygote's children, and read what they say.

Jobs on one submission may be given to a child together. It does them one after the other, and stops where one ends with
an exception or leaves a trace that is noticed (`imprint`). What comes of all but the first of them is therefore seen in
a process in which others ran before: a caller must take nothing but a success from it, and have everything else done
once more in a child where it is the first.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures import wait as wait_for
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from autograder.errors import UserError
from autograder.observation import MAX_HEADER, FrameError, Observation, decode_frame
from autograder.sandbox.channels import Channels, ReplyLimits
from autograder.sandbox.ladder import TOP
from autograder.sandbox.protocol import ChildLimits, Ended, Job, Ready, Spawn, Standing, pack
from autograder.sandbox.replies import Replies
from autograder.sandbox.zygote_process import GRACE_SECONDS, START_SECONDS, SandboxError, ZygoteProcess

Ending = Literal["replied", "time", "cpu", "disk", "signal", "exit", "no reply", "bad reply", "too much", "harness"]

ATTEMPTS = 2  # where it is the sandbox that failed
MAX_LAUNCHES = 10
FIRST_LOOK, LOOK_EVERY = 0.2, 0.25  # seconds; most children have ended before their files are counted

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Outcome:
    """How a child ended, and what it said.

    Attributes:
        ending: "replied" where a well-formed frame arrived; "harness" where it was not the student's
            code that ended it; otherwise what went wrong.
        detail: a word on it: the limit that was hit, or for staff such as the signal's name.
        observation: what the grader saw, where it replied.
        output: the beginning of what was printed.
        output_was_cut: whether more was printed than is kept.
        wall_seconds: from the request, or the reply before, to the reply or the child's end.
        cpu_seconds: the child's own; of those that share one, the first has all that no other says it used.
        peak_mb: the child's largest resident memory in MiB.
    """

    ending: Ending
    detail: str
    observation: Observation | None
    output: str
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    output_was_cut: bool = False


class Sandbox:
    """A zygote and its children. Jobs may be run from several threads at once.

    A zygote that ends is replaced, and the jobs that it took along are run once more.

    Args:
        preload: modules that the zygote imports at its start, beside torch.
        max_level: climb the ladder of isolation no higher than this.

    Attributes:
        torch: the version of torch that children have, once the first one has been asked for.

    Raises:
        UserError: at the first request, when torch cannot be imported.
    """

    def __init__(self, preload: Sequence[str] = (), *, max_level: int = TOP) -> None:
        self._max_level = max_level
        self._folder = tempfile.TemporaryDirectory(prefix="autograder-", ignore_cleanup_errors=True)
        self._root = Path(self._folder.name)
        self._root.chmod(0o711)  # a child's user passes through it to its own scratch folder
        self._lock = threading.Lock()  # of what follows
        self._jobs = itertools.count()
        self._slots: set[int] = set()
        self._running: dict[int, ZygoteProcess] = {}
        self._served: dict[str, str] = {}
        self._stopped = ""
        self._starting = threading.Lock()  # of what follows
        self._wanted = {"torch", *preload}
        self._launches = 0
        self.torch = ""
        self._launch()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def standing(self) -> Standing:
        """What isolation children have here.

        Raises:
            SandboxError: when the zygote does not start.
        """
        return _wait(self._zygote.standing)

    @property
    def level(self) -> int:
        """The level of isolation, as ladder.py defines it."""
        return self.standing.level

    def stop(self, why: str) -> None:
        """End the children that are running; their jobs and all later ones raise SandboxError(why)."""
        with self._lock:
            self._stopped = self._stopped or why
            running = dict(self._running)
        for child, zygote in running.items():
            with contextlib.suppress(SandboxError):
                zygote.kill(child)

    def close(self) -> None:
        """End the zygote and every child, and remove their scratch folders."""
        self._stopped = self._stopped or "the sandbox is closed"
        self._zygote.close()
        self._folder.cleanup()

    def preload(self, modules: Collection[str]) -> None:
        """Have the zygote import modules that the next job would otherwise import itself.

        A module that cannot be imported is left to the job, which then says so.
        """
        with self._starting:
            self._wanted.update(modules)
            self._ready()

    def has(self, modules: Collection[str]) -> bool:
        """Whether the zygote was asked to import all of these modules."""
        with self._starting:
            return self._asked.issuperset(modules)

    def run(self, job: Job, limits: ChildLimits, reply_limits: ReplyLimits) -> Outcome:
        """Run one job in a child of its own and wait for its end; raises what `run_in_turn` raises."""
        return self.run_in_turn([job], limits, reply_limits)[0]

    def run_in_turn(
        self,
        jobs: Sequence[Job],
        limits: ChildLimits,
        reply_limits: ReplyLimits,
        done: Callable[[int], None] = lambda _: None,
    ) -> list[Outcome]:
        """Run jobs on one submission in one child, one after the other, and wait for its end.

        Args:
            limits: of each of them.
            done: is told how many of them are done, whenever another one is and more are left.

        Returns:
            What came of the first ones, at least of one; the others were not done.

        Raises:
            SandboxError: when no zygote stays alive for them, or the sandbox was stopped.
            UserError: when torch cannot be imported.
        """
        for _ in range(ATTEMPTS - 1):
            try:
                outcomes = self._run(jobs, limits, reply_limits, done)
            except SandboxError:
                if self._stopped or not self._zygote.gone:
                    raise
                continue
            if outcomes[0].ending != "harness":
                return outcomes
        return self._run(jobs, limits, reply_limits, done)

    def _launch(self) -> None:
        """Start a zygote, and have it import all that is wanted."""
        if self._launches == MAX_LAUNCHES:
            raise SandboxError(f"the zygote has ended {MAX_LAUNCHES} times")
        folder = self._root / f"zygote-{self._launches}"
        folder.mkdir()
        folder.chmod(0o711)  # whatever the umask: a child's user stands in it while layers are probed
        self._launches += 1
        self._zygote = ZygoteProcess(folder, self._max_level)
        self._asked = set(self._wanted)
        self._loading: Future[Ready] | None = self._zygote.preload(_torch_first(self._asked))

    def _ready(self) -> ZygoteProcess:
        """A zygote that lives and has imported all that is wanted. For one thread at a time."""
        if self._stopped:
            raise SandboxError(self._stopped)
        if self._zygote.gone and self._loading is None:
            self._zygote.close()
            self._launch()
        if self._loading is not None:
            ready = _wait(self._loading)
            if "torch" in ready.failed:
                raise UserError(
                    f"torch cannot be imported: {ready.failed['torch']}",
                    where=sys.executable,
                    remedy="Install the requirements (make install) and try again.",
                )
            self._loading = None
            self.torch = ready.torch
        more = self._wanted - self._asked
        if more:
            self._asked |= more
            _wait(self._zygote.preload(_torch_first(more)))
        return self._zygote

    def _run(
        self, jobs: Sequence[Job], limits: ChildLimits, reply_limits: ReplyLimits, done: Callable[[int], None]
    ) -> list[Outcome]:
        watch = Watch(len(jobs), limits, done)
        with self._starting:
            zygote = self._ready()
        with self._lock:
            number = next(self._jobs)
            slot = next(slot for slot in itertools.count() if slot not in self._slots)
            self._slots.add(slot)
            if zygote.standing.result().holds("user"):
                jobs = [msgspec.structs.replace(job, data=self._served_copy(job.data)) for job in jobs]
        scratch = self._root / f"job-{number}"
        try:
            scratch.mkdir(mode=0o700)
            reply_in, reply_out = os.pipe()
            output_in, output_out = os.pipe()
            channels = Channels(reply_in, output_in, reply_limits)
            try:
                readable = tuple({job.data for job in jobs})
                spawn = Spawn(number, slot, str(scratch), readable, limits, len(jobs))
                try:
                    with _sealed(pack(jobs)) as task:
                        over = zygote.spawn(spawn, [task, reply_out, output_out])
                finally:
                    os.close(reply_out)
                    os.close(output_out)
                with self._lock:
                    self._running[number] = zygote
                replies = Replies(channels)
                self._watch(zygote, number, over, channels, replies, scratch, watch)
                ended = _wait(over, 0.0)
            finally:
                channels.close()
        finally:
            remove(scratch)
            with self._lock:
                self._slots.discard(slot)
                self._running.pop(number, None)
        if self._stopped:
            raise SandboxError(self._stopped)
        return outcomes_of(jobs, ended, channels, replies, watch)

    def _watch(
        self,
        zygote: ZygoteProcess,
        child: int,
        over: Future[Ended],
        channels: Channels,
        replies: Replies,
        scratch: Path,
        watch: Watch,
    ) -> None:
        """Read until the child has ended, and end it where it takes, says or writes too much."""
        killed = False
        look = time.monotonic() + FIRST_LOOK
        give_up = time.monotonic() + watch.limits.wall_seconds * watch.jobs + 10 * GRACE_SECONDS
        while not over.done() and time.monotonic() < give_up:
            channels.read(0.05 if channels.open else 0.0)
            if not channels.open:
                wait_for([over], timeout=LOOK_EVERY)
            if watch.jobs > 1:
                watch.see(replies.look())
            if time.monotonic() >= look and not watch.disk:
                watch.disk = written_too_much(scratch, watch.limits)
                look = time.monotonic() + LOOK_EVERY
            if not killed and (watch.disk or watch.is_late() or channels.reply_is_too_large or self._stopped):
                killed = True
                zygote.kill(child)
        channels.drain(GRACE_SECONDS)
        watch.end(replies.look())

    def _served_copy(self, data: str) -> str:
        """A copy of the data that a child of another user can read, wherever the data themselves are."""
        if data and data not in self._served and Path(data).is_dir():
            copy = self._root / f"data-{len(self._served)}"
            shutil.copytree(data, copy, copy_function=shutil.copyfile)
            for path in (copy, *copy.rglob("*")):
                path.chmod(0o755 if path.is_dir() else 0o644)
            self._served[data] = str(copy)
        return self._served.get(data, data)


class Watch:
    """What the trusted side notes of a child while it runs.

    Attributes:
        jobs: how many it was given.
        seconds: wall time of each job that is done, and at the end of the one that is not.
        disk: which limit its files exceed, in words.
        late: whether one of several jobs took more wall time than each of them may; the zygote's clock is for all.
    """

    def __init__(self, jobs: int, limits: ChildLimits, done: Callable[[int], None]) -> None:
        self.jobs = jobs
        self.limits = limits
        self.seconds: list[float] = []
        self.disk = ""
        self.late = False
        self._done = done
        self._since = time.monotonic()

    def see(self, replies: int) -> None:
        """So many jobs have been replied to by now."""
        for _ in range(len(self.seconds), min(replies, self.jobs - 1)):
            self._note()
            self._done(len(self.seconds))

    def is_late(self) -> bool:
        """Whether the job that runs has had all of its wall time; it stays true."""
        self.late = self.late or (self.jobs > 1 and time.monotonic() - self._since > self.limits.wall_seconds)
        return self.late

    def end(self, replies: int) -> None:
        """The child has ended."""
        self.see(replies)
        self._note()

    def _note(self) -> None:
        now = time.monotonic()
        self.seconds.append(now - self._since)
        self._since = now


def remove(scratch: Path) -> None:
    """Remove a child's folder, whatever it made in it: folders without end, or that nobody may enter."""
    with contextlib.suppress(RecursionError):
        shutil.rmtree(scratch, ignore_errors=True)
    for command in (("chmod", "-R", "u+rwX"), ("rm", "-rf")):
        if scratch.exists():
            subprocess.run([*command, "--", str(scratch)], stderr=subprocess.DEVNULL, check=False)


def written_too_much(scratch: Path, limits: ChildLimits) -> str:
    """Which limit the files below `scratch` exceed together, in words; "" where they exceed none."""
    count = size = 0
    try:
        for folder, folders, files in os.walk(scratch):
            count += len(folders) + len(files)
            for name in files:
                with contextlib.suppress(OSError):
                    size += Path(folder, name).lstat().st_blocks * 512
            if count > limits.scratch_files:
                break
    except RecursionError:  # folders within folders, many hundreds of them
        count = limits.scratch_files + 1
    if count > limits.scratch_files:
        return f"{limits.scratch_files:,} files"
    return f"{limits.scratch_bytes / 2**20:g} MB of files" if size > limits.scratch_bytes else ""


def _torch_first(modules: Collection[str]) -> list[str]:
    return sorted(modules, key=lambda module: (module != "torch", module))


def _wait(future: Future[Answer], seconds: float = START_SECONDS) -> Answer:
    try:
        return future.result(seconds)
    except FutureTimeoutError as error:
        raise SandboxError(f"the zygote did not answer in {seconds:g} s") from error


@contextlib.contextmanager
def _sealed(data: bytes) -> Iterator[int]:
    """A descriptor to read the data from, of a file that has no name, and no place on the disk where that can be."""
    in_memory = hasattr(os, "memfd_create")
    with open(os.memfd_create("job"), "w+b") if in_memory else tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        file.seek(0)
        yield file.fileno()


def outcomes_of(jobs: Sequence[Job], ended: Ended, channels: Channels, replies: Replies, watch: Watch) -> list[Outcome]:
    """What came of the jobs of a child that has ended: of those that it replied to, or else of the first."""
    ending, detail = _unfit(ended, channels, replies, watch)
    whole = replies.count
    if whole >= len(jobs) and (ending or replies.rest or whole > len(jobs)):
        whole = len(jobs) - 1  # all was said, and yet it went on: so what it said last counts for nothing
    headers: list[Observation] = []
    for index in range(whole):
        try:
            observation = decode_frame(replies.frame(index), max_header=MAX_HEADER)
            if observation.header.job != jobs[index].id:
                raise FrameError("it answers another job")
        except FrameError as error:
            ending, detail = ending or "bad reply", detail or str(error)
            break
        headers.append(observation)
    others = [_within(observation.header.seconds, ended.cpu_seconds) for observation in headers[1:]]
    first = max(0.0, ended.cpu_seconds - math.fsum(others))
    if not headers:
        if not ending:
            ending, detail = "bad reply", "it goes on after its end"
        return [_outcome(ending, detail, None, ended, channels, watch.seconds[0], first)]
    return [
        _outcome("replied", "", observation, ended, channels, wall, cpu)
        for observation, wall, cpu in zip(headers, watch.seconds, (first, *others), strict=False)
    ]


def _unfit(ended: Ended, channels: Channels, replies: Replies, watch: Watch) -> tuple[Ending | Literal[""], str]:
    """What is wrong with how a child ended, and a word on it; two empty texts where nothing is."""
    limits = watch.limits
    if not replies.ready:
        return "harness", f"{_how(ended)} before the grader was loaded"
    if channels.reply_is_too_large:
        return "too much", ""
    if watch.disk:
        return "disk", watch.disk
    if ended.ended_by == "deadline" or watch.late:
        return "time", f"{limits.wall_seconds:g} s of wall time"
    if ended.signal == signal.SIGXCPU or (ended.signal == signal.SIGKILL and ended.cpu_seconds >= limits.cpu_seconds):
        return "cpu", f"{limits.cpu_seconds:g} s of CPU time"
    if ended.signal:
        return "signal", _signal_name(ended.signal)
    if not replies.count and not replies.rest:
        return ("no reply", "") if ended.code == 0 else ("exit", str(ended.code))
    if not replies.count:
        return "bad reply", f"it breaks off after {replies.rest} bytes"
    return "", ""


def _outcome(
    ending: Ending,
    detail: str,
    observation: Observation | None,
    ended: Ended,
    channels: Channels,
    wall_seconds: float,
    cpu_seconds: float,
) -> Outcome:
    return Outcome(
        ending=ending,
        detail=detail,
        observation=observation,
        output=channels.output,
        wall_seconds=wall_seconds,
        cpu_seconds=cpu_seconds,
        peak_mb=ended.peak_kb / 1024 if sys.platform == "linux" else ended.peak_kb / 2**20,
        output_was_cut=channels.output_was_cut,
    )


def _within(seconds: float, most: float) -> float:
    """What a child says that it has used, as far as that can be."""
    return seconds if 0.0 <= seconds <= most else 0.0


def _how(ended: Ended) -> str:
    if ended.ended_by == "deadline":
        return "it took too long"
    return f"killed by {_signal_name(ended.signal)}" if ended.signal else f"exit status {ended.code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
