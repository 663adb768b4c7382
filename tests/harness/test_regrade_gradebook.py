"""Gradebooks: what stands in them is what was found, they do no harm, and an earlier one can be compared with."""

from __future__ import annotations

import codecs
import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import a_grader

from autograder.errors import UserError
from autograder.gradescope import Results, TestCase
from autograder.limits import Limits
from autograder.manifest import FORMAT, Manifest, Versions
from autograder.regrade import gradebook
from autograder.regrade.gradebook import EarlierGrade, Grade, compare, grade_of, read_grades, write_gradebooks
from autograder.regrade.handins import Handin, Person

NUMBERS = ("1.a.1", "1.a.2", "1.a.2.hidden", "1.b.1")


@pytest.fixture
def manifest() -> Manifest:
    return Manifest(
        format=FORMAT,
        homework="waves",
        title="Waves, and tides",
        points=10.0,
        template_floor=0.0,
        parts={"1.a": "Waves", "1.b": "Tides"},
        files=(),
        given={},
        limits=Limits(),
        graders=tuple(
            a_grader(id=number, number=number, title=f"Title of {number}", weight=weight)
            for number, weight in zip(NUMBERS, (4.0, 2.5, 1.5, 2.0), strict=True)
        ),
        variants=(),
        student_seed=1,
        versions=Versions("1", "3", "2", "2"),
    )


def results(*scores: float | str) -> Results:
    """A results.json with these scores; a text is the verdict of a grader without one."""
    tests = [
        TestCase(
            score=score if isinstance(score, float) else 0.0,
            max_score=4.0,
            name="x",
            number=number,
            output="",
            extra_data={"verdict": score if isinstance(score, str) else "passed" if score else "failed"},
        )
        for number, score in zip(NUMBERS, scores, strict=True)
    ]
    total = sum(score for score in scores if isinstance(score, float))
    return Results(score=total, output="", tests=tuple(tests))


def handin(id: str, *people: Person, **fields: Any) -> Handin:
    return Handin(id, people or (Person(id),), Path(id), **fields)


ADA = Person("Ada Lovelace", "0012", "ada@x.edu")
BOB = Person("Bob", "13", "bob@x.edu")
FULL = (4.0, 2.5, 1.5, 2.0)


def tables(folder: Path, manifest: Manifest, *grades: Grade) -> dict[str, list[list[str]]]:
    """The rows of the three files."""
    paths = write_gradebooks(folder, manifest, grades)
    return {path.name: list(csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline=""))) for path in paths}


def records(table: list[list[str]]) -> list[dict[str, str]]:
    assert len(set(table[0])) == len(table[0])
    return [dict(zip(table[0], row, strict=True)) for row in table[1:]]


# --- writing ----------------------------------------------------------------------------------------------------------


def test_grades_hold_every_question_and_part(tmp_path: Path, manifest: Manifest) -> None:
    grades = [
        grade_of(handin("submission_1", ADA, submitted="today"), results(*FULL)),
        grade_of(handin("submission_2", BOB, Person("Carl")), results(0.0, 2.5, 0.25, 1.0)),
    ]
    made = tables(tmp_path, manifest, *grades)
    ada, bob, carl = records(made["grades.csv"])
    assert ada == {
        "id": "submission_1",
        "name": "Ada Lovelace",
        "sid": "0012",
        "email": "ada@x.edu",
        "submitted": "today",
        "attempt": "",
        "total": "10",
        "incomplete": "",
        "part 1.a": "8",
        "part 1.b": "2",
        "1.a.1": "4",
        "1.a.2": "2.5",
        "1.a.2.hidden": "1.5",
        "1.b.1": "2",
    }
    assert (bob["total"], bob["1.a.1"], bob["part 1.a"]) == ("3.75", "0", "2.75")
    assert carl == {**bob, "name": "Carl", "sid": "", "email": ""}
    gradescope = records(made["gradescope.csv"])
    assert [row["Submission ID"] for row in gradescope] == ["1", "2", "2"]
    assert gradescope[0]["Total Score"] == gradescope[0]["Max Points"] == "10"
    assert gradescope[0]["1.a.2: Title of 1.a.2 (2.5 pts)"] == "2.5"
    canvas = made["canvas.csv"]
    assert canvas[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Waves, and tides"]
    assert canvas[1] == ["    Points Possible", "", "", "", "", "10"]
    assert canvas[2] == ["Ada Lovelace", "", "0012", "ada@x.edu", "", "10"]


def test_what_was_not_graded_is_empty_and_never_zero(tmp_path: Path, manifest: Manifest) -> None:
    grades = [
        grade_of(handin("a"), results(4.0, "faulty", "not reached", 2.0)),
        grade_of(handin("b", problem="Nothing was handed in."), None),
        grade_of(handin("c"), results("left out: 3 bytes", 0.0, 0.0, 0.0)),
    ]
    made = tables(tmp_path, manifest, *grades)
    faulty, nothing, odd = records(made["grades.csv"])
    assert [faulty[number] for number in NUMBERS] == ["4", "", "", "2"]
    assert (faulty["part 1.a"], faulty["part 1.b"], faulty["total"]) == ("", "2", "6")
    assert faulty["incomplete"] == "faulty: 1.a.2; not reached: 1.a.2.hidden"
    assert [nothing[key] for key in ("total", "part 1.a", *NUMBERS)] == [""] * 6
    assert nothing["incomplete"] == "Nothing was handed in."
    assert odd["1.a.1"] == ""
    assert [row["Total Score"] for row in records(made["gradescope.csv"])] == ["", "", ""]
    assert [row[-1] for row in made["canvas.csv"][2:]] == ["", "", ""]


def test_of_several_attempts_the_one_that_counts_is_for_import(tmp_path: Path, manifest: Manifest) -> None:
    grades = [
        grade_of(handin("submission_1", ADA, attempt="1 of 2"), results(0.0, 0.0, 0.0, 0.0)),
        grade_of(handin("submission_2", ADA, attempt="2 of 2"), results(*FULL)),
        grade_of(handin("submission_3", BOB), results(*FULL)),
    ]
    made = tables(tmp_path, manifest, *grades)
    assert len(records(made["grades.csv"])) == 3
    assert [row["Submission ID"] for row in records(made["gradescope.csv"])] == ["2", "3"]
    assert len(made["canvas.csv"]) == 4


def test_the_number_in_canvas_is_told_from_that_of_the_school(tmp_path: Path, manifest: Manifest) -> None:
    grades = [
        grade_of(handin("doejane_123", Person("doejane", "123")), results(*FULL)),
        grade_of(handin("x", ADA), results(*FULL)),
    ]
    rows = tables(tmp_path, manifest, *grades)["canvas.csv"]
    assert rows[2][:3] == ["doejane", "123", ""]
    assert rows[3][:3] == ["Ada Lovelace", "", "0012"]


@pytest.mark.parametrize("name", ["=1+1", "+x", "-rf", "@sum", "  =1", "\t=1", "＝1", '=cmd|" /C calc"!A0', "\ufeff=1"])
def test_formulas_are_made_harmless(tmp_path: Path, manifest: Manifest, name: str) -> None:
    person = Person(name, name, name)
    made = tables(tmp_path, manifest, grade_of(handin(name, person), results(*FULL)))
    for rows in made.values():
        for row in rows:
            for cell in row:
                assert not cell.strip(" \ufeff").startswith(tuple("=+-@\t\r＝＋－＠"))
    (earlier,) = read_grades(tmp_path / "grades.csv")
    assert earlier.name.strip() == name.strip().removeprefix("\ufeff")


def test_excel_reads_utf_8(tmp_path: Path, manifest: Manifest) -> None:
    tables(tmp_path, manifest, grade_of(handin("x", Person("Ümläut 李雷 🙂")), results(*FULL)))
    assert (tmp_path / "grades.csv").read_bytes().startswith(codecs.BOM_UTF8)
    assert not (tmp_path / "canvas.csv").read_bytes().startswith(codecs.BOM_UTF8)
    assert read_grades(tmp_path / "grades.csv")[0].name == "Ümläut 李雷 🙂"


def test_what_is_the_same_is_not_written_again(tmp_path: Path, manifest: Manifest) -> None:
    grade = grade_of(handin("x"), results(*FULL))
    paths = write_gradebooks(tmp_path, manifest, [grade])
    before = [path.stat().st_ino for path in paths]
    write_gradebooks(tmp_path, manifest, [grade])
    assert [path.stat().st_ino for path in paths] == before
    write_gradebooks(tmp_path, manifest, [grade_of(handin("x"), results(0.0, 0.0, 0.0, 0.0))])
    assert [path.stat().st_ino for path in paths] != before


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path, manifest: Manifest) -> None:
    (tmp_path / "grades.csv").mkdir()
    with pytest.raises(UserError, match="cannot write"):
        write_gradebooks(tmp_path, manifest, [])


# --- reading ----------------------------------------------------------------------------------------------------------


def test_what_was_written_can_be_read(tmp_path: Path, manifest: Manifest) -> None:
    tables(
        tmp_path,
        manifest,
        grade_of(handin("submission_1", ADA), results(4.0, "faulty", 1.5, 0.0)),
        grade_of(handin("submission_2", BOB, problem="none"), None),
    )
    ada, bob = read_grades(tmp_path / "grades.csv")
    assert ada == EarlierGrade(
        "submission_1", "Ada Lovelace", "0012", "ada@x.edu", 5.5, {"1.a.1": 4, "1.a.2.hidden": 1.5, "1.b.1": 0}
    )
    assert bob.total is None
    ada, bob = read_grades(tmp_path / "gradescope.csv")
    assert (ada.id, ada.sid, ada.total) == ("submission_1", "0012", None)
    assert ada.by_grader == {"1.a.1": 4, "1.a.2.hidden": 1.5, "1.b.1": 0}


EXPORT = """First Name,Last Name,SID,Email,Sections,Total Score,Max Points,Status,Submission ID,Submission Time,\
Lateness (H:M:S),View Count,Submission Count,1: Autograder (10.0 pts)
Ada,Lovelace,12,ada@x.edu,,7.5,10.0,Graded,4711,2023-10-20 12:00:00 -0700,00:00:00,3,2,7.5
Bob,,13,bob@x.edu,,,10.0,Missing,,,,,,
"""


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_gradescopes_own_grades_can_be_read(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / "scores.csv"
    text = EXPORT.replace(",", delimiter).replace("Ada", "Adä")
    path.write_bytes((text.replace("7.5", "7,5") if delimiter == ";" else text).encode(encoding))
    ada, bob = read_grades(path)
    assert ada == EarlierGrade("submission_4711", "Adä Lovelace", "12", "ada@x.edu", 7.5, {"1": 7.5})
    assert bob == EarlierGrade("", "Bob", "13", "bob@x.edu", None, {})


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "no gradebook"),
        (b"a,b\n1,2\n", "no gradebook"),
        (b"PK\x03\x04\0\0\0\0", "no gradebook"),
        (b"\xff\xfe\0", "no gradebook"),
        (b'id,name,total\n"' + b"x" * 200_000, "no CSV"),
        (b"id,name,total\n" + b"a,b,1\n" * 60_000, "more than 50000 rows"),
    ],
)
def test_what_is_no_gradebook_is_an_error(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=told):
        read_grades(path)
    with pytest.raises(UserError, match="could not be read"):
        read_grades(tmp_path)
    with pytest.raises(UserError, match="could not be read"):
        read_grades(tmp_path / "missing.csv")


def test_a_large_gradebook_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.csv"
    path.write_text(EXPORT)
    assert read_grades(path)
    monkeypatch.setattr(gradebook, "MAX_BYTES", 100)
    with pytest.raises(UserError, match="larger than"):
        read_grades(path)


@given(st.binary(max_size=200), st.sampled_from([b"", b"id,name,total,1.a\n", b"SID,Total Score\n"]))
def test_any_file_is_read_or_told(tmp_path_factory: pytest.TempPathFactory, content: bytes, head: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(head + content)
    try:
        grades = read_grades(path)
    except UserError:
        return
    for grade in grades:
        f"{grade}".encode()


# --- comparing --------------------------------------------------------------------------------------------------------


def earlier(**fields: Any) -> EarlierGrade:
    values = {"id": "", "name": "", "sid": "", "email": "", "total": 10.0, **fields}
    return EarlierGrade(**values)


def test_who_gains_and_who_loses_and_by_which_grader() -> None:
    grades = [
        grade_of(handin("a"), results(*FULL)),
        grade_of(handin("b"), results(0.0, 2.5, 1.5, 2.0)),
        grade_of(handin("c"), results(4.0, 0.0, 0.0, 2.0)),
        grade_of(handin("d"), results(0.0, 0.0, 0.0, 0.0)),
        grade_of(handin("new"), results(*FULL)),
    ]
    before = [
        earlier(id="a", total=10.004, by_grader={"1.a.1": 4.0}),
        earlier(id="b", total=10.0, by_grader={"1.a.1": 4.0, "1.b.1": 2.0}),
        earlier(id="c", total=4.0, by_grader={"1.a.1": 2.0, "1.b.1": 2.0, "of old": 3.0}),
        earlier(id="d", total=0.0, by_grader={"1.a.1": 1.0}),
        earlier(id="gone", name="Gone"),
    ]
    comparison = compare(grades, before)
    assert [change.handin for change in comparison.changes] == ["b", "d", "c"]
    assert [change.handin for change in comparison.lost] == ["b"]
    assert [change.handin for change in comparison.gained] == ["c"]
    lost, _, won = comparison.changes
    assert (lost.before, lost.after, lost.difference, lost.by_grader) == (10.0, 6.0, -4.0, {"1.a.1": -4.0})
    assert (won.difference, won.by_grader) == (2.0, {"1.a.1": 2.0})
    assert comparison.by_grader == {"1.a.1": (1, 2)}
    assert comparison.unchanged == 1
    assert comparison.only_before == ("Gone",)
    assert comparison.only_now == ("new",)


def test_matched_by_id_then_sid_then_email_then_a_unique_name() -> None:
    grades = [
        grade_of(handin("submission_1", ADA), results(*FULL)),
        grade_of(handin("submission_2", BOB), results(*FULL)),
        grade_of(handin("submission_3", Person("Carl", "", "Carl@x.edu")), results(*FULL)),
        grade_of(handin("submission_4", Person("dora")), results(*FULL)),
        grade_of(handin("submission_5", Person("Eve")), results(*FULL)),
        grade_of(handin("submission_6", Person("Eve")), results(*FULL)),
        grade_of(handin("submission_7", Person("Fay", "99")), results(*FULL)),
    ]
    before = [
        earlier(name="Dora", total=4.0),
        earlier(email="carl@x.edu", name="Karl", total=3.0),
        earlier(id="submission_99", sid="13", total=2.0),
        earlier(id="submission_1", sid="12", total=1.0),
        earlier(name="Eve", total=5.0),
        earlier(id="submission_7", sid="98", name="Gil", total=6.0),
    ]
    comparison = compare(grades, before)
    found = {change.handin: change.before for change in comparison.changes}
    assert found == {"submission_1": 1.0, "submission_2": 2.0, "submission_3": 3.0, "submission_4": 4.0}
    assert comparison.only_before == ("Eve", "Gil")
    assert comparison.only_now == ("Eve", "Eve", "Fay")


def test_groups_and_attempts_are_matched_once() -> None:
    grades = [
        grade_of(handin("x_attempt_1", ADA, attempt="1 of 2"), results(0.0, 0.0, 0.0, 0.0)),
        grade_of(handin("x", ADA, attempt="2 of 2"), results(*FULL)),
        grade_of(handin("y", BOB, Person("Carl", "14")), results(*FULL)),
    ]
    before = [earlier(sid="12"), earlier(sid="13"), earlier(sid="14", total=9.0)]
    comparison = compare(grades, before)
    assert comparison.unchanged == 2
    assert comparison.only_now == ("Ada Lovelace",)
    assert "Bob and Carl differ" in comparison.notes[0]


def test_incomplete_scores_are_not_called_losses() -> None:
    grades = [
        grade_of(handin("a"), results(2.0, "faulty", 1.5, 2.0)),
        grade_of(handin("b", problem="none"), None),
        grade_of(handin("c"), results(*FULL)),
    ]
    before = [earlier(id="a", by_grader={"1.a.1": 4.0, "1.a.2": 2.5}), earlier(id="b"), earlier(id="c", total=None)]
    comparison = compare(grades, before)
    assert comparison.lost == comparison.gained == ()
    by_id = {change.handin: change for change in comparison.changes}
    assert by_id["a"].by_grader == {"1.a.1": -2.0}
    assert (by_id["a"].after, by_id["b"].after, by_id["c"].before) == (None, None, None)
    assert "not compared: 1." in comparison.notes[0]


def test_a_gradebook_equals_itself(tmp_path: Path, manifest: Manifest) -> None:
    grades = [
        grade_of(handin(f"s{number}", Person("Namesake")), results(float(number % 4), 0.1 * number, 0.0, 2.0))
        for number in range(25)
    ]
    tables(tmp_path, manifest, *grades)
    comparison = compare(grades, read_grades(tmp_path / "grades.csv"))
    assert comparison.unchanged == 25
    assert comparison.changes == comparison.only_before == comparison.only_now == comparison.notes == ()
