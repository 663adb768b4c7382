"""A class's exports: every handin is found with its people, bad ones are told, and none stops the others."""

from __future__ import annotations

import io
import os
import re
import stat
import sys
import tempfile
import tracemalloc
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import zipped

from autograder.errors import UserError
from autograder.regrade import exports, metadata, unpacking
from autograder.regrade.handins import Handin, Intake, Person, listed_names, take_in
from autograder.submission import FoundFile, Problem, WantedFile, find_submission

CODE = "def wave(x):\n    return x\n"
WANTED = (WantedFile("hw3", "hw3.py", ("wave",)),)


def put(place: Path, text: str | bytes = CODE) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(text.encode() if isinstance(text, str) else text)
    return place


def zip_folder(folder: Path, place: Path, prefix: str = "") -> Path:
    with zipfile.ZipFile(place, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, prefix + str(path.relative_to(folder)))
    return place


def graded_text(handin: Handin) -> str:
    """What `find_submission` finds for hw3.py in a handin."""
    assert handin.place is not None
    found = find_submission(handin.place, WANTED).modules["hw3"]
    return "".join(chunk.text for chunk in found.chunks) if isinstance(found, FoundFile) else f"<{found.message}>"


def read(place: Path, **options: Any) -> dict[str, tuple[str, str, str]]:
    """(names, code, problem) by id."""
    with take_in(place, **options) as intake:
        assert_sound(intake)
        return {
            handin.id: (handin.name, graded_text(handin) if handin.place else "", handin.problem)
            for handin in intake.handins
        }


def assert_sound(intake: Intake) -> None:
    ids = [handin.id for handin in intake.handins]
    assert len({id.lower() for id in ids}) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}", id) for id in ids), ids
    for handin in intake.handins:
        assert handin.people
        assert all(person.name for person in handin.people)
        assert (handin.place is None) == bool(handin.problem)
        for text in (handin.name, handin.problem, *handin.notes):
            text.encode("utf-8")
            assert not any(unicodedata.category(char) in {"Cc", "Cs"} for char in text)
    names = listed_names(intake.handins)
    assert len(set(names.values())) == len(ids)


# --- a folder of whatever ---------------------------------------------------------------------------------------------


@pytest.fixture
def group(tmp_path: Path) -> Path:
    folder = tmp_path / "class"
    folder.mkdir()
    return folder


def test_folders_files_and_zips_are_handins(group: Path) -> None:
    put(group / "Ada Lovelace" / "hw3.py")
    put(group / "bob.py")
    put(group / "carl.zip", zipped({"deep/hw3.py": CODE}))
    put(group / "dora.ipynb", '{"cells": [{"cell_type": "code", "source": "def wave(x): pass"}], "nbformat": 4}')
    put(group / "grades.csv", "x")
    put(group / ".DS_Store", "x")
    with take_in(group) as intake:
        assert_sound(intake)
        assert [(handin.id, handin.name) for handin in intake.handins] == [
            ("Ada_Lovelace", "Ada Lovelace"),
            ("bob", "bob"),
            ("carl", "carl"),
            ("dora", "dora"),
        ]
        assert intake.handins[0].place == group / "Ada Lovelace", "nothing is copied"
        assert intake.skipped == ("grades.csv",)
        assert "grades.csv" in intake.notes[0]
        assert all("def wave" in graded_text(handin) for handin in intake.handins)


@pytest.mark.parametrize("prefix", ["", "export/", "class/", "a/b/"])
def test_a_zip_of_a_class_is_a_class(group: Path, tmp_path: Path, prefix: str) -> None:
    put(group / "ada" / "hw3.py", CODE + "ada = 1\n")
    put(group / "bob" / "code" / "hw3.py", CODE + "bob = 1\n")
    put(group / "bob" / "report.pdf", "x" * 1000)
    place = zip_folder(group, tmp_path / "class.zip", prefix)
    found = read(place)
    assert set(found) == {"ada", "bob"}
    assert found["ada"][1] == CODE + "ada = 1\n"
    assert found["bob"][1] == CODE + "bob = 1\n"
    with take_in(place) as intake:
        folder = intake.handins[0].place
        assert folder is not None
        assert stat.S_IMODE(next(p for p in folder.parents if "autograder-class" in p.name).stat().st_mode) == 0o700
    assert not folder.exists(), "what was unpacked is gone afterwards"


def test_the_same_names_and_ids_in_every_run_also_when_others_come(group: Path) -> None:
    names = ["José", "李雷", "a/b".replace("/", ":"), "con", "-rf", "Jane Doe", "x" * 200, "ümlaut\u202e"]
    for name in names:
        put(group / name / "hw3.py")
    before = {handin.name: handin.id for handin in _taken(group)}
    put(group / "another" / "hw3.py")
    after = {handin.name: handin.id for handin in _taken(group)}
    assert before.items() <= after.items()
    assert after["Jane Doe"] == "Jane_Doe"
    assert len(set(after.values())) == len(names) + 1


def _taken(place: Path, **options: Any) -> tuple[Handin, ...]:
    with take_in(place, **options) as intake:
        assert_sound(intake)
        return intake.handins


def test_two_students_with_one_name_are_both_kept_and_told_apart(group: Path) -> None:
    put(group / "ada.py")
    put(group / "ada" / "hw3.py")
    put(group / "Ada" / "hw3.py")
    put(group / "Jane Doe" / "hw3.py")
    put(group / "Jane_Doe" / "hw3.py")
    handins = _taken(group)
    assert len(handins) == 5
    assert sorted(handin.name for handin in handins) == ["Ada", "Jane Doe", "Jane_Doe", "ada", "ada.py"]


def test_attempts_of_a_student(group: Path) -> None:
    put(group / "ada_attempt_1.py", "def wave(): 1")
    put(group / "ada_attempt_10.py", "def wave(): 10")
    put(group / "ada_attempt_9.py", "def wave(): 9")
    put(group / "bob" / "hw3.py", "def wave(): 1")
    put(group / "bob attempt 2" / "hw3.py", "def wave(): 2")
    handins = {handin.id: (handin.attempt, graded_text(handin).strip()) for handin in _taken(group)}
    assert handins == {"ada": ("3 of 3", "def wave(): 10"), "bob": ("2 of 2", "def wave(): 2")}
    handins = {handin.id: (handin.attempt, graded_text(handin).strip()) for handin in _taken(group, attempts="all")}
    assert handins == {
        "ada_attempt_1": ("1 of 3", "def wave(): 1"),
        "ada_attempt_9": ("2 of 3", "def wave(): 9"),
        "ada": ("3 of 3", "def wave(): 10"),
        "bob_attempt_1": ("1 of 2", "def wave(): 1"),
        "bob": ("2 of 2", "def wave(): 2"),
    }


def test_a_folder_that_holds_the_homework_itself_is_one_submission(group: Path) -> None:
    put(group / "hw3.py")
    put(group / "helper.py", "x = 1")
    handins = _taken(group, expected=["hw3.py"])
    assert [handin.id for handin in handins] == ["class"]
    assert len(_taken(group)) == 2, "who does not say what is expected gets a student for each file"
    for name in "abcde":
        put(group / name / "hw3.py")
    assert len(_taken(group, expected=["hw3.py"])) == 7, "a class with the template beside it"


# --- Gradescope -------------------------------------------------------------------------------------------------------

METADATA = """---
submission_101:
  :submitters:
  - :name: Ada Lovelace
    :sid: '0012'
    :email: ada@school.edu
  :created_at: 2023-10-20 12:00:00.123456000 -07:00
  :score: 87.5
  :status: processed
  :results:
    tests:
    - name: a
      output: &1 |
        text: of: a test
    - *1
  :history:
  - :id: 99
    :created_at: 2023-10-19 12:00:00.000000000 -07:00
    :score: 10.0
    :results: {}
  - :id: 98
    :created_at: 2023-10-18 12:00:00.000000000 -07:00
    :score:
submission_102:
  :submitters:
  - :name: Bob
    :sid: '13'
    :email: bob@school.edu
  - :name: Carl
    :sid:
    :email: carl@school.edu
  :created_at: 2023-10-20 13:00:00.000000000 -07:00
  :score:
submission_103:
  :submitters:
  - :name: Bob
    :sid: '14'
    :email: bob2@school.edu
submission_104:
  :submitters:
  - :name: Gone
"""


@pytest.fixture
def export(tmp_path: Path) -> Path:
    folder = tmp_path / "assignment_1_export"
    put(folder / "submission_metadata.yml", METADATA)
    put(folder / "submission_101" / "hw3.py", "wave = 101")
    put(folder / "submission_99" / "hw3.py", "wave = 99")
    put(folder / "submission_102" / "deep" / "hw3.py", "wave = 102")
    (folder / "submission_103").mkdir()
    put(folder / "submission_555" / "hw3.py", "wave = 555")
    return folder


def test_a_gradescope_export(export: Path) -> None:
    with take_in(export) as intake:
        assert_sound(intake)
        by_id = {handin.id: handin for handin in intake.handins}
        assert list(by_id) == ["submission_101", "submission_102", "submission_103", "submission_104", "submission_555"]
        ada = by_id["submission_101"]
        assert ada.people == (Person("Ada Lovelace", "0012", "ada@school.edu"),)
        assert (ada.earlier_score, ada.attempt) == (87.5, "3 of 3")
        assert ada.submitted.startswith("2023-10-20 12:00")
        assert graded_text(ada).strip() == "wave = 101"
        group = by_id["submission_102"]
        assert group.name == "Bob and Carl"
        assert group.people[1] == Person("Carl", "", "carl@school.edu")
        assert group.earlier_score is None
        assert by_id["submission_103"].problem == "Nothing was handed in: the folder is empty."
        assert "submission_104, which is not there" in by_id["submission_104"].problem
        unnamed = by_id["submission_555"]
        assert unnamed.name == "submission_555"
        assert "does not tell whose" in unnamed.notes[0]
        assert any("submission_555" in note for note in intake.notes)


def test_earlier_attempts_of_gradescope(export: Path) -> None:
    handins = {handin.id: handin for handin in _taken(export, attempts="all")}
    assert list(handins)[:3] == ["submission_99", "submission_101", "submission_102"]
    assert handins["submission_99"].attempt == "2 of 3"
    assert handins["submission_99"].earlier_score == 10
    assert handins["submission_99"].people == handins["submission_101"].people
    assert "submission_98" in handins["submission_101"].notes[0]


def test_a_zipped_gradescope_export_also_in_a_folder(export: Path, tmp_path: Path) -> None:
    place = zip_folder(export, tmp_path / "export.zip", "assignment_1_export/")
    assert read(place) == read(export)
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    place.rename(downloads / "export.zip")
    assert read(downloads) == read(export)


def test_namesakes_are_listed_with_what_tells_them_apart() -> None:
    people = [
        ("a", Person("Bob", "1", "b1@x")),
        ("b", Person("Bob", "2", "b2@x")),
        ("c", Person("Eve", "", "e1@x")),
        ("d", Person("Eve", "", "e2@x")),
        ("e", Person("Zoe")),
        ("f", Person("Zoe")),
        ("g", Person("Ada", "7")),
    ]
    names = listed_names(Handin(id, (person,), None) for id, person in people)
    assert names == {
        "a": "Bob (1)",
        "b": "Bob (2)",
        "c": "Eve (e1@x)",
        "d": "Eve (e2@x)",
        "e": "Zoe (e)",
        "f": "Zoe (f)",
        "g": "Ada",
    }


def test_a_student_in_two_submissions_is_told(export: Path) -> None:
    text = METADATA.replace("'14'", "'13'")
    put(export / "submission_metadata.yml", text)
    with take_in(export) as intake:
        assert any("The student 13 is in several submissions" in note for note in intake.notes)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- a\n- b\n", "is no table of submissions"),
        ("just words", "is no table of submissions"),
        ("", "is empty"),
        ("submission_101:\n  :submitters: [\n", "is broken in line"),
        ("submission_101: {a: &x [*y, *y]}\n", ""),
        ("submission_101: !ruby/object:Kernel {a: 1}\n? [complex, key]\n: 3\n", "does not tell whose"),
        ("submission_101:\n  :submitters: 3\n  :score: [1]\n  :history: {':id': 4}\n", "does not tell whose"),
        ("submission_101: 7\nsubmission_101: 8\n", "tells twice"),
        ("submission_101:\n  :created_at: 2023-13-45 99:00:00\n  :score: .nan\n", ""),
        ("submission_101:\n  :submitters:\n  - :name: 'b\xe4d \\x07'\n".encode("latin-1"), ""),
        (b"submission_101:\n  :submitters:\n  - :name: \x00\x07bell\n", ""),
        ("[" * 200_000, "is no table"),
        ("{a: " * 200_000, "nests too deep"),
        ("submission_101: " + "[" * 900 + "]" * 900, ""),
        ("submission_101:\n  :submitters: " + "[" * 900 + "]" * 900 + "\nsubmission_102: {}", ""),
        ("\ufeffsubmission_101:\n  :submitters:\n  - :name: Ada\n", ""),
        (b"\xff\xfes\0u\0b\0", ""),
        (b"%YAML 9.9\n---\n", ""),
    ],
)
def test_odd_metadata_are_told_and_the_class_goes_on(export: Path, text: str | bytes, told: str) -> None:
    put(export / "submission_metadata.yml", text)
    with take_in(export) as intake:
        assert_sound(intake)
        assert {"submission_101", "submission_102", "submission_555"} <= {handin.id for handin in intake.handins}
        notes = " ".join([*intake.notes, *(note for handin in intake.handins for note in handin.notes)])
        assert told in notes


def test_metadata_that_break_count_up_to_there(export: Path) -> None:
    put(export / "submission_metadata.yml", METADATA.replace("submission_103:", "submission_103: [}"))
    with take_in(export) as intake:
        by_id = {handin.id: handin for handin in intake.handins}
        assert by_id["submission_101"].name == "Ada Lovelace"
        assert "is broken in line 34" in intake.notes[0]
        assert "submission_103" in by_id


def test_metadata_written_by_yaml_itself(export: Path) -> None:
    people = [{":name": "Ada", ":sid": "1", ":email": "a@x"}]
    table = {
        "submission_101": {":submitters": people, ":score": 3},
        "submission_102": {":submitters": people, ":score": 4.5},
    }
    put(export / "submission_metadata.yml", yaml.safe_dump(table))  # the second list is an alias
    by_id = {handin.id: handin for handin in _taken(export)}
    assert by_id["submission_102"].people == by_id["submission_101"].people == (Person("Ada", "1", "a@x"),)
    assert by_id["submission_102"].earlier_score == 4.5


def test_a_billion_laughs_cost_little(export: Path) -> None:
    lines = ["a: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    lines += [f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    lines += ["submission_101:", "  :submitters: *a39", "  :history: *a39"]
    bomb = "\n".join(lines)
    with pytest.raises(MemoryError if sys.maxsize < 0 else AssertionError):  # the control: the bomb would go off
        assert len(str(yaml.safe_load("\n".join(lines[:6])))) < 1_000_000
    put(export / "submission_metadata.yml", bomb)
    tracemalloc.start()
    handins = _taken(export)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    assert "submission_101" in {handin.id for handin in handins}


def test_huge_metadata_are_bounded(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "MAX_BYTES", 500)
    with take_in(export) as intake:
        assert "larger than" in intake.notes[0]
        assert {"submission_101", "submission_102"} <= {handin.id for handin in intake.handins}


def test_without_pyyaml_a_gradescope_export_is_an_error_and_others_are_not(
    export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metadata, "yaml", None)
    with pytest.raises(UserError, match="PyYAML is needed"), take_in(export):
        pass
    (export / "submission_metadata.yml").unlink()
    assert len(_taken(export)) == 5


def test_metadata_that_are_no_file(export: Path) -> None:
    (export / "submission_metadata.yml").unlink()
    (export / "submission_metadata.yml").mkdir()
    with take_in(export) as intake:
        assert "could not be read" in intake.notes[0]
        assert "submission_101" in {handin.id for handin in intake.handins}


# --- Canvas, Blackboard, Moodle ---------------------------------------------------------------------------------------


def test_a_canvas_download(group: Path) -> None:
    put(group / "doejane_12345_678_hw3.py", "wave = 1")
    put(group / "doejane_12345_679_helper.py", "wave = 2")
    put(group / "doejane_12345_680_report.pdf", "x")
    put(group / "roejohn_LATE_77_901_hw3-2.py", "wave = 3")
    put(group / "poeed_88_902_hw3.py", "old")
    put(group / "poeed_88_903_hw3-1.py", "wave = 4")
    put(group / "onlypdf_99_904_report.pdf", "x")
    put(group / "zed_100_905_my hw3.zip", zipped({"hw3.py": "wave = 5"}))
    with take_in(group) as intake:
        assert_sound(intake)
        by_id = {handin.id: handin for handin in intake.handins}
        assert list(by_id) == ["doejane_12345", "onlypdf_99", "poeed_88", "roejohn_77", "zed_100"]
        jane = by_id["doejane_12345"]
        assert jane.place is not None
        assert sorted(path.name for path in jane.place.iterdir()) == ["helper.py", "hw3.py", "report.pdf"]
        assert graded_text(jane).strip() == "wave = 1"
        assert graded_text(by_id["roejohn_77"]).strip() == "wave = 3"
        assert by_id["roejohn_77"].notes == ("It was handed in late.",)
        assert by_id["roejohn_77"].people == (Person("roejohn", "77"),)
        assert graded_text(by_id["poeed_88"]).strip() == "wave = 4"
        assert by_id["poeed_88"].attempt == "2 of 2"
        assert graded_text(by_id["zed_100"]).strip() == "wave = 5"
        assert "report.pdf" in graded_text(by_id["onlypdf_99"])


def test_attempts_of_canvas_and_names_that_end_with_a_number(group: Path) -> None:
    put(group / "doejane_1_1_hw3.py", "wave = 0")
    put(group / "doejane_1_2_other.py", "x = 1")
    put(group / "doejane_1_3_hw3-1.py", "wave = 1")
    put(group / "roe_2_4_part-1.py", "one")
    put(group / "roe_2_5_part-2.py", "two")
    handins = {handin.id: handin for handin in _taken(group, attempts="all")}
    assert set(handins) == {"doejane_1", "doejane_1_attempt_1", "roe_2", "roe_2_attempt_1"}
    with take_in(group, attempts="all", expected=["part-1.py", "part-2.py"]) as intake:
        found = {handin.id: sorted(p.name for p in (handin.place or group).iterdir()) for handin in intake.handins}
        texts = {handin.id: graded_text(handin).strip() for handin in intake.handins}
    assert found == {
        "doejane_1": ["hw3.py", "other.py"],
        "doejane_1_attempt_1": ["hw3.py", "other.py"],
        "roe_2": ["part-1.py", "part-2.py"],
    }
    assert texts["doejane_1"] == "wave = 1"
    assert texts["doejane_1_attempt_1"] == "wave = 0"


def test_a_canvas_download_where_links_cannot_be_made(group: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    put(group / "doejane_1_1_hw3.py", "wave = 0")
    with (group / "doejane_1_2_data.ipynb").open("wb") as file:
        file.truncate(10 * 2**30)
    (handin,) = _taken_inside(group)
    assert handin[0] == "wave = 0"
    assert handin[1] < 2**20, "a file of 10 GB is not copied"


def _taken_inside(place: Path) -> list[tuple[str, int]]:
    """(graded text, bytes on the disk) of each handin's folder."""
    with take_in(place) as intake:
        return [
            (graded_text(handin).strip(), sum(p.stat().st_blocks * 512 for p in (handin.place or place).iterdir()))
            for handin in intake.handins
        ]


def test_a_blackboard_download(group: Path) -> None:
    first, second = "attempt_2023-10-20-12-00-00", "attempt_2023-10-21-12-00-00"
    put(group / f"HW 3_jd123_{first}_hw3.py", "wave = 1")
    put(group / f"HW 3_jd123_{first}.txt", "Name: Jane Doe (jd123)\r\nAssignment: HW 3\r\n")
    put(group / f"HW 3_jd123_{second}_hw3.py", "wave = 2")
    put(group / f"HW 3_jd123_{second}_extra.py", "x = 2")
    put(group / f"HW 3_a_smith_{first}_hw3.py", "wave = 3")
    put(group / f"HW 3_nil_{first}.txt", "Name: Nil Nobody (nil)\n")
    handins = {handin.id: handin for handin in _taken(group)}
    assert set(handins) == {"jd123", "a_smith", "nil"}
    assert handins["jd123"].people == (Person("Jane Doe", "jd123"),)
    assert handins["jd123"].attempt == "2 of 2"
    assert handins["jd123"].submitted == "2023-10-21-12-00-00"
    assert "no file" in handins["nil"].problem
    assert handins["nil"].name == "Nil Nobody"
    found = read(group, attempts="all")
    assert found["jd123"][1].strip() == "wave = 2"
    assert found["jd123_attempt_2023-10-20-12-00-00"][1].strip() == "wave = 1"


def test_a_moodle_download(group: Path) -> None:
    put(group / "Jane Doe_123_assignsubmission_file_" / "hw3.py", "wave = 1")
    put(group / "Jane Doe_123_assignsubmission_onlinetext_" / "onlinetext.html", "x")
    put(group / "Jane Doe_124_assignsubmission_file_" / "hw3.py", "wave = 2")
    put(group / "Flat Fred_125_assignsubmission_file_hw3.py", "wave = 3")
    put(group / "Flat Fred_125_assignsubmission_file_other.py", "x = 3")
    handins = {handin.id: handin for handin in _taken(group)}
    assert set(handins) == {"Jane_Doe_123", "Jane_Doe_124", "Flat_Fred_125"}
    assert sorted(handin.name for handin in handins.values()) == ["Flat Fred", "Jane Doe", "Jane Doe"]
    found = read(group)
    assert [found[id][1].strip() for id in sorted(found)] == ["wave = 3", "wave = 1", "wave = 2"]


# --- bad input --------------------------------------------------------------------------------------------------------


def test_no_class_at_all_is_an_error(group: Path, tmp_path: Path) -> None:
    for place, told in (
        (group, "nobody has handed in"),
        (tmp_path / "missing", "cannot read"),
        (put(tmp_path / "a.txt"), "neither a folder nor a zip"),
        (put(tmp_path / "broken.zip", b"PK\x03\x04 and no more"), "damaged"),
        (put(tmp_path / "empty.zip", zipped({})), "nobody has handed in"),
    ):
        with pytest.raises(UserError, match=told), take_in(place):
            pass


def test_a_locked_zip_is_an_error(tmp_path: Path) -> None:
    data = bytearray(zipped({"ada/hw3.py": CODE}))
    for start in (data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8):
        data[start] |= 1
    with pytest.raises(UserError, match="locked with a password"), take_in(put(tmp_path / "class.zip", bytes(data))):
        pass


def test_bad_submissions_are_told_and_the_others_go_on(group: Path, tmp_path: Path) -> None:
    secret = put(tmp_path / "secret.py", "wave = 'secret'")
    put(group / "ada" / "hw3.py", "wave = 1")
    put(group / "broken.zip", b"PK\x03\x04 and no more")
    (group / "empty" / "deep").mkdir(parents=True)
    put(group / "only_a_pdf" / "report.pdf", "x")
    (group / "linked").symlink_to(tmp_path)
    (group / "linked.py").symlink_to(secret)
    (group / "lost").symlink_to(tmp_path / "nowhere")
    (group / "looped").symlink_to(group / "looped")
    (group / "within").symlink_to(group / "ada")
    (group / "inside").mkdir()
    (group / "inside" / "hw3.py").symlink_to(secret)
    os.mkfifo(group / "pipe.py")
    found = read(group)
    assert found["ada"][1].strip() == found["within"][1].strip() == "wave = 1"
    assert "broken.zip is damaged" in found["broken"][1]
    assert "folder is empty" in found["empty"][2]
    assert "report.pdf" in found["only_a_pdf"][1]
    assert "outside the class's folder" in found["linked"][2]
    assert "could not be opened" in found["lost"][2]
    assert "could not be opened" in found["looped"][2]
    assert "outside your submission" in found["inside"][1]
    assert "There is no hw3.py" in found["pipe"][1]
    assert not any("secret'" in text for row in found.values() for text in row)


def test_paths_that_climb_out_of_a_zip_and_links_in_it(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("carl/hw3.py")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in ("../out.py", "/abs.py", "bob/../../out.py", "C:/out.py", "a//b.py", "..\\out.py"):
            archive.writestr(name, CODE)
        archive.writestr("ada/hw3.py", CODE)
        archive.writestr("bob/sub\\hw3.py", CODE)
        archive.writestr(link, "/etc/passwd")
        archive.writestr("dora/", "")
    place = put(tmp_path / "in" / "class.zip", data.getvalue())
    with take_in(place) as intake:
        assert_sound(intake)
        by_id = {handin.id: handin for handin in intake.handins}
        assert set(by_id) == {"ada", "bob", "carl", "dora"}
        assert graded_text(by_id["bob"]) == CODE
        assert "it is a link" in by_id["carl"].problem
        assert "empty" in by_id["dora"].problem
        assert "6 files of the zip have paths that lead out of it" in intake.notes[0]
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["class.zip"]


def test_zip_bombs_in_a_class_cost_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_STUDENT", 3_000_000)
    zeros = b"0" * 20_000_000
    noise = os.urandom(1_900_000)
    place = put(
        tmp_path / "class.zip",
        zipped(
            {
                "ada/hw3.py": CODE,
                "bob/hw3.py": zeros,
                "carl/hw3.ipynb": zeros,
                "dora/hw3.py": CODE,
                "dora/one.py": noise,
                "dora/two.py": noise,
            }
        ),
    )
    with take_in(place) as intake:
        by_id = {handin.id: handin for handin in intake.handins}
        root = (by_id["ada"].place or tmp_path).parent
        used = sum(path.stat().st_blocks * 512 for path in root.rglob("*"))
        assert used < 5_000_000
        assert graded_text(by_id["ada"]) == graded_text(by_id["dora"]) == CODE
        assert "20 MB large" in graded_text(by_id["bob"])
        assert "far larger than the zip says" in by_id["carl"].problem
        assert "all files together" in by_id["dora"].notes[0]


def test_whoever_fills_the_class_room_loses_only_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_CLASS", 1_500_000)
    files: dict[str, str | bytes] = {f"aaa{n}/hw3.py": os.urandom(1_000_000) for n in range(3)}
    place = put(tmp_path / "class.zip", zipped({**files, "zoe/hw3.py": CODE}))
    found = read(place)
    assert found["zoe"][1] == CODE
    assert sum("more than" in problem for _, _, problem in found.values()) == 2


def test_a_damaged_file_in_a_class_zip_is_told(tmp_path: Path) -> None:
    data = bytearray(zipped({"ada/hw3.py": CODE, "bob/hw3.py": os.urandom(5000), "bob/other.py": CODE}))
    start = data.index(b"bob/hw3.py") + 100
    data[start : start + 50] = bytes(50)
    place = put(tmp_path / "class.zip", bytes(data))
    with take_in(place) as intake:
        ada, bob = intake.handins
        assert graded_text(ada) == CODE
        assert "the zip is damaged there" in bob.notes[0]


def test_too_many_files_in_a_zip_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = put(tmp_path / "class.zip", zipped({f"{n}.py": CODE for n in range(30)}))
    assert len(_taken(place)) == 30
    monkeypatch.setattr(unpacking, "MAX_ENTRIES", 20)
    with pytest.raises(UserError, match="more than 20 files"), take_in(place):
        pass
    monkeypatch.setattr(unpacking, "MAX_DIRECTORY", 20)
    with pytest.raises(UserError, match="too many files"), take_in(place):
        pass


def test_a_large_folder_is_neither_read_nor_copied(group: Path) -> None:
    (group / "ada").mkdir()
    put(group / "ada" / "hw3.py")
    with (group / "ada" / "data.bin").open("wb") as file:
        file.truncate(10 * 2**30)
    (group / "many").mkdir()
    for number in range(2000):
        (group / "many" / f"d{number}").mkdir()
    handins = {handin.id: handin for handin in _taken(group)}
    assert graded_text(handins["ada"]) == CODE
    assert handins["many"].problem


def test_a_class_of_too_many_entries_is_cut_and_told(group: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(12):
        put(group / f"s{number:02}.py")
    monkeypatch.setattr(exports, "MAX_ENTRIES", 10)
    with take_in(group) as intake:
        assert len(intake.handins) == 10
        assert "more than 10 entries" in intake.notes[0]


@pytest.mark.skipif(sys.platform == "darwin", reason="file names are UTF-8 there")
def test_names_that_are_not_utf_8(group: Path, tmp_path: Path) -> None:
    put(group / "J\udcf6rg" / "hw3.py")
    put(group / "ümlaut" / "hw3.py")
    handins = _taken(group)
    assert [handin.name for handin in handins] == ["J?rg", "ümlaut"]
    data = zipped({"j/hw3.py": CODE, "Ximlaut/hw3.py": CODE})
    data = data.replace(b"Ximlaut", "ümlaut".encode())  # UTF-8 that the zip does not declare
    assert {handin.name for handin in _taken(put(tmp_path / "class.zip", data))} == {"j", "ümlaut"}


def test_long_names_in_a_zip(tmp_path: Path) -> None:
    name = "ü" * 300
    place = put(tmp_path / "class.zip", zipped({f"{name}/{name}.py": CODE, "bob/hw3.py": CODE, "bob/hw3.py/x.py": ""}))
    found = read(place)
    assert len(found) == 2
    assert CODE in [text for _, text, _ in found.values()]


texts = st.text(max_size=12)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from([":name", ":sid", ":email", ":id", ":score", ":history", ":submitters"]) | texts,
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)
people = st.dictionaries(texts, values, max_size=3)


@settings(max_examples=50, deadline=None)
@given(
    table=st.dictionaries(
        st.one_of(st.sampled_from(["submission_1", "submission_2", "Submission_1"]), texts),
        st.one_of(
            values,
            st.fixed_dictionaries({":submitters": st.lists(people, max_size=3)}),
        ),
        max_size=4,
    ),
    damage=st.binary(max_size=8),
    at=st.integers(0, 400),
    attempts=st.sampled_from(["latest", "all"]),
)
def test_any_metadata(table: Any, damage: bytes, at: int, attempts: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = yaml.safe_dump(table, allow_unicode=True).encode("utf-8", "surrogatepass")
        put(folder / "submission_metadata.yml", data[:at] + damage + data[at:])
        put(folder / "submission_1" / "hw3.py")
        put(folder / "submission_2.zip", zipped({"hw3.py": CODE}))
        handins = _taken(folder, attempts=attempts)
        assert {"submission_1", "submission_2"} <= {re.sub("-[0-9a-f]{8}$", "", handin.id) for handin in handins}


PIECES = (
    *("a", "A", "1", "_", "-", ".", " ", "é", "-1", "attempt", "_attempt_", "2023-10-20-12-00-00", "LATE_", "_12_"),
    *("doe_1_2_", "_assignsubmission_", "file_", ".py", ".zip", ".txt", ".ipynb", "submission_metadata.yml"),
)
names = st.one_of(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=30),
    st.builds(
        "".join,
        st.lists(
            st.sampled_from(PIECES),
            min_size=1,
            max_size=8,
        ),
    ),
)


@settings(max_examples=80, deadline=None)
@given(
    entries=st.dictionaries(names, st.sampled_from(["folder", "file", "empty", "bytes"]), max_size=8),
    attempts=st.sampled_from(["latest", "all"]),
    is_zipped=st.booleans(),
)
def test_any_names(entries: dict[str, str], attempts: Any, is_zipped: bool) -> None:
    with tempfile.TemporaryDirectory() as top:
        folder = Path(top) / "class"
        folder.mkdir()
        for name, kind in entries.items():
            if name in {".", ".."} or len(name.encode()) > 200 or (folder / name).exists():
                continue
            if kind in {"folder", "empty"}:
                (folder / name).mkdir()
            if kind == "folder":
                put(folder / name / "hw3.py")
            elif kind != "empty":
                put(folder / name, CODE if kind == "file" else b"PK\xff\0")
        place = zip_folder(folder, Path(top) / "class.zip") if is_zipped else folder
        try:
            handins = _taken(place, attempts=attempts)
        except UserError:
            return
        assert handins
        for handin in handins:
            if handin.place is not None:
                assert isinstance(find_submission(handin.place, WANTED).modules["hw3"], FoundFile | Problem)
