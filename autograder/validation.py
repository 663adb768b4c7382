"""Check a homework before students meet it: what must pass passes, what must fail fails.

Everything is observed anew, under other seeds of the students' own randomness than recording
used, and judged with the recorded expectations, as a submission is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from autograder.errors import UserError
from autograder.feedback import GraderResult
from autograder.grading import Place, grade
from autograder.homework import Homework, read_text
from autograder.judging import Judgement, judge_observation
from autograder.manifest import DATA, Grader, Manifest, read_expectations, read_manifest
from autograder.recording import STUDENT_SEED, Progress, Recording, declared_graders, observe_variants, sampled
from autograder.sandbox.runner import Sandbox
from autograder.submission import find_submission
from autograder.templates import find_leaks, generate_template, solution_lines
from autograder.variants import Variant, load_variants

OTHER_SEED = STUDENT_SEED + 1
LEAST_MISCONCEPTIONS = 3


@dataclass(frozen=True)
class Check:
    """One rule that a homework must keep: what it is, and every way in which it is broken."""

    rule: str
    faults: tuple[str, ...]
    measured: str = ""

    @property
    def holds(self) -> bool:
        return not self.faults


@dataclass(frozen=True)
class KillMatrix:
    """The judgement of every variant by every grader, or of misconceptions by a sample of the graders they do not name.

    Attributes:
        judgements: by (grader id, variant name).
        others: each how many-th pair of a misconception and a grader that it does not name was looked at; 1 for all.
    """

    graders: tuple[Grader, ...]
    variants: tuple[Variant, ...]
    judgements: Mapping[tuple[str, str], Judgement]
    others: int = 1

    def judged(self, grader: Grader, variant: Variant) -> bool:
        """Whether a pair is among those that were to be looked at: `passes` is an error where it was and is missing."""
        if variant.kind != "misconception" or variant.concerns(grader.number):
            return True
        return sampled(grader.id, variant.name, self.others)

    def passes(self, grader: Grader, variant: Variant) -> bool:
        return self.judgements[grader.id, variant.name].feedback.verdict == "passed"


def validate(
    homework: Homework, *, others: int = 1, jobs: int | None = None, progress: Progress = lambda *_: None
) -> list[Check]:
    """Every check of a recorded homework.

    Args:
        others: 1 observes every misconception on every grader; n observes it on those that it names, and on each
            n-th of the others, the same ones each time (`recording.sampled`).

    Raises:
        UserError: where nothing is recorded yet.
    """
    manifest = read_manifest(homework.expectations)
    matrix = kill_matrix(homework, manifest, others=others, jobs=jobs, progress=progress)
    template = grade_template(homework, manifest, jobs)
    return [
        check_numbers(manifest),
        check_points(manifest),
        check_parts(manifest),
        check_accepted(matrix),
        check_template_floor(manifest, template),
        check_kills(matrix),
        check_diagnoses(matrix),
        check_coverage(matrix, manifest),
        check_templates(homework),
        check_leaks(homework),
    ]


def kill_matrix(
    homework: Homework,
    manifest: Manifest,
    *,
    others: int = 1,
    jobs: int | None = None,
    progress: Progress = lambda *_: None,
) -> KillMatrix:
    """Observe every variant again and judge it with the recorded expectations; for `others` see `validate`.

    Raises:
        UserError: where a grader or a variant has changed since it was recorded.
    """
    check_recorded(homework, manifest)
    fresh = observe_variants(
        homework,
        homework.expectations / DATA,
        jobs=jobs,
        student_seed=OTHER_SEED,
        band_seeds=1,
        others=others,
        progress=progress,
    )
    return judge_recording(fresh, manifest, homework.expectations, others)


def check_recorded(homework: Homework, manifest: Manifest, *, practice: bool = False) -> None:
    """Refuse to go on with another state of the homework than the recorded one."""
    learnt = {"preload": (), "bands": False, "reference_seconds": 0.0}
    then = {grader.id: msgspec.structs.replace(grader, **learnt) for grader in manifest.graders}
    now = {grader.id: grader for grader in declared_graders(homework, practice=practice)}
    names_then = {variant.name: variant for variant in manifest.variants}
    names_now = {variant.name: variant for variant, _ in load_variants(homework)}
    changed = [
        *(id for id in sorted({*then, *now}) if then.get(id) != now.get(id)),
        *(name for name in sorted({*names_then, *names_now}) if names_then.get(name) != names_now.get(name)),
    ]
    if changed:
        raise UserError(
            f"changed since it was recorded: {', '.join(changed[:5])}{' …' if len(changed) > 5 else ''}",
            where=str(homework.expectations),
            remedy=f"Run `autograder record {homework.name}` again.",
        )


def judge_recording(fresh: Recording, manifest: Manifest, expectations: Path, others: int = 1) -> KillMatrix:
    """The kill matrix of observations, by the expectations in a folder."""
    judgements = {}
    for grader in manifest.graders:
        recorded = read_expectations(expectations, grader)
        for variant in manifest.variants:
            observation = fresh.observations.get((grader.id, variant.name))
            if observation is not None:
                judgement = judge_observation(grader, manifest.variants, recorded, observation)
                judgements[grader.id, variant.name] = judgement
    return KillMatrix(graders=manifest.graders, variants=manifest.variants, judgements=judgements, others=others)


def grade_template(homework: Homework, manifest: Manifest, jobs: int | None) -> list[GraderResult]:
    """The untouched template, graded."""
    wanted = [file.wanted for file in manifest.files]
    with Sandbox() as sandbox:
        where = Place.of(homework.expectations)
        return list(grade(manifest, where, find_submission(homework.template, wanted), sandbox, jobs))


def check_numbers(manifest: Manifest) -> Check:
    numbers = [grader.number for grader in manifest.graders]
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    return Check("numbers are unique", tuple(f"{number} is used twice" for number in twice), f"{len(numbers)} graders")


def check_points(manifest: Manifest) -> Check:
    total = math.fsum(grader.weight for grader in manifest.graders)
    hidden = math.fsum(grader.weight for grader in manifest.graders if grader.hidden)
    faults = () if math.isclose(total, manifest.points) else (f"they sum to {total:g}, not {manifest.points:g}",)
    return Check("points sum to the declared total", faults, f"{total:g} points, {hidden:g} of them hidden")


def check_parts(manifest: Manifest) -> Check:
    graded = {manifest.part(grader.number)[0] for grader in manifest.graders}
    faults = tuple(f"{part} {title} has none" for part, title in manifest.parts.items() if part not in graded)
    return Check("every part of the handout has a grader", faults, f"{len(graded)} parts")


def check_accepted(matrix: KillMatrix) -> Check:
    accepted = [variant for variant in matrix.variants if variant.kind != "misconception"]
    faults = tuple(
        f"{variant.kind} {variant.name!r} fails {grader.number}: {_reason(matrix.judgements[grader.id, variant.name])}"
        for variant in accepted
        for grader in matrix.graders
        if not matrix.passes(grader, variant)
    )
    idle = tuple(
        f"reading {variant.name!r} names no grader: {', '.join(variant.numbers)}"
        for variant in accepted
        if variant.kind == "reading" and not any(variant.concerns(grader.number) for grader in matrix.graders)
    )
    return Check("the reference and every reading get 100 %", (*faults, *idle), f"{len(accepted) - 1} readings")


def check_template_floor(manifest: Manifest, results: Sequence[GraderResult]) -> Check:
    score = math.fsum(result.score for result in results)
    broken = tuple(f"{result.number} is faulty" for result in results if result.feedback.verdict == "faulty")
    wrong = (
        ()
        if math.isclose(score, manifest.template_floor, abs_tol=1e-9)
        else (f"it gets {score:g}, homework.toml declares {manifest.template_floor:g}",)
    )
    return Check("the untouched template gets its declared floor", (*wrong, *broken), f"{score:g} points")


def check_kills(matrix: KillMatrix) -> Check:
    faults = []
    wrong = _misconceptions(matrix)
    for variant in wrong:
        for grader in matrix.graders:
            if not matrix.judged(grader, variant):
                continue
            passes, named = matrix.passes(grader, variant), variant.concerns(grader.number)
            if passes and named:
                faults.append(f"{variant.name!r} passes {grader.number}, which it should fail")
            elif not passes and not named:
                reason = _reason(matrix.judgements[grader.id, variant.name])
                faults.append(f"{variant.name!r} fails {grader.number}, which it does not name: {reason}")
        if not any(variant.concerns(grader.number) for grader in matrix.graders):
            faults.append(f"{variant.name!r} names no grader: {', '.join(variant.numbers)}")
    sample = f", and 1 in {matrix.others} of those that they do not name" if matrix.others > 1 else ""
    return Check(
        "every misconception fails exactly the graders that it names",
        tuple(faults),
        f"{len(wrong)} misconceptions × {len(matrix.graders)} graders{sample}",
    )


def check_diagnoses(matrix: KillMatrix) -> Check:
    """A grader may leave a misconception unnamed, for several can look alike to it. One must name it."""
    faults = []
    count = 0
    for variant in _misconceptions(matrix):
        named = False
        for grader in matrix.graders:
            if not variant.concerns(grader.number) or matrix.passes(grader, variant):
                continue
            shows = matrix.judgements[grader.id, variant.name].shows
            named = named or shows == (variant.name,)
            count += shows == (variant.name,)
            if shows and shows != (variant.name,):
                faults.append(f"{variant.name!r} is taken for {'; '.join(shows)} by {grader.number}")
        if not named:
            faults.append(f"{variant.name!r} is named by no grader")
    rule = "every misconception is diagnosed by its own name, and by no other"
    return Check(rule, tuple(faults), f"{count} diagnoses")


def check_coverage(matrix: KillMatrix, manifest: Manifest) -> Check:
    faults, fewest = [], math.inf
    for part, title in manifest.parts.items():
        graders = [grader for grader in matrix.graders if manifest.part(grader.number)[0] == part]
        killing = [
            variant for variant in _misconceptions(matrix) if any(variant.concerns(grader.number) for grader in graders)
        ]
        fewest = min(fewest, len(killing))
        if len(killing) < LEAST_MISCONCEPTIONS:
            faults.append(f"{part} {title} has {len(killing)}")
    for grader in matrix.graders:
        looked_at = [variant for variant in _misconceptions(matrix) if matrix.judged(grader, variant)]
        if all(matrix.passes(grader, variant) for variant in looked_at):
            faults.append(f"no misconception fails grader {grader.number}: it cannot be shown to fail")
    rule = f"every part has {LEAST_MISCONCEPTIONS} misconceptions or more, every grader one"
    return Check(rule, tuple(faults), f"at least {fewest}")


def check_templates(homework: Homework) -> Check:
    faults = []
    for path, text in homework.reference_texts().items():
        committed = homework.template / path
        if not committed.is_file():
            faults.append(f"{committed} is missing")
        elif read_text(committed) != generate_template(text, path):
            faults.append(f"{committed} is not what the reference gives: run `autograder templates {homework.name}`")
    return Check("the templates are the reference's", tuple(faults))


def check_leaks(homework: Homework) -> Check:
    faults = []
    for path, text in homework.reference_texts().items():
        committed = homework.template / path
        if committed.is_file():
            leaks = find_leaks(read_text(committed), solution_lines(text))
            faults += [f"{committed}: {leak}" for leak in leaks]
    return Check("no line of a solution is in a template", tuple(faults))


def _misconceptions(matrix: KillMatrix) -> list[Variant]:
    return [variant for variant in matrix.variants if variant.kind == "misconception"]


def _reason(judgement: Judgement) -> str:
    feedback = judgement.feedback
    return " ".join(part for part in (feedback.headline, feedback.actual) if part)[:200]
