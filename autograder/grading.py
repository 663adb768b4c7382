"""Grade one submission: every grader in a child of its own, several at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.diagnosis import place
from autograder.errors import UserError
from autograder.feedback import JSON, Feedback, GraderResult, PlannedGrader
from autograder.gradescope import MAX_PICTURES
from autograder.homework import Limits
from autograder.judging import Judgement, judge
from autograder.manifest import DATA, Grader, Manifest, read_expectations
from autograder.observation import Observation, clean
from autograder.pictures import Picture, encode_png
from autograder.sandbox.protocol import PRELOADABLE, ChildLimits, Job, Source
from autograder.sandbox.runner import Outcome, ReplyLimits, Sandbox
from autograder.submission import FoundFile, Problem, Submission

MEGABYTE = 2**20


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


def child_limits(limits: Limits, seconds: float) -> ChildLimits:
    """A homework's limits for one child."""
    return ChildLimits(
        cpu_seconds=seconds,
        wall_seconds=seconds * limits.wall_factor,
        memory_bytes=limits.memory_mb * MEGABYTE,
        file_bytes=limits.file_mb * MEGABYTE,
    )


def reply_limits(limits: Limits) -> ReplyLimits:
    """How much is read from one child."""
    return ReplyLimits(reply=limits.reply_mb * MEGABYTE, output=limits.output_kb * 1024)


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
        trace=trace,
    )


@dataclass(frozen=True)
class Place:
    """Where grading takes its expectations and its data from."""

    expectations: Path
    data: Path

    @classmethod
    def of(cls, expectations: Path, data: Path | None = None) -> Place:
        return cls(expectations=expectations, data=(data or expectations / DATA).resolve())


def grade(
    manifest: Manifest, where: Place, submission: Submission, sandbox: Sandbox, jobs: int | None = None
) -> Iterator[GraderResult]:
    """Yield the result of every grader as soon as it stands; `in_order` brings them into the manifest's order.

    Graders whose modules the zygote has are started first, so that others run while it imports more.
    """
    sources = submission_sources(submission)
    order = sorted(manifest.graders, key=lambda grader: len(PRELOADABLE.intersection(grader.preload)))
    with ThreadPoolExecutor(jobs or cores(), thread_name_prefix="grader") as pool:
        futures = [pool.submit(_grade_one, manifest, where, submission, sources, sandbox, grader) for grader in order]
        for future in as_completed(futures):
            yield future.result()


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


def _grade_one(
    manifest: Manifest,
    where: Place,
    submission: Submission,
    sources: Mapping[str, tuple[Source, ...]],
    sandbox: Sandbox,
    grader: Grader,
) -> GraderResult:
    started = time.monotonic()
    outcome = None
    try:
        problems = [found for module in grader.modules if isinstance(found := submission.modules[module], Problem)]
        if problems:
            judgement = Judgement(Feedback(verdict="failed", headline=problems[0].message), 0.0)
        else:
            expectations = read_expectations(where.expectations, grader)
            sandbox.preload(grader.preload)
            outcome = sandbox.run(
                make_job(manifest, grader, sources, where.data),
                child_limits(manifest.limits, grader.seconds),
                reply_limits(manifest.limits),
            )
            judgement = judge(grader, manifest.variants, expectations, outcome, manifest.limits.memory_mb)
        return _result(grader, judgement, outcome, time.monotonic() - started)
    except UserError as error:
        judgement = _our_fault(str(error))
    except Exception as error:  # whatever breaks on our side must cost this grader alone
        judgement = _our_fault(f"{type(error).__name__}: {error}{_where(error)}")
    return _result(grader, judgement, None, time.monotonic() - started)


def _our_fault(what: str) -> Judgement:
    return Judgement(Feedback(verdict="faulty", headline="This grader broke.", staff=(what,)), 0.0)


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f" ({Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno})" if trace is not None else ""


def _result(grader: Grader, judgement: Judgement, outcome: Outcome | None, seconds: float) -> GraderResult:
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
    return GraderResult(
        id=grader.id,
        number=grader.number,
        title=grader.title,
        score=round(grader.weight * judgement.credit, 2),
        max_score=grader.weight,
        visibility=grader.visibility,
        tags=grader.tags,
        feedback=feedback,
        seconds=seconds,
        extra=extra,
        leaderboard=_leaderboard(observation) if observation is not None and feedback.verdict == "passed" else {},
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


def _leaderboard(observation: Observation) -> dict[str, float]:
    return {
        entry.name: float(observation.value(entry).item())
        for entry in observation.entries
        if entry.kind == "leaderboard" and entry.array and observation.value(entry).size == 1
    }
