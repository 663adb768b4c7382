"""Every submission of tests/submissions gets the verdicts that a fair, experienced human grader would give.

A case is a folder tests/submissions/<homework>/<case> with files as a student would hand them in, and a `case.toml`:

    purpose      one sentence
    graders      the numbers or parts of the handout that are run; all of them by default
    submission   another folder, from the project's root, that holds the files
    with         files of the homework's other cases that lie beside
    make         files that are made when the test runs: see RECIPES, and notebook_damage.py for its notebooks
    seconds      a CPU limit for every grader that is run, where the homework's own would take too long
    at_most      points that all of its graders together may give
    [verdicts]   number or part -> "passed" or "failed"; the longest match counts, and "*" matches all
    [says]       number or part -> text, or several, that a visible failed grader's feedback must contain
    [never]      number or part -> text, or several, that it must not contain: mistakes that were not made
    whole        true: all of its graders are run, whatever the sample

A case runs all graders that it must fail, all that it has words about, and a third of those that it must pass, always
the same third (`sample_of`). `SUBMISSIONS_EVERY=1 pytest tests/harness/test_submissions.py` runs all of them.
"""

from __future__ import annotations

import json
import math
import os
import random
import re
import shutil
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, TypeVar

import msgspec
import pytest
from notebook_damage import DAMAGES

from autograder.feedback import Feedback, GraderResult
from autograder.grading import Place, grade
from autograder.homework import homework_names, read_toml
from autograder.manifest import Grader, Manifest, read_manifest, select
from autograder.randomness import derive_seed
from autograder.sandbox.runner import Sandbox
from autograder.submission import find_submission

PROJECT = Path(__file__).resolve().parents[2]
CASES = PROJECT / "tests" / "submissions"
EVERY = int(os.environ.get("SUBMISSIONS_EVERY", "3"))
SAMPLE_SEED = 8803
FEW = 12
Recorded = Callable[[str], Path]
Verdict = Literal["passed", "failed"]
Texts = str | tuple[str, ...]
Value = TypeVar("Value")


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to make a file that is too large or too odd to be kept."""

    kind: Literal["zeros", "junk", "copy", "zip", "pasted array", "notebook"]
    size: int = 0
    of: str | dict[str, str] = ""
    damage: str = ""


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """case.toml; see the head of this file."""

    purpose: str
    verdicts: dict[str, Verdict]
    says: dict[str, Texts] = {}
    never: dict[str, Texts] = {}
    graders: tuple[str, ...] = ()
    submission: str = ""
    with_: tuple[str, ...] = msgspec.field(default=(), name="with")
    make: dict[str, Recipe] = {}
    seconds: float = 0.0
    at_most: float = math.inf
    whole: bool = False


def make_zeros(target: Path, recipe: Recipe, _: Path) -> None:
    with target.open("wb") as file:
        file.truncate(recipe.size)


def make_junk(target: Path, recipe: Recipe, _: Path) -> None:
    target.write_bytes(random.Random(4).randbytes(recipe.size))


def make_pasted_array(target: Path, recipe: Recipe, _: Path) -> None:
    line = "    [" + "0.0, " * 784 + "],\n"
    with target.open("w") as file:
        file.write("import torch\n\nimages = torch.tensor([\n")
        for _ in range(recipe.size // len(line)):
            file.write(line)
        file.write("])\n")


def make_copy(target: Path, recipe: Recipe, cases: Path) -> None:
    assert isinstance(recipe.of, str)
    shutil.copyfile(cases / recipe.of, target)


def make_zip(target: Path, recipe: Recipe, cases: Path) -> None:
    assert isinstance(recipe.of, dict)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for inside, source in recipe.of.items():
            archive.writestr(inside, (cases / source).read_bytes() if source else b"\x00\x05\x16\x07Mac OS X")


def make_notebook(target: Path, recipe: Recipe, cases: Path) -> None:
    assert isinstance(recipe.of, str)
    target.write_bytes(DAMAGES[recipe.damage](json.loads((cases / recipe.of).read_bytes())))


RECIPES: Mapping[str, Callable[[Path, Recipe, Path], None]] = {
    "zeros": make_zeros,
    "junk": make_junk,
    "pasted array": make_pasted_array,
    "copy": make_copy,
    "zip": make_zip,
    "notebook": make_notebook,
}


def hand_in(name: str, case: Case, target: Path) -> Path:
    """Lay a case's files out as a student's upload."""
    cases = (CASES / name).parent
    source = PROJECT / case.submission if case.submission else CASES / name
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("case.toml", "__pycache__", "README.md"))
    for beside in case.with_:
        shutil.copyfile(cases / beside, target / Path(beside).name)
    for path, recipe in case.make.items():
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        RECIPES[recipe.kind](target / path, recipe, cases)
    return target


def is_part(number: str, part: str) -> bool:
    return number == part or number.startswith(f"{part}.")


def closest(number: str, table: Mapping[str, Value]) -> Value | None:
    """The value of the longest key that a grader's number belongs to, or that of "*"."""
    fitting = [key for key in table if is_part(number, key)]
    return table[max(fitting, key=len)] if fitting else table.get("*")


def graders_of(case: Case, manifest: Manifest) -> Manifest:
    """The graders that a case runs, with its own limit."""
    chosen: list[Grader] = []
    for grader in manifest.graders:
        if not case.graders or any(is_part(grader.number, part) for part in case.graders):
            seconds = case.seconds or grader.limits.seconds
            limits = msgspec.structs.replace(grader.limits, seconds=seconds)
            chosen.append(msgspec.structs.replace(grader, limits=limits))
    return select(manifest, chosen)


def sample_of(name: str, case: Case, manifest: Manifest, every: int = EVERY) -> Manifest:
    """All graders of a case where they are few or their points are summed; otherwise without most that it must pass."""
    if every == 1 or case.whole or len(manifest.graders) <= FEW or math.isfinite(case.at_most):
        return manifest

    def is_run(grader: Grader) -> bool:
        if closest(grader.number, case.verdicts) != "passed":
            return True
        told = any(is_part(grader.number, part) for part in (*case.says, *case.never) if part != "*")
        return told or derive_seed(SAMPLE_SEED, f"{name} {grader.number}") % every == 0

    return select(manifest, [grader for grader in manifest.graders if is_run(grader)])


def words(feedback: Feedback) -> str:
    """All that a student reads, as text."""
    parts = (feedback.headline, feedback.expected, feedback.actual, feedback.help, feedback.where, *feedback.notes)
    return "\n".join(part for part in parts if part)


def show(results: list[GraderResult]) -> str:
    """Every result in full, for whoever has to find out what went wrong."""
    blocks = []
    for result in results:
        feedback = result.feedback
        lines = [f"--- {result.number} {feedback.verdict}, {result.score} of {result.max_score}: {result.title}"]
        if feedback.verdict != "passed":
            for name in ("headline", "expected", "actual", "where", "help", "notes", "staff"):
                if getattr(feedback, name):
                    lines.append(f"    {name}: {getattr(feedback, name)}")
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


# What a student never has to read: our own folders and names, tracebacks, Python's reprs of objects.
OURS = re.compile(r"Traceback|/tmp/|site-packages|autograder[./]|hw3_utils\.py, line|<[\w.]+ object|0x[0-9a-f]{6}")


def complaints(case: Case, results: list[GraderResult]) -> list[str]:
    """What is wrong with the verdicts, the points and the words; empty where all is well."""
    found = []
    score = sum(result.score for result in results)
    if score > case.at_most:
        found.append(f"{score} points, and should have {case.at_most} at most")
    for result in results:
        feedback, number = result.feedback, result.number
        wanted = closest(number, case.verdicts)
        if wanted is None:
            found.append(f"{number}: case.toml says nothing about it, it {feedback.verdict}")
        elif feedback.verdict != wanted:
            found.append(f"{number}: {feedback.verdict}, and should have {wanted}")
        elif wanted == "passed" and result.score != result.max_score:
            found.append(f"{number}: passed with {result.score} of {result.max_score}")
        elif wanted == "failed" and result.max_score and result.score == result.max_score:
            found.append(f"{number}: failed with full marks")
        if feedback.verdict == "passed":
            continue
        text = words(feedback)
        if not feedback.headline or feedback.headline.count("\n") > 2 or len(feedback.headline) > 400:
            found.append(f"{number}: the headline is not one to three plain lines: {feedback.headline!r}")
        if OURS.search(text):
            found.append(f"{number}: a student reads of our own affairs: {OURS.search(text)}")
        if result.visibility != "visible":
            continue
        for piece in pieces(closest(number, case.says)):
            if piece.lower() not in text.lower():
                found.append(f"{number}: the feedback does not say {piece!r}")
        for piece in pieces(closest(number, case.never)):
            if piece.lower() in text.lower():
                found.append(f"{number}: the feedback says {piece!r}, which is not so")
    return found


def homework_of(name: str) -> str:
    return name.partition("/")[0]


def pieces(texts: Texts | None) -> tuple[str, ...]:
    return () if texts is None else (texts,) if isinstance(texts, str) else texts


def read_case(name: str) -> Case:
    return read_toml(CASES / name / "case.toml", Case)


CASE_NAMES = sorted(path.parent.relative_to(CASES).as_posix() for path in CASES.glob("*/*/case.toml"))


@pytest.mark.parametrize("name", CASE_NAMES)
def test_verdicts(name: str, recorded_homework: Recorded, sandbox: Sandbox, tmp_path: Path) -> None:
    case = read_case(name)
    recorded = recorded_homework(homework_of(name))
    manifest = read_manifest(recorded)
    chosen = sample_of(name, case, graders_of(case, manifest))
    assert chosen.graders, f"no grader has one of these numbers: {case.graders}"
    found = find_submission(hand_in(name, case, tmp_path / "submission"), [file.wanted for file in manifest.files])
    started = time.monotonic()
    results = list(grade(chosen, Place.of(recorded), found, sandbox))
    wrong = complaints(case, results)
    if wrong:
        pytest.fail(
            "\n".join([case.purpose, *wrong, f"{time.monotonic() - started:.1f} s", show(results)]), pytrace=False
        )


@pytest.mark.parametrize("name", CASE_NAMES)
def test_case_is_complete(name: str) -> None:
    """A case names what it is for, has files, and expects words for what fails alone."""
    case = read_case(name)
    assert case.purpose.endswith(".")
    files = [path for path in (CASES / name).iterdir() if path.name != "case.toml"]
    assert files or case.submission or case.make or case.with_
    for number in case.says:
        below = [verdict for key, verdict in case.verdicts.items() if is_part(key, number)]
        assert "failed" in [closest(number, case.verdicts), *below], f"{number} is expected to say something and passes"


def test_notebooks_are_notebooks() -> None:
    for path in CASES.glob("*/*/*.ipynb"):
        if "damaged" in path.parent.name:
            continue
        assert json.loads(path.read_text())["nbformat"] == 4


@pytest.mark.parametrize("homework", homework_names(PROJECT))
def test_every_part_has_a_failing_and_a_passing_case(homework: str, recorded_homework: Recorded) -> None:
    """No part of a homework is left out of what is run, on either side, and every grader is passed by some case."""
    manifest = read_manifest(recorded_homework(homework))
    seen: set[tuple[str, str]] = set()
    passed: set[str] = set()
    for name in CASE_NAMES:
        if homework_of(name) != homework:
            continue
        case = read_case(name)
        for grader in sample_of(name, case, graders_of(case, manifest)).graders:
            verdict = str(closest(grader.number, case.verdicts))
            seen.add((manifest.part(grader.number)[0], verdict))
            passed |= {grader.number} if verdict == "passed" else set()
    missing = [
        (part, verdict) for part in manifest.parts for verdict in ("passed", "failed") if (part, verdict) not in seen
    ]
    assert not missing
    assert passed == {grader.number for grader in manifest.graders}


def test_a_sample_leaves_out_nothing_but_what_must_pass(recorded: Path) -> None:
    manifest = read_manifest(recorded)
    parts = sorted({grader.number.removesuffix(".hidden") for grader in manifest.graders})
    case = Case("One.", {"*": "passed", parts[0]: "failed"}, never={parts[1]: "text"})
    chosen = {grader.number for grader in sample_of("a case", case, manifest, 3).graders}
    numbers = {grader.number for grader in manifest.graders}
    assert {number for number in numbers if is_part(number, parts[0]) or is_part(number, parts[1])} <= chosen
    assert len(numbers) / 5 < len(chosen) < len(numbers) / 2
    assert sample_of("a case", case, manifest, 3) == sample_of("a case", case, manifest, 3)
    assert sample_of("another", case, manifest, 3) != sample_of("a case", case, manifest, 3)
    for everything in (
        sample_of("a case", case, manifest, 1),
        sample_of("x", Case("One.", {}, at_most=1), manifest, 3),
    ):
        assert everything == manifest
