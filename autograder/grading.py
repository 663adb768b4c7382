"""Grade one submission: graders in isolated children, several at a time, within what all may use together."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from types import MappingProxyType
from typing import TypeVar

from autograder.budget import Budget
from autograder.diagnosis import place
from autograder.errors import UserError
from autograder.feedback import JSON, Feedback, GraderResult, PlannedGrader
from autograder.gradescope import MAX_PICTURES
from autograder.imports import late_imports, preloadable_imports
from autograder.judging import Judgement, judge
from autograder.manifest import DATA, Grader, GraderExpectations, Manifest, read_expectations
from autograder.numerics import Drift
from autograder.observation import Observation, clean
from autograder.pictures import Picture, encode_png
from autograder.sandbox.protocol import PRELOADABLE, Job, Source
from autograder.sandbox.runner import Outcome, Sandbox
from autograder.sharing import Turns
from autograder.submission import FoundFile, Problem, Submission

SECOND_ANSWER = (
    "This grader passed where nothing ran before it; after other graders in the same process the code answered "
    "otherwise. It may keep something between calls, or it gives one answer of two."
)
LOOK_SECONDS = 0.1  # how often `grade` looks whether it is to end early

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
    desk = _Desk(manifest, where, submission, sandbox, budget)
    order = sorted(manifest.graders, key=lambda grader: len(PRELOADABLE.intersection(grader.preload)))
    missing = {grader.id: _without_file(grader, submission) for grader in order}
    turns, taking = Turns([grader for grader in order if missing[grader.id] is None]), threading.Condition()
    workers, busy = min(jobs or cores(), len(order)), 0
    news: SimpleQueue[GraderResult | BaseException] = SimpleQueue()
    for failed in filter(None, missing.values()):
        news.put(failed)
    given_up = threading.Event()

    def work() -> None:
        nonlocal busy
        while not given_up.is_set():
            with taking:
                group = turns.take(budget.cpu_seconds_left / workers)
                while not group and busy:  # a busy one may put some back
                    taking.wait()
                    group = turns.take(budget.cpu_seconds_left / workers)
                if not group or not budget.begin(group[0]):
                    return
                busy += 1
            results: list[GraderResult | None] = []
            try:
                results = desk.grade(group, news.put)
            except BaseException as error:
                news.put(error)
            with taking:
                turns.put_back(group, results)
                busy -= 1
                taking.notify_all()

    # Threads that nobody waits for: what hangs in one of them cannot keep a run from its end.
    for number in range(workers):
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


def _without_file(grader: Grader, submission: Submission) -> GraderResult | None:
    """The result of a grader that asks for a file that cannot be graded."""
    for module in grader.modules:
        if isinstance(found := submission.modules[module], Problem):
            failed = Judgement(Feedback(verdict="failed", headline=found.message), 0.0)
            return _result(grader, failed, None, 0.0)
    return None


class _Desk:
    """Where the graders of one submission are run and judged. May be used from several threads."""

    def __init__(
        self, manifest: Manifest, where: Place, submission: Submission, sandbox: Sandbox, budget: Budget
    ) -> None:
        self._manifest = manifest
        self._where = where
        self._sandbox = sandbox
        self._budget = budget
        self._sources = submission_sources(submission)
        self._unusual = _unusual_imports(manifest, self._sources)
        self._drift = Drift(manifest.versions.torch, manifest.numerics, sandbox)
        self._fell: set[str] = set()  # ids of those that saw something wrong where others had run before

    def grade(self, group: Sequence[Grader], report: Callable[[GraderResult], None]) -> list[GraderResult | None]:
        """The results of a group's first graders, of one at least; None for one that must be run first (sharing.py).

        Each is reported as soon as it stands. The budget knows already that the first one has begun.
        """
        results: list[GraderResult | None] = []
        running, started = group[0], time.monotonic()

        def take(outcome: Outcome) -> None:
            nonlocal running
            result = self._judge(group[len(results)], outcome, is_first=not results)
            results.append(result)
            if result is not None:
                report(result)
            if len(results) < len(group):
                self._budget.finish(running, group[len(results)])
                running = group[len(results)]

        try:
            outcomes = self._observe(group, take)
            for outcome in outcomes[len(results) :]:
                take(outcome)
        except Exception as error:  # whatever breaks on our side must cost the grader alone that it was at
            if not results:
                broken = _result(group[0], _our_fault(_words(error)), None, time.monotonic() - started)
                results.append(broken)
                report(broken)
        finally:
            self._budget.finish(running)
        return results

    def _observe(self, group: Sequence[Grader], take: Callable[[Outcome], None]) -> list[Outcome]:
        """Run graders in a child; the first once more where an import by PyTorch may have taken the child's time."""
        modules = {module for grader in group for module in grader.modules}
        asked = {name for grader in group for name in grader.preload}
        self._sandbox.preload(asked.union(*(self._unusual.get(module, ()) for module in modules)))
        limits = group[0].limits
        jobs = [make_job(self._manifest, grader, self._sources, self._where.data) for grader in group]
        ran = self._sandbox.run_in_turn(jobs, limits.child(), limits.reply(), take)
        self._budget.spend(ran.cpu_seconds)
        texts = [source.text for module in group[0].modules for source in self._sources[module]]
        late = {name for text in texts for name in late_imports(text)}
        if ran.outcomes[0].ending in ("time", "cpu") and not self._sandbox.has(late):
            self._sandbox.preload(late)
            ran = self._sandbox.run_in_turn(jobs[:1], limits.child(), limits.reply())
            self._budget.spend(ran.cpu_seconds)
        return ran.outcomes

    def _judge(self, grader: Grader, outcome: Outcome, *, is_first: bool) -> GraderResult | None:
        """The result of a grader; None where others ran before it in its child, and it has not passed."""
        if not is_first and (outcome.observation is None or outcome.observation.failure is not None):
            return None
        try:
            expectations = self._where.read(self._where.expectations, grader)
            judgement = judge(grader, self._manifest.variants, expectations, outcome)
            if judgement.feedback.verdict != "passed":
                if not is_first:
                    self._fell.add(grader.id)
                    return None
            elif is_first and grader.id in self._fell:
                staff = (*judgement.feedback.staff, SECOND_ANSWER)
                judgement = replace(judgement, feedback=replace(judgement.feedback, staff=staff))
            board = _leaderboard(outcome.observation, expectations.reference)
            if _is_about_values(judgement, outcome) and (strange := self._drift.words()):
                judgement = _our_fault(f"{strange} Otherwise: {judgement.feedback.headline}")
            return _result(grader, judgement, outcome, outcome.wall_seconds, board)
        except Exception as error:  # whatever breaks on our side must cost this grader alone
            return _result(grader, _our_fault(_words(error)), None, outcome.wall_seconds)


def _is_about_values(judgement: Judgement, outcome: Outcome) -> bool:
    """Whether a grader failed because of what it saw, not because it was ended or something was raised."""
    observation = outcome.observation
    return judgement.feedback.verdict == "failed" and observation is not None and observation.failure is None


def _our_fault(what: str) -> Judgement:
    return Judgement(Feedback(verdict="faulty", headline="This grader broke.", staff=(what,)), 0.0)


def _words(error: Exception) -> str:
    """What broke, with its place in our code where it is nothing that was meant for a person."""
    if isinstance(error, UserError):
        return str(error)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})" if trace is not None else ""
    return f"{type(error).__name__}: {error}{place}"


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
        }
        if outcome.peak_mb:
            extra["peak_mb"] = round(outcome.peak_mb)
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
