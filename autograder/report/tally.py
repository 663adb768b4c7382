"""The numbers of a report, all of them counted from what stands in results/<id>.json.

"Failed" is the student's, "faulty" and "not reached" are ours: these two are judged by nobody, so they are in no pass
rate, and a total that lacks them is incomplete and in no statistic of totals.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal, cast

from autograder.gradescope import Results, TestCase
from autograder.manifest import Grader, Manifest
from autograder.questions import part_of
from autograder.report.outputs import headline_of

if TYPE_CHECKING:
    from autograder.regrade.handins import Handin

Verdict = Literal["passed", "failed", "faulty", "not reached"]
VERDICTS: tuple[Verdict, ...] = ("passed", "failed", "faulty", "not reached")
HIDDEN = ".hidden"
ENOUGH = 5  # judged submissions from which on it is odd that all or none pass
SLOW_SHARE = 0.5  # of a grader's time limit
MOST_BINS = 20


@dataclass(frozen=True)
class Mark:
    """What one grader gave one handin."""

    grader: str
    number: str
    title: str
    verdict: Verdict
    score: float
    max_score: float
    seconds: float | None
    cpu_seconds: float | None
    shows: tuple[str, ...]
    headline: str

    @property
    def is_judged(self) -> bool:
        return self.verdict in ("passed", "failed")


@dataclass(frozen=True)
class Tallied:
    """One handin with what it got; `score` is None where it was not graded at all."""

    handin: Handin
    marks: tuple[Mark, ...] = ()
    score: float | None = None
    seconds: float | None = None

    @cached_property
    def is_graded(self) -> bool:
        return self.score is not None

    @cached_property
    def is_complete(self) -> bool:
        """Whether every grader gave a verdict on it."""
        return self.is_graded and all(mark.is_judged for mark in self.marks)

    def count(self, verdict: Verdict) -> int:
        return sum(mark.verdict == verdict for mark in self.marks)


@dataclass
class GraderTally:
    """One grader with all its marks, by the index of the handin."""

    id: str
    number: str
    title: str
    max_score: float
    visibility: str
    grader: Grader | None
    marks: dict[int, Mark] = field(default_factory=dict)

    @cached_property
    def counts(self) -> dict[Verdict, int]:
        counts: dict[Verdict, int] = dict.fromkeys(VERDICTS, 0)
        for mark in self.marks.values():
            counts[mark.verdict] += 1
        return counts

    @property
    def judged(self) -> int:
        return self.counts["passed"] + self.counts["failed"]

    @property
    def pass_rate(self) -> float | None:
        return self.counts["passed"] / self.judged if self.judged else None

    @cached_property
    def seconds(self) -> list[float]:
        """Wall seconds, in order."""
        return sorted(mark.seconds for mark in self.marks.values() if mark.seconds is not None)

    @cached_property
    def cpu_seconds(self) -> list[float]:
        """CPU seconds of the students' code, in order."""
        return sorted(mark.cpu_seconds for mark in self.marks.values() if mark.cpu_seconds is not None)

    @property
    def is_slow(self) -> bool:
        """Whether one in twenty uses more than half of the CPU time that it has."""
        limit = self.grader.limits.seconds if self.grader else math.inf
        return bool(self.cpu_seconds) and quantile(self.cpu_seconds, 0.95) > SLOW_SHARE * limit


@dataclass(frozen=True)
class Group:
    """Graders that are looked at together: a part of the handout, or a question."""

    number: str
    title: str
    graders: tuple[int, ...]
    points: float
    passed: int
    judged: int
    mean_share: float | None

    @property
    def pass_rate(self) -> float | None:
        return self.passed / self.judged if self.judged else None


@dataclass(frozen=True)
class Shown:
    """A misconception or a reading with those who show it."""

    name: str
    kind: str
    says: str
    handins: tuple[int, ...]
    numbers: tuple[str, ...]


@dataclass(frozen=True)
class Bin:
    """Scores from `start` on and below `end`; the last one has its end, too."""

    start: float
    end: float
    count: int


@dataclass(frozen=True)
class ClassTally:
    """All numbers of a report."""

    students: tuple[Tallied, ...]
    graders: tuple[GraderTally, ...]
    parts: tuple[Group, ...]
    questions: tuple[Group, ...]
    misconceptions: tuple[Shown, ...]
    readings: tuple[Shown, ...]
    points: float

    @cached_property
    def totals(self) -> list[float]:
        """Complete totals, in order."""
        return sorted(student.score for student in self.students if student.score is not None and student.is_complete)

    @cached_property
    def bins(self) -> tuple[Bin, ...]:
        return bins(self.totals, self.points)


def tally_one(handin: Handin, results: Results | None) -> Tallied:
    """What the report counts of one handin."""
    if results is None:
        return Tallied(handin)
    seconds = results.execution_time
    return Tallied(
        handin,
        tuple(map(_mark, results.tests)),
        results.score,
        seconds if isinstance(seconds, (int, float)) else None,
    )


def _mark(test: TestCase) -> Mark:
    extra = test.extra_data
    verdict = extra.get("verdict")
    shows = extra.get("shows")
    known = cast(Verdict, verdict) if verdict in VERDICTS else "faulty"
    return Mark(
        grader=str(extra.get("id") or test.number),
        number=test.number,
        title=test.name,
        verdict=known,
        score=test.score,
        max_score=test.max_score,
        seconds=_number(extra.get("seconds")),
        cpu_seconds=_number(extra.get("cpu_seconds")),
        shows=tuple(str(one) for one in shows) if isinstance(shows, (list, tuple)) else (),
        headline="" if known == "passed" else headline_of(test.output),
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None


def tally(students: Sequence[Tallied], manifest: Manifest) -> ClassTally:
    """All numbers of a class."""
    graders = _graders(students, manifest)
    parts = _groups(students, graders, {grader.number: manifest.part(grader.number) for grader in graders})
    tops = {number.partition(".")[0] for number in (grader.number for grader in graders)}
    titles = {top: manifest.parts.get(top, "") for top in tops}
    questions = _groups(students, graders, {grader.number: part_of(grader.number, titles) for grader in graders})
    kinds = {variant.name: variant for variant in manifest.variants}
    shown = _shown(students, kinds)
    return ClassTally(
        students=tuple(students),
        graders=graders,
        parts=parts,
        questions=questions,
        misconceptions=tuple(one for one in shown if one.kind == "misconception"),
        readings=tuple(one for one in shown if one.kind == "reading"),
        points=round(sum(grader.max_score for grader in graders), 2),
    )


def _graders(students: Sequence[Tallied], manifest: Manifest) -> tuple[GraderTally, ...]:
    """The manifest's graders in its order, then those that results have besides."""
    found = {
        grader.id: GraderTally(grader.id, grader.number, grader.title, grader.weight, grader.visibility, grader)
        for grader in manifest.graders
    }
    by_number = {grader.number: grader.id for grader in manifest.graders}
    for index, student in enumerate(students):
        for mark in student.marks:
            id = mark.grader if mark.grader in found else by_number.get(mark.number, mark.grader)
            if id not in found:
                found[id] = GraderTally(id, mark.number, mark.title, mark.max_score, "", None)
            found[id].marks[index] = mark
    return tuple(found.values())


def _groups(
    students: Sequence[Tallied], graders: Sequence[GraderTally], named: Mapping[str, tuple[str, str]]
) -> tuple[Group, ...]:
    members: dict[tuple[str, str], list[int]] = {}
    for index, grader in enumerate(graders):
        members.setdefault(named[grader.number], []).append(index)
    groups = []
    for (number, title), indices in members.items():
        points = round(sum(graders[index].max_score for index in indices), 2)
        passed = judged = 0
        shares = []
        for student in range(len(students)):
            marks = [graders[index].marks.get(student) for index in indices]
            if not all(mark is not None and mark.is_judged for mark in marks):
                continue
            judged += 1
            passed += all(mark is not None and mark.verdict == "passed" for mark in marks)
            shares.append(sum(mark.score for mark in marks if mark is not None) / points if points else 0.0)
        mean = statistics.fmean(shares) if shares and points else None
        groups.append(Group(number, title, tuple(indices), points, passed, judged, mean))
    return tuple(groups)


def _shown(students: Sequence[Tallied], variants: Mapping[str, object]) -> list[Shown]:
    handins: dict[str, dict[int, None]] = {}
    numbers: dict[str, dict[str, None]] = {}
    for index, student in enumerate(students):
        for mark in student.marks:
            for name in mark.shows:
                handins.setdefault(name, {})[index] = None
                numbers.setdefault(name, {})[mark.number] = None
    shown = []
    for name, who in handins.items():
        variant = variants.get(name)
        kind = str(getattr(variant, "kind", "reference" if name == "reference" else "misconception"))
        says = str(getattr(variant, "says", ""))
        shown.append(Shown(name, kind, says, tuple(who), tuple(numbers[name])))
    return sorted(shown, key=lambda one: (-len(one.handins), one.name))


def score_of(marks: Iterable[Mark | None]) -> tuple[float | None, bool]:
    """(points, whether all of them are judged); None where not one is."""
    given = list(marks)
    judged = [mark.score for mark in given if mark is not None and mark.is_judged]
    return (round(sum(judged), 2) if judged else None), len(judged) == len(given)


def bins(totals: Sequence[float], points: float) -> tuple[Bin, ...]:
    """At most `MOST_BINS` equal and round ranges from 0 to all points, with how many totals lie in each."""
    top = max([points, *totals, 1.0])
    width = next(
        step * scale
        for scale in (10.0**power for power in range(-1, 9))
        for step in (1.0, 2.0, 2.5, 5.0)
        if top / (step * scale) <= MOST_BINS
    )
    number = max(1, math.ceil(round(top / width, 9)))
    counts = [0] * number
    for total in totals:
        counts[min(number - 1, max(0, math.floor(round(total / width, 9))))] += 1
    return tuple(
        Bin(round(index * width, 6), round(min(top, (index + 1) * width), 6), count)
        for index, count in enumerate(counts)
    )


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that `share` of them do not exceed."""
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]
