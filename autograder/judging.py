"""The verdict: whose behaviour does this submission show?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autograder.comparison import Difference, compare
from autograder.diagnosis import explain_differences, explain_ending, output_note
from autograder.feedback import Feedback
from autograder.manifest import Grader, GraderExpectations
from autograder.observation import Observation
from autograder.sandbox.runner import Outcome
from autograder.variants import Variant


@dataclass(frozen=True)
class Judgement:
    """A verdict with the share of the points that it earns.

    Attributes:
        credit: between 0 and 1.
        shows: the variants whose behaviour the submission shows; "reference" among them where it passed.
    """

    feedback: Feedback
    credit: float
    shows: tuple[str, ...] = ()


def judge(grader: Grader, variants: Sequence[Variant], expectations: GraderExpectations, outcome: Outcome) -> Judgement:
    """Judge what one grader saw of a submission."""
    observation = outcome.observation
    if outcome.ending == "harness":
        return _faulty(outcome)
    if observation is None:
        ending = explain_ending(outcome, grader)
        judgement = Judgement(replace(ending, notes=()) if grader.hidden else ending, 0.0)
    else:
        judgement = judge_observation(grader, variants, expectations, observation)
        staff = (*judgement.feedback.staff, *observation.header.notes)
        judgement = replace(judgement, feedback=replace(judgement.feedback, staff=staff))
    if outcome.output_was_cut and judgement.feedback.verdict == "failed":
        notes = (*judgement.feedback.notes, output_note(grader))
        judgement = replace(judgement, feedback=replace(judgement.feedback, notes=notes))
    return judgement


def judge_observation(
    grader: Grader, variants: Sequence[Variant], expectations: GraderExpectations, observation: Observation
) -> Judgement:
    """Judge an observation: the reference and readings first, then misconceptions, then bare differences."""
    closest: tuple[Difference, ...] | None = None
    for variant in _accepted(grader, variants, expectations):
        differences = _differences(expectations, variant.name, observation)
        if not differences:
            return Judgement(_passed(variant), 1.0, (variant.name,))
        if closest is None or len(differences) < len(closest):
            closest = differences
    assert closest is not None
    wrong = [
        variant
        for variant in variants
        if variant.kind == "misconception"
        and variant.concerns(grader.number)
        and variant.name in expectations.observations
    ]
    plain = explain_differences(closest, observation, grader)
    if all(difference.aspect == "band" for difference in closest):
        return Judgement(plain, 0.0)  # so wide a likeness says what is wrong, not why
    same = [variant for variant in wrong if not _differences(expectations, variant.name, observation)]
    if len(same) > 1:
        return _as_one_of(same, plain)
    if same:
        return _as_misconception(same, plain, closest, credit=same[0].credit)
    parts = _explain_parts(closest, wrong, expectations, observation)
    if parts:
        return _as_misconception(parts, plain, closest, credit=0.0)
    return Judgement(plain, 0.0)


def _accepted(grader: Grader, variants: Sequence[Variant], expectations: GraderExpectations) -> list[Variant]:
    return [
        variant
        for variant in variants
        if variant.name in expectations.observations
        and (variant.kind == "reference" or (variant.kind == "reading" and variant.concerns(grader.number)))
    ]


def _differences(expectations: GraderExpectations, variant: str, observation: Observation) -> tuple[Difference, ...]:
    return compare(expectations.observations[variant], observation, expectations.reference)


def _explain_parts(
    differences: Sequence[Difference],
    wrong: Sequence[Variant],
    expectations: GraderExpectations,
    observation: Observation,
) -> list[Variant]:
    """Misconceptions that explain every difference between them, each difference by just one, or none.

    Two mistakes at once match no recorded misconception as a whole, but each can show in the
    entries that it concerns. Words and counts alone are too few-valued to tell two mistakes at once.
    """
    found: list[Variant] = []
    if observation.failure is not None or all(difference.aspect == "exact" for difference in differences):
        return found
    for difference in differences:
        entry = difference.entry
        explaining = [
            variant
            for variant in wrong
            if entry is not None
            and expectations.observations[variant.name].failure is None
            and _differs_in(expectations.reference, expectations, variant.name, entry.name)
            and not _differs_in(observation, expectations, variant.name, entry.name)
        ]
        if any(variant in found for variant in explaining):
            continue
        if len(explaining) != 1:
            return []
        found += explaining
    return found


def _differs_in(observation: Observation, expectations: GraderExpectations, variant: str, name: str) -> bool:
    """Whether an observation differs from a variant's in the entry `name`."""
    return any(
        difference.entry is not None and difference.entry.name == name
        for difference in _differences(expectations, variant, observation)
    )


def _as_misconception(
    found: Sequence[Variant], plain: Feedback, differences: Sequence[Difference], *, credit: float
) -> Judgement:
    """The misconceptions' own words; expected and actual stay where they are the one thing that differs.

    They stay at a point, too, which a note names.
    """
    names = tuple(variant.name for variant in found)
    entry = differences[0].entry
    points = entry is not None and bool(entry.points)
    lone = points or len(differences) == 1
    feedback = replace(
        plain,
        headline=" And: ".join(f"{_capitalised(name)}." for name in names),
        expected=plain.expected if lone else "",
        actual=plain.actual if lone else "",
        help=" ".join(variant.says for variant in found),
        notes=(plain.headline,) if points and plain.expected else (),  # a hidden grader names no point
        staff=(f"misconception: {'; '.join(names)}",),
    )
    return Judgement(feedback, credit, names)


def _capitalised(name: str) -> str:
    """With a capital, unless it begins with a symbol or an identifier."""
    first = name.split()[0]
    return name[0].upper() + name[1:] if first.isascii() and "_" not in first else name


def _as_one_of(same: Sequence[Variant], plain: Feedback) -> Judgement:
    """Several misconceptions look like this: a wrong name is worse than none, so only staff read them."""
    names = "; ".join(variant.name for variant in same)
    feedback = replace(plain, staff=(*plain.staff, f"one of these misconceptions, or something alike: {names}"))
    return Judgement(feedback, min(variant.credit for variant in same))


def _passed(variant: Variant) -> Feedback:
    staff = (f"reading: {variant.name}. {variant.says}",) if variant.kind == "reading" else ()
    return Feedback(verdict="passed", headline="", staff=staff)


def _faulty(outcome: Outcome) -> Judgement:
    staff = (f"The grader itself failed: {outcome.detail}", *outcome.output.splitlines()[-5:])
    return Judgement(Feedback(verdict="faulty", headline="This grader broke.", staff=staff), 0.0)
