"""The trusted side of the sandbox: run jobs in a zygote's children, and read what they say.

Jobs on one submission may be given to a child together. It does them one after the other, and stops where one ends with
an exception or leaves a trace that is noticed (`imprint`). What comes of all but the first of them is therefore seen in
a process in which others ran before: a caller must take nothing but a success from it, and have everything else done
once more in a child where it is the first.
"""

from __future__ import annotations

import contextlib
import itertools
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
        cpu_seconds: the child's own; of those that share one each has what it says, and the last one all the rest.
        peak_mb: the child's largest resident memory in MiB; 0 where it was not known yet.
    """

    ending: Ending
    detail: str
    observation: Observation | None
    output: str
    wall_seconds: float
    cpu_seconds: float
    peak_mb: float
    output_was_cut: bool = False


@dataclass(frozen=True)
class Ran:
    """What came of the first ones of some jobs, at least of one, and the CPU time of all children that they took."""

    outcomes: list[Outcome]
    cpu_seconds: float


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
        return self.run_in_turn([job], limits, reply_limits).outcomes[0]

    def run_in_turn(
        self,
        jobs: Sequence[Job],
        limits: ChildLimits,
        reply_limits: ReplyLimits,
        take: Callable[[Outcome], None] = lambda _: None,
    ) -> Ran:
        """Run jobs on one submission in one child, one after the other, and wait for its end.

        Args:
            limits: of each of them.
            take: is given, at once, what came of each but the last one; it must not raise.

        Raises:
            SandboxError: when no zygote stays alive for them, or the sandbox was stopped.
            UserError: when torch cannot be imported.
        """
        taken: list[Outcome] = []
        spent = 0.0

        def keep(outcome: Outcome) -> None:
            taken.append(outcome)
            take(outcome)

        for attempt in range(ATTEMPTS):
            try:
                last, cpu_seconds = self._run(jobs[len(taken) :], limits, reply_limits, keep)
            except SandboxError:
                if attempt + 1 == ATTEMPTS or self._stopped or not self._zygote.gone:
                    raise
                continue
            spent += cpu_seconds
            if last is None or last.ending != "harness" or attempt + 1 == ATTEMPTS:
                break
        return Ran(taken if last is None else [*taken, last], spent)

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
        self, jobs: Sequence[Job], limits: ChildLimits, reply_limits: ReplyLimits, take: Callable[[Outcome], None]
    ) -> tuple[Outcome | None, float]:
        """Run jobs in a child: what came of its last one, as `Hearing.end` tells it, and the child's CPU time."""
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
                hearing = Hearing(jobs, limits, channels, take)
                self._watch(zygote, number, over, hearing, scratch)
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
        return hearing.end(ended), ended.cpu_seconds

    def _watch(
        self,
        zygote: ZygoteProcess,
        child: int,
        over: Future[Ended],
        hearing: Hearing,
        scratch: Path,
    ) -> None:
        """Read until the child has ended, and end it where it takes, says or writes too much."""
        killed = False
        limits, channels = hearing.limits, hearing.channels
        look = time.monotonic() + FIRST_LOOK
        give_up = time.monotonic() + limits.wall_seconds * hearing.jobs + 10 * GRACE_SECONDS
        while not over.done() and time.monotonic() < give_up:
            channels.read(0.05 if channels.open else 0.0)
            if not channels.open:
                wait_for([over], timeout=LOOK_EVERY)
            hearing.look()
            if time.monotonic() >= look and not hearing.disk:
                hearing.disk = written_too_much(scratch, limits)
                look = time.monotonic() + LOOK_EVERY
            if not killed and (hearing.disk or hearing.is_late() or channels.reply_is_too_large or self._stopped):
                killed = True
                zygote.kill(child)
        channels.drain(GRACE_SECONDS)

    def _served_copy(self, data: str) -> str:
        """A copy of the data that a child of another user can read, wherever the data themselves are."""
        if data and data not in self._served and Path(data).is_dir():
            copy = self._root / f"data-{len(self._served)}"
            shutil.copytree(data, copy, copy_function=shutil.copyfile)
            for path in (copy, *copy.rglob("*")):
                path.chmod(0o755 if path.is_dir() else 0o644)
            self._served[data] = str(copy)
        return self._served.get(data, data)


class Hearing:
    """What a child has said of its jobs, and what the trusted side notes of it while it runs.

    Attributes:
        jobs: how many it was given.
        disk: which limit its files exceed, in words.
        late: whether one of several jobs took more wall time than each of them may; the zygote's clock is for all.
    """

    def __init__(
        self, jobs: Sequence[Job], limits: ChildLimits, channels: Channels, take: Callable[[Outcome], None]
    ) -> None:
        self.jobs = len(jobs)
        self.limits = limits
        self.channels = channels
        self.disk = ""
        self.late = False
        self._ids = [job.id for job in jobs]
        self._take = take
        self._replies = Replies(channels)
        self._taken = 0
        self._unfit = ""
        self._cpu_seconds = 0.0
        self._since = time.monotonic()

    def look(self) -> None:
        """Give away what came of jobs after which the child went on to another one."""
        while self._taken < min(self._replies.look(), self.jobs - 1) and not self._unfit:
            observation = self._next()
            if observation is not None:
                said = observation.header.seconds
                cpu_seconds = said if 0.0 <= said <= self.limits.cpu_seconds else 0.0
                self._cpu_seconds += cpu_seconds
                self._take(self._outcome("replied", "", observation, cpu_seconds, 0))

    def is_late(self) -> bool:
        """Whether the job that runs has had all of its wall time; it stays true."""
        self.late = self.late or (self.jobs > 1 and time.monotonic() - self._since > self.limits.wall_seconds)
        return self.late

    def end(self, ended: Ended) -> Outcome | None:
        """The child has ended: what came of its last job; None where others came before and it does not count."""
        self.look()
        ending, detail = self._ending(ended)
        cpu_seconds = max(0.0, ended.cpu_seconds - self._cpu_seconds)
        if not ending and self._replies.count > self._taken and not self._unfit:
            if self._replies.rest or self._replies.count > self.jobs:
                self._unfit = "it goes on after its end"
            else:
                observation = self._next()
                if observation is not None:
                    return self._outcome("replied", "", observation, cpu_seconds, ended.peak_kb)
        if self._taken:
            return None
        if not ending:
            ending, detail = "bad reply", self._unfit
        return self._outcome(ending, detail, None, cpu_seconds, ended.peak_kb)

    def _next(self) -> Observation | None:
        """What the next frame says; None where it is none, or no answer to the job whose turn it is."""
        try:
            observation = decode_frame(self._replies.frame(self._taken), max_header=MAX_HEADER)
            if observation.header.job != self._ids[self._taken]:
                raise FrameError("it answers another job")
        except FrameError as error:
            self._unfit = str(error)
            return None
        self._taken += 1
        return observation

    def _ending(self, ended: Ended) -> tuple[Ending | Literal[""], str]:
        """What is wrong with how the child ended, and a word on it; two empty texts where nothing is."""
        limits, replies = self.limits, self._replies
        if not replies.ready:
            return "harness", f"{_how(ended)} before the grader was loaded"
        if self.channels.reply_is_too_large:
            return "too much", ""
        if self.disk:
            return "disk", self.disk
        if ended.ended_by == "deadline" or self.late:
            return "time", f"{limits.wall_seconds:g} s of wall time"
        if ended.signal == signal.SIGXCPU or (
            ended.signal == signal.SIGKILL and ended.cpu_seconds >= limits.cpu_seconds
        ):
            return "cpu", f"{limits.cpu_seconds:g} s of CPU time"
        if ended.signal:
            return "signal", _signal_name(ended.signal)
        if not replies.count and not replies.rest:
            return ("no reply", "") if ended.code == 0 else ("exit", str(ended.code))
        if not replies.count:
            return "bad reply", f"it breaks off after {replies.rest} bytes"
        return "", ""

    def _outcome(
        self, ending: Ending, detail: str, observation: Observation | None, cpu_seconds: float, peak_kb: int
    ) -> Outcome:
        now = time.monotonic()
        wall_seconds, self._since = now - self._since, now
        return Outcome(
            ending=ending,
            detail=detail,
            observation=observation,
            output=self.channels.output,
            wall_seconds=wall_seconds,
            cpu_seconds=cpu_seconds,
            peak_mb=peak_kb / 1024 if sys.platform == "linux" else peak_kb / 2**20,
            output_was_cut=self.channels.output_was_cut,
        )


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


def _how(ended: Ended) -> str:
    if ended.ended_by == "deadline":
        return "it took too long"
    return f"killed by {_signal_name(ended.signal)}" if ended.signal else f"exit status {ended.code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
