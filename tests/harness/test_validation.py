"""Every rule holds for the tiny homework, and each is broken in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from made_up import a_grader
from tiny_homework import TinyHomework

from autograder.errors import UserError
from autograder.feedback import Feedback, GraderResult
from autograder.judging import Judgement
from autograder.manifest import Grader, Manifest, read_manifest, write_expectations
from autograder.recording import Recording, observe_variants, record, sampled
from autograder.validation import (
    Check,
    KillMatrix,
    check_accepted,
    check_coverage,
    check_diagnoses,
    check_kills,
    check_leaks,
    check_numbers,
    check_parts,
    check_points,
    check_recorded,
    check_template_floor,
    check_templates,
    judge_recording,
    validate,
)
from autograder.variants import Variant

pytestmark = pytest.mark.usefixtures("lent_sandbox")


def only_fault(check: Check) -> str:
    """The text of the one fault of a check."""
    assert not check.holds
    assert len(check.faults) == 1, check.faults
    return check.faults[0]


# --- the whole ------------------------------------------------------------------------------------------------------


def test_the_tiny_homework_keeps_every_rule(recorded_tiny: TinyHomework) -> None:
    checks = validate(recorded_tiny.load())
    assert [fault for check in checks for fault in check.faults] == []
    assert len(checks) == 10
    assert len({check.rule for check in checks}) == 10
    measured = {check.rule: check.measured for check in checks}
    assert measured["every misconception fails exactly the graders that it names"] == "3 misconceptions × 4 graders"
    assert measured["every misconception is diagnosed by its own name, and by no other"] == "5 diagnoses"


def test_nothing_recorded(tiny: TinyHomework) -> None:
    with pytest.raises(UserError, match="nothing is recorded here"):
        validate(tiny.load())


@pytest.mark.parametrize(
    ("file", "old", "new", "named"),
    [
        ("graders", "def test_noise", "def test_loudness", "test_tiny.test_loudness, test_tiny.test_noise"),
        ("graders", "BATCH = 5", "BATCH = 6", "test_tiny.test_energy, test_tiny.test_energy.hidden"),
        ("graders", "@weight(2)", "@weight(1)", "test_tiny.test_spread"),
        ("variants", 'name = "mean over the batch"', 'name = "batch mean"', "batch mean, mean over the batch"),
        ("variants", "credit = 0.5", "credit = 0.25", "factor one half forgotten"),
        ("declaration", "hidden = 2", "hidden = 3", "test_tiny.test_energy.hidden"),
    ],
)
def test_another_state_than_the_recorded_one_is_refused(
    recorded_tiny: TinyHomework, file: str, old: str, new: str, named: str
) -> None:
    recorded_tiny.change(getattr(recorded_tiny, file), old, new)
    homework = recorded_tiny.load()
    with pytest.raises(UserError, match=f"changed since it was recorded: {named} Run") as caught:
        check_recorded(homework, read_manifest(homework.expectations))
    assert caught.value.remedy == "Run `autograder record tiny` again."


def test_the_recorded_state_is_not(recorded_tiny: TinyHomework) -> None:
    homework = recorded_tiny.load()
    check_recorded(homework, read_manifest(homework.expectations))


# --- numbers, points, parts -----------------------------------------------------------------------------------------


def manifest_of(tiny: TinyHomework, *graders: Grader, **changes: object) -> Manifest:
    manifest = read_manifest(tiny.load().expectations)
    return msgspec.structs.replace(manifest, **{**({"graders": graders} if graders else {}), **changes})


def test_numbers(recorded_tiny: TinyHomework) -> None:
    manifest = manifest_of(recorded_tiny, a_grader("1.a"), a_grader("1.b"), a_grader("1.a"), a_grader("1.a"))
    assert only_fault(check_numbers(manifest)) == "1.a is used twice"
    assert check_numbers(manifest_of(recorded_tiny)).measured == "4 graders"


def test_points(recorded_tiny: TinyHomework) -> None:
    assert check_points(manifest_of(recorded_tiny)).measured == "10 points, 2 of them hidden"
    assert only_fault(check_points(manifest_of(recorded_tiny, points=11.0))) == "they sum to 10, not 11"
    tenths = [a_grader(f"1.{index}", weight=0.1) for index in range(10)]
    assert check_points(manifest_of(recorded_tiny, *tenths, points=1.0)).holds


def test_parts(recorded_tiny: TinyHomework) -> None:
    manifest = manifest_of(recorded_tiny, parts={"1": "Energy and noise", "2": "The rest"})
    assert only_fault(check_parts(manifest)) == "2 The rest has none"


# --- the template ---------------------------------------------------------------------------------------------------


def result(score: float, verdict: str = "failed") -> GraderResult:
    return GraderResult("id", "1.a", "title", score, 4.0, "visible", (), Feedback(verdict, "x"))  # type: ignore[arg-type]


def test_template_floor(recorded_tiny: TinyHomework) -> None:
    manifest = manifest_of(recorded_tiny, template_floor=1.0)
    assert check_template_floor(manifest, [result(0.5), result(0.5)]).holds
    assert only_fault(check_template_floor(manifest, [result(0.5)])) == "it gets 0.5, homework.toml declares 1"
    assert only_fault(check_template_floor(manifest, [result(1.0), result(0.0, "faulty")])) == "1.a is faulty"


def test_templates_are_those_of_the_reference(recorded_tiny: TinyHomework) -> None:
    homework = recorded_tiny.load()
    assert check_templates(homework).holds
    path = homework.template / "tiny_energy.py"
    path.write_text(path.read_text() + "\n# changed by hand\n")
    assert "is not what the reference gives: run `autograder templates tiny`" in only_fault(check_templates(homework))
    path.unlink()
    assert only_fault(check_templates(homework)) == f"{path} is missing"


def test_leaks(recorded_tiny: TinyHomework) -> None:
    homework = recorded_tiny.load()
    assert check_leaks(homework).holds
    path = homework.template / "tiny_energy.py"
    path.write_text(path.read_text() + "\n# return sigma_square**0.5 * torch.randn(n)\n")
    assert str(path) in only_fault(check_leaks(homework))


# --- the kill matrix ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Recording]:
    """The tiny homework's observations under another seed, made once."""
    return {}


@pytest.fixture
def matrix(recorded_tiny: TinyHomework, fresh: dict[str, Recording]) -> KillMatrix:
    homework = recorded_tiny.load()
    if not fresh:
        fresh["tiny"] = observe_variants(homework, recorded_tiny.project, student_seed=5, band_seeds=1, others=1)
    return judge_recording(fresh["tiny"], read_manifest(homework.expectations), homework.expectations)


def renamed(matrix: KillMatrix, name: str, **changes: object) -> KillMatrix:
    """The matrix with one variant declared otherwise."""
    variants = tuple(
        msgspec.structs.replace(variant, **changes) if variant.name == name else variant for variant in matrix.variants
    )
    return replace(matrix, variants=variants)


def judged(matrix: KillMatrix, number: str, name: str, judgement: Judgement) -> KillMatrix:
    """The matrix with one judgement replaced."""
    grader = next(grader for grader in matrix.graders if grader.number == number)
    return replace(matrix, judgements={**matrix.judgements, (grader.id, name): judgement})


PASSED = Judgement(Feedback("passed", ""), 1.0, ("reference",))
FAILED = Judgement(Feedback("failed", "`x` has other values.", actual="3"), 0.0)
FACTOR = "factor one half forgotten"


def test_the_matrix_of_the_tiny_homework(matrix: KillMatrix) -> None:
    kills = {
        (variant.name, grader.number): matrix.passes(grader, variant)
        for variant in matrix.variants
        for grader in matrix.graders
    }
    assert len(kills) == 20
    assert sorted(number for (name, number), passes in kills.items() if not passes and name == FACTOR) == [
        "1.a",
        "1.a.hidden",
    ]
    for check in (check_accepted, check_kills, check_diagnoses):
        assert check(matrix).holds


def test_a_reading_that_fails_is_told_with_the_reason(matrix: KillMatrix) -> None:
    broken = judged(matrix, "1.b", "summed over the features", FAILED)
    assert only_fault(check_accepted(broken)) == (
        "reading 'summed over the features' fails 1.b: `x` has other values. 3"
    )
    assert only_fault(check_accepted(judged(matrix, "1.b", "reference", FAILED))).startswith(
        "reference 'reference' fails"
    )


def test_a_reading_that_names_no_grader(matrix: KillMatrix) -> None:
    broken = renamed(matrix, "summed over the features", numbers=("7.z",))
    assert only_fault(check_accepted(broken)) == "reading 'summed over the features' names no grader: 7.z"


def test_a_misconception_that_passes_what_it_should_fail(matrix: KillMatrix) -> None:
    broken = renamed(matrix, FACTOR, numbers=("1.a", "1.b"))
    assert only_fault(check_kills(broken)) == f"'{FACTOR}' passes 1.b, which it should fail"


def test_a_misconception_that_fails_what_it_does_not_name(matrix: KillMatrix) -> None:
    broken = renamed(matrix, "variance used as standard deviation", numbers=("1.b",))
    fault = only_fault(check_kills(broken))
    assert fault.startswith("'variance used as standard deviation' fails 1.c, which it does not name: ")
    broken = renamed(matrix, FACTOR, numbers=("1.a.hidden",))
    assert only_fault(check_kills(broken)).startswith(f"'{FACTOR}' fails 1.a, which it does not name: ")


def test_a_misconception_that_names_no_grader(matrix: KillMatrix) -> None:
    broken = renamed(matrix, FACTOR, numbers=("7.z",))
    assert f"'{FACTOR}' names no grader: 7.z" in check_kills(broken).faults


def test_a_misconception_that_is_taken_for_another(matrix: KillMatrix) -> None:
    for shows in (("mean over the batch",), (FACTOR, "mean over the batch")):
        broken = judged(matrix, "1.a.hidden", FACTOR, replace(FAILED, shows=shows))
        assert only_fault(check_diagnoses(broken)) == f"'{FACTOR}' is taken for {'; '.join(shows)} by 1.a.hidden"


def test_one_grader_that_names_a_misconception_is_enough(matrix: KillMatrix) -> None:
    unnamed = judged(matrix, "1.a.hidden", FACTOR, FAILED)
    assert check_diagnoses(unnamed).holds
    nowhere = judged(unnamed, "1.a", FACTOR, FAILED)
    assert only_fault(check_diagnoses(nowhere)) == f"'{FACTOR}' is named by no grader"


def test_what_passes_needs_no_diagnosis(matrix: KillMatrix) -> None:
    broken = judged(matrix, "1.a", FACTOR, PASSED)
    assert check_diagnoses(broken).holds
    assert not check_kills(broken).holds


def test_a_part_without_enough_misconceptions(matrix: KillMatrix, recorded_tiny: TinyHomework) -> None:
    manifest = manifest_of(recorded_tiny, parts={"1.a": "Energy", "1.b": "Noise", "1.c": "Spread"})
    check = check_coverage(matrix, manifest)
    assert check.faults == ("1.a Energy has 2", "1.b Noise has 1", "1.c Spread has 1")
    assert check.measured == "at least 1"
    assert check_coverage(matrix, manifest_of(recorded_tiny)).holds


def test_a_grader_that_no_misconception_fails(matrix: KillMatrix, recorded_tiny: TinyHomework) -> None:
    broken = judged(matrix, "1.c", "variance used as standard deviation", PASSED)
    fault = only_fault(check_coverage(broken, manifest_of(recorded_tiny)))
    assert fault == "no misconception fails grader 1.c: it cannot be shown to fail"


# --- a sample of the matrix -----------------------------------------------------------------------------------------


def test_a_sample_is_the_same_each_time_and_about_as_large_as_wanted() -> None:
    pairs = [(f"test_{grader}", f"variant {variant}") for grader in range(40) for variant in range(50)]
    third = [pair for pair in pairs if sampled(*pair, 3)]
    assert third == [pair for pair in pairs if sampled(*pair, 3)]
    assert len(pairs) / 4 < len(third) < len(pairs) / 2
    assert all(sampled(*pair, 1) and not sampled(*pair, 0) for pair in pairs)
    for grader in range(40):
        assert any(name == f"test_{grader}" for name, _ in third)


def test_a_sample_leaves_out_nothing_but_graders_that_a_misconception_does_not_name(
    recorded_tiny: TinyHomework,
) -> None:
    homework = recorded_tiny.load()
    observed = observe_variants(homework, recorded_tiny.project, student_seed=5, band_seeds=1, others=2)
    for variant in observed.variants:
        for grader in observed.manifest.graders:
            exempt = variant.kind == "misconception" and not variant.concerns(grader.number)
            assert ((grader.id, variant.name) in observed.observations) == (
                not exempt or sampled(grader.id, variant.name, 2)
            )
    assert len(observed.observations) < 20
    checks = validate(homework, others=2)
    assert [fault for check in checks for fault in check.faults] == []
    assert any(check.measured.endswith("and 1 in 2 of those that they do not name") for check in checks)


def test_what_a_sample_looks_at_is_judged_as_ever(matrix: KillMatrix) -> None:
    """A kill that is not named is found where it was looked for; a missing one that was to be looked at is an error."""
    wrong = [variant for variant in matrix.variants if variant.kind == "misconception"]
    others = [(grader, each) for each in wrong for grader in matrix.graders if not each.concerns(grader.number)]
    found = set()
    for grader, variant in others:
        broken = replace(judged(matrix, grader.number, variant.name, FAILED), others=2)
        found.add(sampled(grader.id, variant.name, 2))
        assert check_kills(broken).holds != sampled(grader.id, variant.name, 2)
        assert not check_kills(replace(broken, others=1)).holds
    assert found == {True, False}
    grader = next(grader for grader in matrix.graders if grader.number == "1.a")
    missing = {pair: one for pair, one in matrix.judgements.items() if pair != (grader.id, FACTOR)}
    with pytest.raises(KeyError):
        check_kills(replace(matrix, judgements=missing, others=2))


# --- holes that are in the homework itself --------------------------------------------------------------------------


def changed_variants(old: str, new: str) -> Callable[[TinyHomework], None]:
    return lambda tiny: tiny.change(tiny.variants, old, new)


def changed_graders(old: str, new: str) -> Callable[[TinyHomework], None]:
    return lambda tiny: tiny.change(tiny.graders, old, new)


def _second_name(tiny: TinyHomework) -> None:
    """The same behaviour under two names: neither can be told from the other."""
    text = tiny.variants.read_text()
    piece = text[text.index('[[misconception]]\nname = "factor') : text.index('[[misconception]]\nname = "mean')]
    tiny.variants.write_text(
        text + piece.replace(FACTOR, "one half forgotten").replace("x.square()", "1.0 * x.square()", 2)
    )
    tiny.variants.write_text(tiny.variants.read_text().replace('old = "0.5 * 1.0 * x', 'old = "0.5 * x'))


HOLES = [
    (
        "a grader that is too loose",
        changed_graders("observe(energy=tiny_energy.energy(x))", "observe(energy=tiny_energy.energy(x), atol=1e9)"),
        ("exactly the graders", f"'{FACTOR}' passes 1.a, which it should fail"),
    ),
    (
        "a reading that is none",
        changed_variants('accepts = ["1.a"]', 'accepts = ["1.b"]'),
        ("every reading get 100 %", "reading 'summed over the features' fails 1.a"),
    ),
    ("two names for one behaviour", _second_name, ("its own name", "'one half forgotten' is named by no grader")),
    (
        "a grade that depends on the student's random numbers",
        changed_graders("    observe.band(spread=draws.std())\n", "    observe(spread=draws.std())\n"),
        ("every reading get 100 %", "reference 'reference' fails 1.c"),
    ),
    (
        "a template that earns points",
        changed_graders("draws = tiny_energy.noise(400, 4.0)", "import torch\n    draws = 2 * torch.randn(400)"),
        ("declared floor", "it gets 2, homework.toml declares 0"),
    ),
]


@pytest.mark.parametrize(("make", "found"), [hole[1:] for hole in HOLES], ids=[hole[0] for hole in HOLES])
def test_holes(
    tiny: TinyHomework, make: Callable[[TinyHomework], None], found: tuple[str, str], recorded_tiny: TinyHomework
) -> None:
    make(tiny)
    homework = tiny.load()
    record(homework, data=recorded_tiny.load().expectations / "data")
    faults = {check.rule: check.faults for check in validate(homework) if not check.holds}
    rule, fault = found
    told = [text for name, texts in faults.items() if rule in name for text in texts]
    assert any(fault in text for text in told), faults


def test_a_template_that_earns_more_than_its_floor(recorded_tiny: TinyHomework) -> None:
    homework = recorded_tiny.load()
    (homework.template / "tiny_energy.py").write_text(recorded_tiny.solution.read_text())
    broken = {check.rule for check in validate(homework) if not check.holds}
    assert broken == {
        "the untouched template gets its declared floor",
        "the templates are the reference's",
        "no line of a solution is in a template",
    }


def test_expectations_of_another_reference(recorded_tiny: TinyHomework, tmp_path: Path) -> None:
    """The reference was changed after recording, and shows something else now."""
    recorded_tiny.change(recorded_tiny.solution, "    return 0.5 * x", "    x = x + 1\n    return 0.5 * x")
    faults = {check.rule: check.faults for check in validate(recorded_tiny.load()) if not check.holds}
    told = faults["the reference and every reading get 100 %"]
    assert any("reference 'reference' fails 1.a" in fault for fault in told)


def test_a_matrix_of_made_up_expectations(recorded_tiny: TinyHomework, tmp_path: Path) -> None:
    """Judging reads the folder it is given."""
    from made_up import seen

    from autograder.manifest import GraderExpectations

    grader = a_grader("1.a")
    manifest = manifest_of(recorded_tiny, grader, variants=(Variant("reference", "reference"),))
    write_expectations(tmp_path, manifest, {grader.id: GraderExpectations({"reference": seen(np.ones(2))})})
    for value, passes in ((np.ones(2), True), (np.zeros(2), False)):
        recording = Recording(manifest, manifest.variants, {(grader.id, "reference"): seen(value)}, {})
        assert judge_recording(recording, manifest, tmp_path).passes(grader, manifest.variants[0]) is passes
