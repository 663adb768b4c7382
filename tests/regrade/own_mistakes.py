"""A homework's own class: `python tests/regrade/own_mistakes.py HOMEWORK`. Exits with 1 where anything is wrong.

One submission shows what the reference does, one each accepted reading, and one each misconception that the homework
knows. They are exported as from Gradescope and go through `autograder regrade`, as a class does. Then
- the reference and the readings must have all points;
- a misconception must fail the graders that it names and no other, lose points, be named at least once by its own name,
  and never by another's: what `autograder validate` promises of single observations;
- the numbers of the report and the gradebooks must be those of the results (tests/harness/report_recount.py).
The homework must have been recorded. It is no test of the suite, for a homework takes an hour or two on two cores.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

sys.path.append(str(Path(__file__).resolve().parents[1] / "harness"))
from report_recount import Counted, Result

from autograder.errors import UserError
from autograder.homework import Homework, load_homework
from autograder.manifest import read_manifest
from autograder.notebooks import read_notebook
from autograder.validation import check_recorded
from autograder.variants import Variant, load_variants

FIRST = 1001
MOST_LINES = 200


@dataclass(frozen=True)
class Student:
    """A submission, the variant that it shows, and the text of each of its files."""

    id: str
    name: str
    variant: Variant
    texts: Mapping[str, str]


def students_of(homework: Homework, every: int) -> list[Student]:
    """The reference, and each `every`-th of the readings and of the misconceptions. Ids do not depend on `every`."""
    seen: Counter[str] = Counter()
    students = []
    for number, (variant, texts) in enumerate(load_variants(homework), start=FIRST):
        if seen[variant.kind] % every == 0:
            students.append(Student(f"submission_{number}", f"Person {number}", variant, texts))
        seen[variant.kind] += 1
    return students


def write_export(folder: Path, homework: Homework, students: Sequence[Student]) -> None:
    """Write the class as Gradescope exports it."""
    shutil.rmtree(folder, ignore_errors=True)
    metadata = {}
    for student in students:
        number = student.name.split()[-1]
        who = {":name": student.name, ":sid": f"65{number}", ":email": f"person{number}@example.edu"}
        metadata[student.id] = {":submitters": [who], ":created_at": "2026-11-01 12:00:00", ":score": 0.0}
        for path, text in student.texts.items():
            place = folder / student.id / path
            place.parent.mkdir(parents=True, exist_ok=True)
            if path.endswith(".ipynb"):
                chunks = read_notebook((homework.reference / path).read_bytes(), path)
                text = notebook(cells_of(text, [chunk.text.strip("\n") for chunk in chunks]))
            place.write_text(text, encoding="utf-8")
    (folder / "submission_metadata.yml").write_text(yaml.safe_dump(metadata), encoding="utf-8")


def cells_of(text: str, cells: Sequence[str]) -> list[str]:
    """A patched notebook's code in its cells again: those that are as they were, and one for what lies between."""
    text = text.removesuffix("\n")
    before = after = 0
    while before < len(cells) and text.startswith(cells[before] + "\n\n"):
        text = text[len(cells[before]) + 2 :]
        before += 1
    while after < len(cells) - before and text.endswith("\n\n" + cells[-1 - after]):
        text = text[: -len(cells[-1 - after]) - 2]
        after += 1
    return [*cells[:before], text, *cells[len(cells) - after :]]


def notebook(cells: Sequence[str]) -> str:
    """A notebook of code cells."""
    blank: dict[str, object] = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    code = [{**blank, "source": cell} for cell in cells]
    return json.dumps({"cells": code, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})


def faults(variant: Variant, result: Result) -> list[str]:
    """What is wrong with the grades of a submission that shows a variant."""
    wrong = [f"{test.number} is {test.verdict}" for test in result.tests if not test.is_judged]
    if variant.kind != "misconception":
        lost = [test for test in result.tests if test.is_judged and (test.verdict, test.score) != ("passed", test.most)]
        return wrong + [f"{test.number} {test.verdict} with {test.score:g} of {test.most:g}" for test in lost]
    for test in result.tests:
        if test.verdict == "passed" and variant.concerns(test.number):
            wrong.append(f"passes {test.number}, which it should fail")
        elif test.verdict == "failed" and not variant.concerns(test.number):
            wrong.append(f"fails {test.number}, which it does not name")
    failed = [test for test in result.tests if test.verdict == "failed"]
    named = [test for test in failed if test.shows == (variant.name,)]
    wrong += [
        f"is taken for {'; '.join(test.shows)} by {test.number}" for test in failed if test.shows and test not in named
    ]
    if not named:
        wrong.append("is named by no grader")
    if not any(test.score < test.most for test in failed if variant.concerns(test.number)):
        wrong.append("loses no points")
    return wrong


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        prog="python tests/regrade/own_mistakes.py", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("homework")
    parser.add_argument("--every", type=int, default=1, metavar="K", help="take each K-th reading and misconception")
    parser.add_argument("--workers", type=int, help="submissions at a time; by default the number of cores")
    parser.add_argument("--out", type=Path, help="keep export, results and report here; a later run goes on from there")
    arguments = parser.parse_args()
    try:
        homework = load_homework(arguments.homework)
        check_recorded(homework, read_manifest(homework.expectations))
        students = students_of(homework, max(1, arguments.every))
    except UserError as error:
        parser.error(f"{error.what} ({error.where}) {error.remedy}")
    with contextlib.ExitStack() as stack:
        folder = arguments.out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="own-mistakes-")))
        write_export(folder / "export", homework, students)
        command = [
            sys.executable,
            "-m",
            "autograder",
            "regrade",
            homework.name,
            folder / "export",
            "-o",
            folder / "out",
        ]
        more = ["--workers", str(arguments.workers)] if arguments.workers else []
        started = time.monotonic()
        status = subprocess.run([*command, *more], cwd=homework.project, check=False).returncode
        seconds = time.monotonic() - started
        return report(homework, students, folder / "out", status, seconds)


def report(homework: Homework, students: Sequence[Student], out: Path, status: int, seconds: float) -> int:
    """Print what is wrong, and how much of which kind was tried; 1 where anything is wrong."""
    readings = {variant.name for variant, _ in load_variants(homework) if variant.kind == "reading"}
    names = {student.id: student.name for student in students}
    counted = Counted(out, names, homework.declaration.parts, readings)
    wrong: dict[str, list[str]] = {}
    for student in students:
        result = counted.results.get(student.id)
        found = faults(student.variant, result) if result else ["has no results"]
        if found:
            wrong[student.id] = found
            print(f"{student.id}  {student.variant.kind} {student.variant.name!r}: {'; '.join(found)}")
    told = counted.complaints() if status == 0 else [f"`autograder regrade` ended with {status}"]
    for line in told[:MOST_LINES]:
        print(f"report  {line}")
    print(f"{'':<16}{'submissions':>12}{'wrong':>8}")
    for kind in ("reference", "reading", "misconception"):
        of_kind = [student for student in students if student.variant.kind == kind]
        print(f"{kind:<16}{len(of_kind):>12}{sum(student.id in wrong for student in of_kind):>8}")
    print(f"{'report':<16}{'':>12}{len(told):>8}")
    print(f"{seconds:.0f} s, {seconds / len(students):.1f} s for each submission")
    return 1 if wrong or told else 0


if __name__ == "__main__":
    sys.exit(main())
