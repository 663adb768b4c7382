"""Grade a class again: from its handins to results/<id>.json, gradebooks and a report.

Theory of operation. This process keeps the books (books.py), workers grade (executors.py, workers.py). Batches are
submitted a few ahead of the workers, so no more of the class than that is held in memory.
- A batch whose worker dies is graded elsewhere; where it takes three workers along, its graders are faulty.
- What all graders of a submission may use together holds across its batches: a batch is told what those
  before it have used. Batches of one submission that run side by side do not know of each other; each of them keeps
  within what was left when it began. The wall clock counts for each batch by itself.
- The first signal ends what is running, keeps what stands, and leaves; the second one leaves at once. Either way,
  and after `kill -9`, the same command goes on.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any

from autograder.doctor import warning
from autograder.grading import Place
from autograder.homework import Homework
from autograder.manifest import read_manifest
from autograder.regrade.books import AHEAD, Books, FlakyVerdict, Part
from autograder.regrade.documents import Documents, Graded, write_documents
from autograder.regrade.executors import Crew, LostWorkerError
from autograder.regrade.gradebook import read_grades
from autograder.regrade.handins import Attempts, Handin, Intake, take_in
from autograder.regrade.store import Store
from autograder.regrade.workers import Batch, Done, Kit, grade_batch

__all__ = ["FlakyVerdict", "Graded", "Progress", "Stop", "Summary", "Wishes", "grade_all", "regrade"]

STORE = "regrade.sqlite"
LOOK_SECONDS = 0.25
STOP_SECONDS = 20.0  # that running batches have to give back what they have
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        done: handins that are finished, of `total`.
        graded: those of them that something had to be run for.
        failures: those of them that have a grader that is faulty or was not reached.
        rate: handins per second that workers have finished so far; 0 where that cannot be told yet.
        seconds_left: None where that cannot be told yet.
    """

    done: int
    total: int
    graded: int
    failures: int
    rate: float
    seconds_left: float | None


@dataclass(frozen=True)
class Summary:
    """What came of a run.

    Attributes:
        graded: handins that something had to be run for.
        unchanged: handins whose results.json stood already.
        ran: verdicts that were found in this run.
        problems: handins with nothing to grade.
        incomplete: ids of handins with a grader that is faulty or was not reached.
        notes: for staff, on the class as a whole.
        documents: what was written about the class; None where the run was stopped before that.
        interrupted: whether it was stopped before its end.
    """

    handins: int
    done: int
    graded: int
    unchanged: int
    ran: int
    problems: tuple[Handin, ...]
    incomplete: tuple[str, ...]
    flaky: tuple[FlakyVerdict, ...]
    notes: tuple[str, ...]
    documents: Documents | None
    interrupted: bool

    @property
    def clean(self) -> bool:
        """Whether every handin was graded by every grader, and no verdict changed."""
        return not (self.problems or self.incomplete or self.flaky or self.interrupted)


@dataclass(frozen=True)
class Wishes:
    """How to grade a class.

    Attributes:
        attempts: all attempts of a student, or the one that counts.
        data: data sets to serve in place of those that were recorded with.
        fresh: run every grader, whatever the store knows.
        repeat: how often to run every grader; more than once implies `fresh`, and tells verdicts that changed.
        compare: an earlier gradebook.
        report: whether to write the report.
    """

    attempts: Attempts = "latest"
    data: Path | None = None
    fresh: bool = False
    repeat: int = 1
    compare: Path | None = None
    report: bool = True


def regrade(
    homework: Homework,
    place: Path,
    out: Path,
    crew: Crew,
    wishes: Wishes | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    warn: Callable[[str], None] = lambda _: None,
) -> Summary:
    """Grade the class at `place` into the folder `out`; ends the crew.

    `warn` is told what the workers' isolation leaves open, "" where that is nothing, before any student's code runs.

    In a process's main thread it takes over SIGINT, SIGTERM and SIGHUP for that time.

    Raises:
        UserError: where there is no class, nothing recorded, or the store is unusable.
        KeyboardInterrupt: at the second signal, or where one comes after all is graded.
    """
    wishes = wishes or Wishes()
    with contextlib.ExitStack() as stack:
        stop = stack.enter_context(Stop())
        stack.callback(crew.shutdown, wait=False, cancel_futures=True)
        asking = stack.enter_context(ThreadPoolExecutor(1))
        environment = asking.submit(crew.environment)
        manifest = read_manifest(homework.expectations)
        earlier = read_grades(wishes.compare) if wishes.compare is not None else None
        store = stack.enter_context(Store(out / STORE))
        expected = [file.wanted.name for file in manifest.files]
        intake = stack.enter_context(take_in(place, attempts=wishes.attempts, expected=expected))
        where = Place.of(homework.expectations, wishes.data)
        warn(warning(environment.result().level))
        books = Books(manifest, where, environment.result(), store, out, fresh=wishes.fresh, repeat=wishes.repeat)
        grade_all(books, intake, crew, stop, progress)
        interrupted = stop.asked
        documents = None
        if not interrupted:
            stop.patience = 0
            books.remove_stale(intake.handins)
            store.drop_superseded()
            documents = write_documents(homework, books, intake, store, out, earlier=earlier, report=wishes.report)
        return Summary(
            handins=len(intake.handins),
            done=books.done,
            graded=books.graded,
            unchanged=books.unchanged,
            ran=books.ran,
            problems=tuple(books.problems),
            incomplete=tuple(books.incomplete),
            flaky=tuple(books.flaky),
            notes=intake.notes,
            documents=documents,
            interrupted=interrupted,
        )


class Stop:
    """Whether somebody has asked to stop: signals are counted, and the one after `patience` of them interrupts.

    Attributes:
        asked: whether there was one.
        patience: signals that are only counted.
    """

    def __init__(self) -> None:
        self.asked = False
        self.patience = 1
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            heard = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]  # not under nohup
            self._before = {number: signal.signal(number, self._hear) for number in heard}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        self.patience -= 1
        if self.patience < 0:
            raise KeyboardInterrupt


def grade_all(books: Books, intake: Intake, crew: Crew, stop: Stop, progress: Callable[[Progress], None]) -> None:
    """Have everything graded that is not, until it is or somebody asks to stop."""
    run = uuid.uuid4().hex
    kit: Any = None
    pace = _Pace(books, len(intake.handins))
    parts = _planned(books.parts(intake.handins, lambda: crew.slots), stop, lambda: progress(pace.look()))
    running: dict[Future[Done], Part] = {}
    ended: SimpleQueue[Future[Done]] = SimpleQueue()
    stopping = math.inf
    part = next(parts, None)
    while part is not None or running:
        while part is not None and len(running) < AHEAD * max(1, crew.slots):
            kit = kit or crew.share(Kit(books.kit_name, books.where))
            limits = books.manifest.limits.submission
            batch = Batch(part.work.submission, part.graders, run, limits, part.spent, books.environment)
            future = crew.submit(grade_batch, kit, batch)
            running[future] = part
            future.add_done_callback(ended.put)
            part = next(parts, None)
        with contextlib.suppress(Empty):
            future = ended.get(timeout=LOOK_SECONDS)
            _take(books, running.pop(future), future, stop)
        progress(pace.look())
        if stop.asked and stopping == math.inf:
            part, stopping = None, time.monotonic() + STOP_SECONDS
            for future in running:
                future.cancel()
            crew.interrupt(run)
        if time.monotonic() > stopping:
            return


def _planned(parts: Iterator[Part | None], stop: Stop, tick: Callable[[], None]) -> Iterator[Part]:
    """The parts, as long as nobody has asked to stop."""
    for part in parts:
        if stop.asked:
            return
        if part is not None:
            yield part
        tick()


def _take(books: Books, part: Part, future: Future[Done], stop: Stop) -> None:
    """Put what came of a part into the books."""
    try:
        done = future.result()
    except CancelledError:
        return
    except LostWorkerError as error:
        if not stop.asked:
            books.lose(part, f"The worker that ran it died, three times in a row. {error}")
        return
    if stop.asked and done.end is not None:
        books.keep(part, done)
    else:
        books.take(part, done)


class _Pace:
    """Tells how far a run is and how fast."""

    def __init__(self, books: Books, total: int) -> None:
        self._books = books
        self._total = total
        self._began = time.monotonic()

    def look(self) -> Progress:
        books = self._books
        rate = books.graded / max(time.monotonic() - self._began, LOOK_SECONDS)
        left = (self._total - books.done) / rate if rate else None
        return Progress(books.done, self._total, books.graded, len(books.incomplete), rate, left)
