"""Grade one submission: every grader in a child of its own, several at a time, within what all may use together."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import TypeVar

from autograder.diagnosis import place
from autograder.errors import UserError
from autograder.feedback import JSON, Feedback, GraderResult, PlannedGrader
from autograder.gradescope import MAX_PICTURES, EarlyEnd
from autograder.imports import late_imports, preloadable_imports
from autograder.judging import Judgement, judge
from autograder.limits import SubmissionLimits
from autograder.manifest import DATA, Grader, GraderExpectations, Manifest, read_expectations
from autograder.numerics import Drift
from autograder.observation import Observation, clean
from autograder.pictures import Picture, encode_png
from autograder.sandbox.protocol import PRELOADABLE, Job, Source
from autograder.sandbox.runner import Outcome, Sandbox
from autograder.submission import FoundFile, Problem, Submission

UNLIMITED = SubmissionLimits(wall_seconds=math.inf, cpu_seconds=math.inf)
LOOK_SECONDS = 0.1  # how often `grade` looks whether it is to end early
SLOWEST = 3  # graders that are named where time is over

Arriving = TypeVar("Arriving")


def planned(manifest: Manifest) -> list[PlannedGrader]:
    """The graders as results.json shows them before they have run."""
    return [
        PlannedGrader(
            id=grader.id,
            number=grader.number,
            title=grader.title,
            max_score=grader.weight,
            visibility=grader.visibility,
            tags=grader.tags,
        )
        for grader in manifest.graders
    ]


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def make_job(
    manifest: Manifest,
    grader: Grader,
    submission: Mapping[str, tuple[Source, ...]],
    data: Path,
    *,
    student_seed: int | None = None,
    trace: bool = False,
) -> Job:
    """The job of one grader for one submission's sources."""
    return Job(
        id=grader.id,
        grader=grader.source,
        function=grader.function,
        arguments=grader.arguments,
        submission=dict(submission),
        given=manifest.given,
        seed=grader.seed,
        student_seed=manifest.student_seed if student_seed is None else student_seed,
        data=str(data),
        required=tuple(name for file in manifest.files for name in file.names),
        trace=trace,
    )


@dataclass(frozen=True)
class Place:
    """Where grading takes its expectations and its data from.

    Attributes:
        read: reads a grader's expectations from their folder.
    """

    expectations: Path
    data: Path
    read: Callable[[Path, Grader], GraderExpectations] = read_expectations

    @classmethod
    def of(cls, expectations: Path, data: Path | None = None) -> Place:
        return cls(expectations=expectations, data=(data or expectations / DATA).resolve())


class Budget:
    """What the graders of one submission may still use together, and why they ended early where they did.

    The wall clock starts with the budget. May be used from several threads, and stopped by a signal's handler.

    Attributes:
        end: why no further grader is run; None as long as there is no reason.
    """

    def __init__(self, limits: SubmissionLimits = UNLIMITED) -> None:
        self.end: EarlyEnd | None = None
        self._limits = limits
        self._started = time.monotonic()
        self._cpu_seconds = 0.0
        self._lock = threading.Lock()
        self._running: dict[str, tuple[Grader, float]] = {}
        self._took: dict[str, tuple[Grader, float]] = {}

    def stop(self, end: EarlyEnd) -> None:
        """Run no further grader and end those that are running; the first reason stands."""
        self.end = self.end or end

    def spend(self, cpu_seconds: float) -> None:
        """Count CPU time that a child has used. The grader that uses the last of it still counts."""
        with self._lock:
            self._cpu_seconds += cpu_seconds

    def begin(self, grader: Grader) -> bool:
        """Whether a grader may be run now; if so, it counts as running."""
        with self._lock:
            if self.end is not None or self._cpu_seconds >= self._limits.cpu_seconds:
                return False
            self._running[grader.id] = grader, time.monotonic()
            return True

    def finish(self, grader: Grader) -> None:
        """A grader has ended."""
        with self._lock:
            _, began = self._running.pop(grader.id)
            self._took[grader.id] = grader, time.monotonic() - began

    def look(self) -> None:
        """Stop if the wall clock has run out, or the CPU time and nothing is running any more."""
        if self.end is not None:
            return
        limits = self._limits
        if time.monotonic() - self._started >= limits.wall_seconds:
            self.stop(self._over(f"the graders of a submission may take {limits.wall_seconds:g} s together"))
        elif self._cpu_seconds >= limits.cpu_seconds and not self._running:
            what = f"the graders of a submission may use {limits.cpu_seconds:g} s of CPU time together"
            self.stop(self._over(f"{what}, and {self._cpu_seconds:.1f} s were used"))

    def _over(self, reason: str) -> EarlyEnd:
        now = time.monotonic()
        with self._lock:
            times = {id: (grader, seconds, "") for id, (grader, seconds) in self._took.items()}
            for id, (grader, began) in self._running.items():
                times[id] = grader, now - began, ", and was not done"
            done = len(self._took)
        slowest = sorted(times.values(), key=lambda timed: -timed[1])[:SLOWEST]
        named = "; ".join(
            f"{'a hidden grader' if grader.visibility != 'visible' else grader.number} ({seconds:.1f} s{state})"
            for grader, seconds, state in slowest
        )
        return EarlyEnd(
            f"{reason}; {done} had ended by then",
            "This grader did not fail; there was no time left to run it. "
            + (f"The slowest were: {named}. " if named else "")
            + "Make your code that they call faster (look for loops over pixels, samples or batches, and for ones "
            "that do not end) and hand in again. If it is not slow, tell the course staff, who can raise this limit.",
        )


def grade(
    manifest: Manifest,
    where: Place,
    submission: Submission,
    sandbox: Sandbox,
    jobs: int | None = None,
    budget: Budget | None = None,
) -> Iterator[GraderResult]:
    """Yield the result of every grader as soon as it stands; `in_order` brings them into the manifest's order.

    Graders whose modules the zygote has are started first, so that others run while it imports more.

    Args:
        manifest: what to grade with.
        where: the folders of expectations and data.
        submission: what to grade.
        sandbox: where to run the children. It is stopped where the budget ends before the graders do.
        jobs: children at a time; by default as many as there are processors.
        budget: what all graders may use together. Where it ends early, `budget.end` says why, and those that
            were not reached are not yielded.
    """
    budget = budget or Budget()
    sources = submission_sources(submission)
    unusual = _unusual_imports(manifest, sources)
    drift = Drift(manifest.versions.torch, manifest.numerics, sandbox)
    order = sorted(manifest.graders, key=lambda grader: len(PRELOADABLE.intersection(grader.preload)))
    graders, taking = iter(order), threading.Lock()
    news: SimpleQueue[GraderResult | BaseException] = SimpleQueue()
    given_up = threading.Event()

    def work() -> None:
        while not given_up.is_set():
            with taking:
                grader = next(graders, None)
            if grader is None or not budget.begin(grader):
                return
            try:
                own_imports = {name for module in grader.modules for name in unusual.get(module, ())}
                result = _grade_one(manifest, where, submission, sources, own_imports, sandbox, grader, budget, drift)
                news.put(result)
            except BaseException as error:
                news.put(error)
            budget.finish(grader)

    # Threads that nobody waits for: what hangs in one of them cannot keep a run from its end.
    for number in range(min(jobs or cores(), len(order))):
        threading.Thread(target=work, daemon=True, name=f"grader-{number}").start()
    left = len(order)
    try:
        while left:
            for result in _arrived(news, LOOK_SECONDS if budget.end is None else 0.0):
                if isinstance(result, BaseException):
                    raise result
                yield result
                left -= 1
            if budget.end is not None:
                break
            budget.look()
    finally:
        given_up.set()
    if left and budget.end is not None:
        sandbox.stop(budget.end.reason)


def _arrived(news: SimpleQueue[Arriving], seconds: float) -> list[Arriving]:
    """What has arrived; where there is nothing, the first one that does within `seconds`."""
    arrived = []
    try:
        arrived.append(news.get(timeout=seconds))
        while True:
            arrived.append(news.get_nowait())
    except Empty:
        return arrived


def in_order(manifest: Manifest, results: Iterable[GraderResult]) -> list[GraderResult]:
    """Results in the order of the manifest's graders."""
    order = {grader.id: index for index, grader in enumerate(manifest.graders)}
    return sorted(results, key=lambda result: order[result.id])


def submission_sources(submission: Submission) -> dict[str, tuple[Source, ...]]:
    """The sources of the modules that were found, and of the student's other files that they may import."""
    return {
        module: tuple(Source(filename=clean(chunk.filename), text=clean(chunk.text)) for chunk in found.chunks)
        for module, found in {**submission.extras, **submission.modules}.items()
        if isinstance(found, FoundFile)
    }


def _unusual_imports(manifest: Manifest, sources: Mapping[str, Sequence[Source]]) -> dict[str, frozenset[str]]:
    """What each module of a submission imports that the zygote may import for it, and that no grader knows of.

    A grader knows what the reference imports when it runs; another solution may need another library.
    """
    usual = {name for grader in manifest.graders for name in grader.preload}
    return {
        module: preloadable_imports("\n".join(source.text for source in pieces)) - usual
        for module, pieces in sources.items()
    }


def _grade_one(
    manifest: Manifest,
    where: Place,
    submission: Submission,
    sources: Mapping[str, tuple[Source, ...]],
    own_imports: Collection[str],
    sandbox: Sandbox,
    grader: Grader,
    budget: Budget,
    drift: Drift,
) -> GraderResult:
    started = time.monotonic()
    outcome = None
    board: Mapping[str, float] = {}
    try:
        problems = [found for module in grader.modules if isinstance(found := submission.modules[module], Problem)]
        if problems:
            judgement = Judgement(Feedback(verdict="failed", headline=problems[0].message), 0.0)
        else:
            expectations = where.read(where.expectations, grader)
            sandbox.preload((*grader.preload, *own_imports))
            outcome = _observe(manifest, where, sources, sandbox, grader, budget)
            judgement = judge(grader, manifest.variants, expectations, outcome)
            board = _leaderboard(outcome.observation, expectations.reference)
            if _is_about_values(judgement, outcome) and (strange := drift.words()):
                judgement = _our_fault(f"{strange} Otherwise: {judgement.feedback.headline}")
        return _result(grader, judgement, outcome, time.monotonic() - started, board)
    except UserError as error:
        judgement = _our_fault(str(error))
    except Exception as error:  # whatever breaks on our side must cost this grader alone
        judgement = _our_fault(f"{type(error).__name__}: {error}{_where(error)}")
    return _result(grader, judgement, None, time.monotonic() - started)


def _observe(
    manifest: Manifest,
    where: Place,
    sources: Mapping[str, tuple[Source, ...]],
    sandbox: Sandbox,
    grader: Grader,
    budget: Budget,
) -> Outcome:
    """Run one grader in a child; once more where an import by PyTorch itself may have taken the child's time."""
    job = make_job(manifest, grader, sources, where.data)
    late = {name for module in grader.modules for source in sources[module] for name in late_imports(source.text)}
    for is_last in (not late or sandbox.has(late), True):
        outcome = sandbox.run(job, grader.limits.child(), grader.limits.reply())
        budget.spend(outcome.cpu_seconds)
        if is_last or outcome.ending not in ("time", "cpu"):
            break
        sandbox.preload(late)
    return outcome


def _is_about_values(judgement: Judgement, outcome: Outcome) -> bool:
    """Whether a grader failed because of what it saw, not because it was ended or something was raised."""
    observation = outcome.observation
    return judgement.feedback.verdict == "failed" and observation is not None and observation.failure is None


def _our_fault(what: str) -> Judgement:
    return Judgement(Feedback(verdict="faulty", headline="This grader broke.", staff=(what,)), 0.0)


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})" if trace is not None else ""


def _result(
    grader: Grader,
    judgement: Judgement,
    outcome: Outcome | None,
    seconds: float,
    board: Mapping[str, float] = MappingProxyType({}),
) -> GraderResult:
    observation = outcome.observation if outcome is not None else None
    feedback = judgement.feedback
    if feedback.verdict == "failed" and grader.hide_errors:
        feedback = Feedback(verdict="failed", headline=grader.hide_errors, staff=(feedback.headline, *feedback.staff))
    elif observation is not None:
        feedback = replace(feedback, pictures=() if grader.hidden else _pictures(observation))
        feedback = _with_notes(feedback, observation)
    extra: dict[str, JSON] = {"verdict": feedback.verdict, "shows": list(judgement.shows)}
    if outcome is not None:
        extra |= {
            "ending": outcome.ending,
            "cpu_seconds": round(outcome.cpu_seconds, 3),
            "peak_mb": round(outcome.peak_mb),
        }
    shown = board if feedback.verdict == "passed" else {}
    return make_result(grader, judgement.credit, feedback, seconds, extra, shown)


def make_result(
    grader: Grader,
    credit: float,
    feedback: Feedback,
    seconds: float,
    extra: Mapping[str, JSON],
    leaderboard: Mapping[str, float],
) -> GraderResult:
    """A result under the grader's own name, with the share `credit` of its points."""
    return GraderResult(
        id=grader.id,
        number=grader.number,
        title=grader.title,
        score=round(grader.weight * credit, 2),
        max_score=grader.weight,
        visibility=grader.visibility,
        tags=grader.tags,
        feedback=feedback,
        seconds=seconds,
        extra=extra,
        leaderboard=leaderboard,
        credit=credit,
    )


def _with_notes(feedback: Feedback, observation: Observation) -> Feedback:
    """Show a failed grader's author where in the file it stopped, if a misconception took the headline."""
    failure = observation.failure
    if feedback.verdict != "failed" or feedback.where or failure is None or not failure.frames:
        return feedback
    return replace(feedback, where=place(failure.frames[-1]))


def _pictures(observation: Observation) -> tuple[Picture, ...]:
    pictures: list[Picture] = []
    for entry in observation.entries:
        if entry.kind == "picture" and entry.array and len(pictures) < MAX_PICTURES:
            pixels = observation.value(entry)
            if pixels.dtype == "uint8" and pixels.size and (pixels.ndim == 2 or pixels.shape[2:] == (3,)):
                pictures.append(Picture(title=entry.name, png=encode_png(pixels)))
    return tuple(pictures)


def _leaderboard(observation: Observation | None, reference: Observation) -> dict[str, float]:
    """The numbers for the leaderboard, those that the grader itself asks for: the reference has them as well."""
    if observation is None:
        return {}
    asked = {entry.name for entry in reference.entries if entry.kind == "leaderboard"}
    return {
        entry.name: float(observation.value(entry).item())
        for entry in observation.entries
        if entry.kind == "leaderboard" and entry.name in asked and entry.array and observation.value(entry).size == 1
    }
