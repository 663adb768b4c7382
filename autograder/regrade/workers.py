"""What runs in a worker: a batch of one submission's graders in, verdicts out.

Theory of operation. A slot is a thread that grades one batch at a time: the only one of a local worker's
process, one of several of a Dask worker's. Each slot has a warm `Sandbox` of its own for as long as it lives, and
what it grades with is `grading.grade`, the same as for one submission. Judging is done here as well, so the
coordinator only keeps books. Expectations are decoded once per process.

- A submission that uses up its time has its sandbox stopped (`grade` does that); the slot starts another.
- So does a slot whose sandbox cannot be used any more, because its zygote was ended too often. The graders
  that broke on that are run once more.
- `interrupt` ends what runs in this process now; batches give back what they have.
- A worker of another version, torch or isolation than the coordinator reckons with refuses to grade.

Nothing happens at import: a slot is set up by the first batch that it gets.
"""

from __future__ import annotations

import atexit
import contextlib
import pickle
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from autograder.budget import Budget
from autograder.doctor import examine
from autograder.errors import UserError
from autograder.feedback import GraderResult, Verdict
from autograder.gradescope import EarlyEnd
from autograder.grading import Place, grade
from autograder.limits import SubmissionLimits
from autograder.manifest import Grader, GraderExpectations, Manifest, read_expectations, read_manifest, select
from autograder.regrade.keys import Environment, this_environment
from autograder.regrade.store import encode_verdict
from autograder.sandbox.runner import Sandbox
from autograder.sandbox.zygote_process import SandboxError
from autograder.submission import Submission

EVERY_RUN = ""
INTERRUPTED = EarlyEnd("the regrade was interrupted")


@dataclass(frozen=True)
class Kit:
    """What all batches of a run are graded with, for workers that see the coordinator's files.

    Attributes:
        name: other kits have other names.
    """

    name: str
    place: Place


@dataclass(frozen=True)
class PackedKit:
    """The same for workers elsewhere: the bytes of the files, by path, of expectations and data."""

    name: str
    expectations: Mapping[str, bytes]
    data: Mapping[str, bytes]


@dataclass(frozen=True)
class Batch:
    """One submission, and those of its graders that are to be run together.

    Attributes:
        graders: their ids.
        run: whom it belongs to: a name that no other run has.
        limits: what all graders of the submission may use together.
        spent: the CPU seconds that others of them have used before.
        environment: what the worker must have.
    """

    submission: Submission
    graders: tuple[str, ...]
    run: str
    limits: SubmissionLimits
    spent: float
    environment: Environment


@dataclass(frozen=True)
class Judged:
    """One grader's verdict; `row` is what the store keeps of it."""

    grader: str
    verdict: Verdict
    credit: float
    row: bytes


@dataclass(frozen=True)
class Done:
    """What came of a batch.

    Attributes:
        end: why graders of the batch are missing, where some are.
        cpu_seconds: what their children used together.
    """

    judged: tuple[Judged, ...]
    end: EarlyEnd | None = None
    cpu_seconds: float = 0.0


class OtherEnvironmentError(UserError):
    """A worker is not what the coordinator reckons with."""


def grade_batch(kit: Kit | PackedKit, batch: Batch) -> Done:
    """Grade in this thread's slot.

    Raises:
        OtherEnvironmentError: where this worker would come to other verdicts.
        UserError: where the kit cannot be read.
    """
    slot = _slot()
    desk = _desk(kit)
    if different := batch.environment.differences(slot.environment):
        raise OtherEnvironmentError(
            f"a worker differs from the coordinator: {'; '.join(different)}",
            remedy="Give all of them the same versions of Python, torch and this package.",
        )
    wanted = set(batch.graders)
    graders = [grader for grader in desk.manifest.graders if grader.id in wanted]
    budget = Budget(batch.limits)
    budget.spend(batch.spent)
    with _noted(budget, batch.run):
        results = slot.grade(desk, graders, batch.submission, budget)
    return Done(
        judged=tuple(
            Judged(result.id, result.feedback.verdict, result.credit, encode_verdict(result)) for result in results
        ),
        end=budget.end,
        cpu_seconds=sum(_cpu_seconds(result) for result in results),
    )


def environment() -> Environment:
    """This worker's environment, found out without starting what grades."""
    return this_environment(examine().level)


def unchanged(kit: PackedKit) -> PackedKit:
    """The kit, as the result of a task."""
    return kit


def interrupt(run: str) -> None:
    """End what this process does for a run now, and whatever comes of it afterwards."""
    with _noting:
        _state.interrupted.append(run)
        for budget, owner in _state.running:
            if run in (owner, EVERY_RUN):
                budget.stop(INTERRUPTED)


def close() -> None:
    """End every sandbox of this process."""
    with _noting:
        slots, _state.slots = _state.slots, []
    for slot in slots:
        slot.close()


class _Slot:
    """A warm sandbox, and another one where that is of no more use. For one thread."""

    def __init__(self) -> None:
        self._sandbox = Sandbox()
        self.environment = this_environment(self._sandbox.level)

    def grade(self, desk: _Desk, graders: list[Grader], submission: Submission, budget: Budget) -> list[GraderResult]:
        """The results that stand when the budget ends, at the latest."""
        results = self._grade(desk, graders, submission, budget)
        broken = [id for id, result in results.items() if result.feedback.verdict == "faulty"]
        if self._is_renewed() and broken and budget.end is None:
            again = [grader for grader in graders if grader.id in broken]
            results |= self._grade(desk, again, submission, budget)
        return list(results.values())

    def close(self) -> None:
        self._sandbox.close()

    def _grade(
        self, desk: _Desk, graders: list[Grader], submission: Submission, budget: Budget
    ) -> dict[str, GraderResult]:
        manifest = select(desk.manifest, graders)
        return {result.id: result for result in grade(manifest, desk.place, submission, self._sandbox, 1, budget)}

    def _is_renewed(self) -> bool:
        """Start another sandbox if no child can be run in this one any more."""
        if EVERY_RUN in _state.interrupted:
            return False
        try:
            self._sandbox.preload(())
        except SandboxError:
            self._sandbox.close()
            self._sandbox = Sandbox()
            return True
        return False


class _Desk:
    """What is graded with: the manifest, and expectations, each of which is decoded once."""

    def __init__(self, kit: Kit | PackedKit) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        place = kit.place if isinstance(kit, Kit) else self._unpacked(kit)
        self._read: dict[str, GraderExpectations] = {}
        self.manifest: Manifest = read_manifest(place.expectations)
        self.place = Place(place.expectations, place.data, self._expectations)

    def _expectations(self, folder: Path, grader: Grader) -> GraderExpectations:
        if grader.id not in self._read:
            self._read[grader.id] = read_expectations(folder, grader)
        return self._read[grader.id]

    def _unpacked(self, kit: PackedKit) -> Place:
        """The kit's files in a folder that is gone with this desk, and that nobody else may enter."""
        self._folder = tempfile.TemporaryDirectory(prefix="autograder-kit-", ignore_cleanup_errors=True)
        root = Path(self._folder.name)
        for part, files in (("expectations", kit.expectations), ("data", kit.data)):
            (root / part).mkdir()
            for name, content in files.items():
                path = root / part / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        return Place(root / "expectations", root / "data")


class _State:
    """What this process has set up so far."""

    def __init__(self) -> None:
        self.slots: list[_Slot] = []
        self.running: list[tuple[Budget, str]] = []
        self.desk: tuple[str, _Desk] | None = None
        self.interrupted: list[str] = []


_state = _State()
_noting = threading.Lock()  # of _state
_here = threading.local()  # .slot


def _slot() -> _Slot:
    """This thread's slot."""
    slot: _Slot | None = getattr(_here, "slot", None)
    if slot is None or slot not in _state.slots:
        slot = _here.slot = _Slot()
        with _noting:
            if not _state.slots:
                atexit.register(close)
            _state.slots.append(slot)
    return slot


def _desk(kit: Kit | PackedKit) -> _Desk:
    """This process's desk for a kit; that of another kit, of an earlier run, is given up."""
    with _noting:
        if _state.desk is None or _state.desk[0] != kit.name:
            _state.desk = kit.name, _Desk(kit)
        return _state.desk[1]


@contextlib.contextmanager
def _noted(budget: Budget, run: str) -> Iterator[None]:
    """Let `interrupt` end what is graded with this budget."""
    with _noting:
        _state.running.append((budget, run))
        if {run, EVERY_RUN}.intersection(_state.interrupted):
            budget.stop(INTERRUPTED)
    try:
        yield
    finally:
        with _noting:
            _state.running.remove((budget, run))


def _cpu_seconds(result: GraderResult) -> float:
    seconds = result.extra.get("cpu_seconds", 0.0)
    return float(seconds) if isinstance(seconds, (int, float)) else 0.0


# --- a local worker's process ---------------------------------------------------------------------------------------

Call = tuple[Callable[..., Any], tuple[Any, ...]]
INTERRUPT = b""


def serve(descriptor: int) -> None:
    """Run pickled calls that come over a socket, one after another, until its other end is closed.

    A message is a call, or `INTERRUPT`. A closed socket, for one because the coordinator was killed, interrupts
    what is running as well: nothing outlives the coordinator.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the coordinator's to understand
    connection = Connection(descriptor)
    calls: SimpleQueue[bytes | None] = SimpleQueue()

    def listen() -> None:
        while True:
            try:
                message = connection.recv_bytes()
            except (EOFError, OSError):
                interrupt(EVERY_RUN)
                calls.put(None)
                return
            if message == INTERRUPT:
                interrupt(EVERY_RUN)
            else:
                calls.put(message)

    threading.Thread(target=listen, daemon=True, name="calls").start()
    try:
        while (message := calls.get()) is not None:
            answer = _answer(message)
            try:
                connection.send_bytes(answer)
            except OSError:
                return
    finally:
        close()


def _answer(message: bytes) -> bytes:
    """The pickled (result, None) or (None, exception) of a call."""
    try:
        function, arguments = pickle.loads(message)
        return pickle.dumps((function(*arguments), None))
    except Exception as error:
        try:
            return pickle.dumps((None, error))
        except Exception:
            return pickle.dumps((None, RuntimeError(f"{type(error).__name__}: {error}")))
