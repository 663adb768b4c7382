"""A made class goes through `autograder regrade`: every submission gets what it must, and every document agrees.

In a test run the class has each tenth hostile case, since tests/hostile runs them all. `HOSTILE_EVERY=1 pytest
tests/regrade` takes all of them, which makes 300 submissions.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from made_class import COUNT, PARTS, WRONG, Student, expected_verdicts, write_class, write_homework
from report_recount import CHECKS, Counted

from autograder.homework import load_homework
from autograder.practice import record_practice
from autograder.recording import record
from autograder.variants import load_variants

EVERY = int(os.environ.get("HOSTILE_EVERY", "10"))
SIZE = COUNT if EVERY == 1 else 100
SECONDS = 1_500


@dataclass(frozen=True)
class Class:
    """A class that was graded once."""

    project: Path
    export: Path
    out: Path
    students: list[Student]
    first: subprocess.CompletedProcess[str]

    def regrade(self, *options: str) -> subprocess.CompletedProcess[str]:
        return regrade(self.project, self.export, self.out, *options)

    def results(self) -> dict[str, dict[str, Any]]:
        return {path.stem: json.loads(path.read_text()) for path in sorted((self.out / "results").glob("*.json"))}


def regrade(project: Path, export: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "autograder", "regrade", "guarded", str(export), "-o", str(out), *options]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, timeout=SECONDS, check=False)


@pytest.fixture(scope="session")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Class:
    folder = tmp_path_factory.mktemp("class")
    homework = write_homework(folder / "project")
    record(homework)
    record_practice(homework)
    students = write_class(folder / "export", homework, SIZE, EVERY)
    first = regrade(homework.project, folder / "export", folder / "out")
    return Class(homework.project, folder / "export", folder / "out", students, first)


def name_of(test: dict[str, Any]) -> str:
    """A grader as in GRADERS, from its number: 1.a, or 1.a.hidden for its twin; 1.h is the private one."""
    letter, _, half = test["number"].removeprefix("1.").partition(".")
    return f"{PARTS[ord(letter) - ord('a')]}.{half or 'visible'}" if letter != "h" else "private"


pytestmark = [pytest.mark.timeout(SECONDS), pytest.mark.xdist_group("class")]


def test_the_class_is_what_it_is_said_to_be(graded: Class) -> None:
    """As many as wanted, of every kind, every misconception among them."""
    kinds = Counter(student.kind for student in graded.students)
    assert len(graded.students) == SIZE
    assert set(kinds) == {"right", "wrong", "hostile", "honest", "badly handed in"}
    assert {name for student in graded.students for name in student.shows.values()} == {name for _, name, _ in WRONG}


def test_every_submission_gets_its_verdicts(graded: Class) -> None:
    """No right answer fails, no wrong or hostile one passes, and nothing is faulty or left out."""
    results = graded.results()
    found = {
        (id, name_of(test)): test["extra_data"]["verdict"] for id, result in results.items() for test in result["tests"]
    }
    expected = {(id, grader): verdict for id, grader, verdict in expected_verdicts(graded.students)}
    wrong = [
        f"{id} {grader}: {found.get((id, grader))}, and should have {verdict}"
        for (id, grader), verdict in expected.items()
        if found.get((id, grader)) != verdict
    ]
    assert not wrong, "\n".join([*wrong[:40], graded.first.stdout, graded.first.stderr])
    assert set(found) == set(expected)


def test_misconceptions_are_named(graded: Class) -> None:
    """Each of them for each student who has it."""
    results = graded.results()
    unnamed = []
    for student in graded.students:
        for part, misconception in student.shows.items():
            test = next(test for test in results[student.id]["tests"] if name_of(test) == f"{part}.visible")
            if misconception and test["extra_data"]["shows"] != [misconception]:
                unnamed.append(f"{student.id} {part}: {test['extra_data']['shows']} in place of {misconception}")
    assert not unnamed


def test_what_was_not_graded_is_told(graded: Class) -> None:
    """A line for each submission without files, none of it a zero; the command says that not all is well."""
    missing = [student.id for student in graded.students if student.verdicts is None]
    assert missing
    for id in missing:
        assert f"Not graded: {id}" in graded.first.stdout
        assert not (graded.out / "results" / f"{id}.json").exists()
    assert graded.first.returncode == 1
    assert "Traceback" not in graded.first.stdout + graded.first.stderr


def test_the_gradebook_adds_up(graded: Class) -> None:
    """A row for each submission; totals are the results', and no score is no 0."""
    with (graded.out / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    results = graded.results()
    assert set(rows) == {student.id for student in graded.students}
    for student in graded.students:
        if student.verdicts is None:
            assert rows[student.id]["total"] == ""
        else:
            total = sum(test["score"] for test in results[student.id]["tests"])
            assert float(rows[student.id]["total"]) == pytest.approx(total)


@pytest.fixture(scope="module")
def counted(graded: Class) -> Counted:
    homework = load_homework("guarded", graded.project)
    names = {student.id: student.name for student in graded.students}
    readings = {variant.name for variant, _ in load_variants(homework) if variant.kind == "reading"}
    return Counted(graded.out, names, homework.declaration.parts, readings)


@pytest.mark.parametrize("check", CHECKS)
def test_the_numbers_of_report_and_gradebooks_are_those_of_the_results(counted: Counted, check: str) -> None:
    assert counted.complaints([check]) == []


def test_another_result_is_told(counted: Counted, tmp_path: Path) -> None:
    """The control: the report is not that of a class in which one student has another misconception."""
    shutil.copytree(counted.out / "results", tmp_path / "results")
    for place in ("report", "grades.csv", "gradescope.csv", "canvas.csv"):
        (tmp_path / place).symlink_to(counted.out / place)
    id = next(id for id, result in counted.results.items() if any(test.shows == ("climbs",) for test in result.tests))
    path = tmp_path / "results" / f"{id}.json"
    path.write_text(path.read_text().replace('"climbs"', '"labels swapped"'))
    told = replace(counted, out=tmp_path).complaints()
    assert {line.partition(":")[0] for line in told} == {"misconceptions", "grader_pages"}, told


def test_a_second_run_runs_nothing(graded: Class) -> None:
    """The same class again: no verdict is sought, and no result is written."""
    before = {path: path.stat().st_mtime_ns for path in (graded.out / "results").glob("*.json")}
    again = graded.regrade()
    assert " 0 verdicts" in again.stdout, again.stdout + again.stderr
    assert {path: path.stat().st_mtime_ns for path in (graded.out / "results").glob("*.json")} == before


def test_compared_with_itself_nothing_changed(graded: Class, tmp_path: Path) -> None:
    """Against its own gradebook nobody gains or loses; against one with another score, that student does."""
    same = graded.regrade("--compare", str(graded.out / "grades.csv"))
    assert "0 gain, 0 lose" in same.stdout, same.stdout + same.stderr
    with (graded.out / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    best = max(rows, key=lambda row: float(row["total"] or 0))
    best["total"] = str(float(best["total"]) - 1)
    with (tmp_path / "old.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    other = graded.regrade("--compare", str(tmp_path / "old.csv"))
    assert "1 gain, 0 lose" in other.stdout, other.stdout + other.stderr
