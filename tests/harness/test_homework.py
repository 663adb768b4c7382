"""homework.toml: what it declares, and an error that names file and key for everything that is wrong with it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tiny_homework import NAME, TinyHomework

from autograder.errors import UserError
from autograder.homework import find_project, homework_names, load_homework, read_text, read_toml
from autograder.questions import part_of


def test_a_homework_is_what_it_declares(tiny: TinyHomework) -> None:
    homework = tiny.load()
    declaration = homework.declaration
    assert homework.name == NAME
    assert declaration.points == 10
    assert declaration.modules == ("tiny_energy", "tiny_utils")
    assert declaration.limits.seconds == 5
    assert declaration.limits.wall_factor == 3.0
    assert declaration.hidden_visibility == "after_published"
    assert declaration.files[0].wanted.names == ("energy", "noise")
    assert homework.part_title("1.a.hidden") == "Energy and noise"
    assert homework.reference == tiny.project / "reference" / NAME
    assert homework.template == tiny.project / "student_template" / NAME
    assert homework.graders == tiny.project / "tests" / "graders" / NAME
    assert homework.expectations == tiny.project / "build" / NAME / "expectations"
    assert sorted(homework.reference_texts()) == ["tiny_energy.py", "tiny_utils.py"]
    assert [path for path, _ in homework.given_sources()["tiny_utils"]] == ["tiny_utils.py"]


def test_an_offline_file_follows_the_given_one(tiny: TinyHomework) -> None:
    tiny.change(tiny.declaration, 'path = "tiny_utils.py"', 'path = "tiny_utils.py"\noffline = "offline.py"')
    (tiny.reference / "offline.py").write_text("WIDTH = 4\n")
    sources = tiny.load().given_sources()["tiny_utils"]
    assert [path for path, _ in sources] == ["tiny_utils.py", "offline.py"]
    assert "offline.py" not in tiny.load().reference_texts()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[seeds]", "[seeds", "not valid TOML"),
        ("points = 10", "", "missing required field `points`"),
        ("points = 10", 'points = "ten"', r"Expected `float`, got `str` - at `\$.points`"),
        ("points = 10", "points = 0", "expected a positive number, got 0"),
        ("points = 10", "points = nan", "expected a positive number, got nan"),
        ("points = 10", "points = 10\npionts = 10", "unknown field `pionts`"),
        ("seconds = 5", "second = 5", r"unknown field `second` - at `\$.limits`"),
        ("seconds = 5", "seconds = 0", r"Expected `float` > 0.0 - at `\$.limits.seconds`"),
        ("memory_mb = 1024", "memory_mb = -1", r"at `\$.limits.memory_mb`"),
        ("memory_mb = 1024", "wall_factor = 0.5", r"at `\$.limits.wall_factor`"),
        ("memory_mb = 1024", 'of = {"9" = {seconds = 1}}', "'9' is no part of the handout"),
        ("memory_mb = 1024", 'of = {"1.b" = {second = 1}}', r'limits.of."1.b": .*unknown field `second`'),
        ("memory_mb = 1024", 'of = {"1.b" = {memory_mb = 0.5}}', r'limits.of."1.b": .*`\$.memory_mb`'),
        ("memory_mb = 1024", "submission = {cpu_seconds = 0}", r"at `\$.limits.submission.cpu_seconds`"),
        ("hidden = 2", "hidden = 1", "hidden graders hide nothing"),
        ("hidden = 2", "hidden = 2\npractice = 1", "answers to what is graded"),
        ("hidden = 2", "hidden = 2\npractice = 2", "answers to what is graded"),
        ('module = "tiny_utils"', 'module = "tiny-utils"', "is not a Python name"),
        ('module = "tiny_utils"', 'module = "tiny_energy"', "declared twice"),
        ('[parts]\n"1" = "Energy and noise"', "", "missing required field `parts`"),
        ('title = "Tiny homework"', 'hidden_visibility = "never"', "hidden_visibility"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tiny: TinyHomework, old: str, new: str, message: str) -> None:
    tiny.change(tiny.declaration, old, new)
    with pytest.raises(UserError, match=message) as caught:
        tiny.load()
    assert str(tiny.declaration) in caught.value.where


def test_an_unknown_homework_is_told_with_those_that_there_are(tiny: TinyHomework) -> None:
    with pytest.raises(UserError, match="no homework called 'other'") as caught:
        load_homework("other", tiny.project)
    assert caught.value.remedy == "Homeworks here: tiny."


def test_no_homework_at_all(tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        load_homework("other", tmp_path)
    assert caught.value.remedy == "Homeworks here: none."


def test_the_project_is_found_from_any_folder_in_it(tiny: TinyHomework, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_project(tiny.reference) == tiny.project
    monkeypatch.chdir(tiny.graders.parent)
    assert find_project() == tiny.project
    assert load_homework(NAME).project == tiny.project
    assert homework_names(tiny.project) == [NAME]


def test_outside_of_a_project(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no `reference` folder") as caught:
        find_project(tmp_path)
    assert caught.value.where == str(tmp_path)
    assert caught.value.remedy


def test_a_reference_file_that_is_missing_is_named(tiny: TinyHomework) -> None:
    tiny.solution.unlink()
    with pytest.raises(UserError, match="cannot read this file") as caught:
        tiny.load().reference_texts()
    assert caught.value.where == str(tiny.solution)


@pytest.mark.parametrize("content", [b"\xff\xfe", None])
def test_text_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match="cannot read this file"):
        read_text(path)


def test_toml_can_be_read_without_a_shape(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("a = 1")
    assert read_toml(tmp_path / "x.toml", dict) == {"a": 1}


@pytest.mark.parametrize(
    ("number", "part"),
    [
        ("4.a", "4.a"),
        ("4.a.1", "4.a"),
        ("4.a.1.hidden", "4.a"),
        ("4.ab", ""),
        ("4", ""),
        ("2.e.iii.1", "2.e.iii"),
        ("", ""),
    ],
)
def test_a_number_belongs_to_the_longest_part_that_it_begins_with(number: str, part: str) -> None:
    parts = {"4.a": "A", "2.e": "E", "2.e.iii": "Third"}
    assert part_of(number, parts) == (part, parts.get(part, ""))


def test_what_was_written_after_the_recording_is_found(tiny: TinyHomework, tmp_path: Path) -> None:
    """By the files' times; what Python compiles is none of them."""
    recorded = tmp_path / "manifest.json"
    recorded.write_text("{}")
    os.utime(recorded, (2_000_000_000, 2_000_000_000))
    assert tiny.load().newer_than(recorded) == []
    grader = next(iter(tiny.load().graders.glob("*.py")))
    for path in (grader, grader.with_suffix(".pyc")):
        path.touch()
        os.utime(path, (2_000_000_001, 2_000_000_001))
    assert tiny.load().newer_than(recorded) == [grader]
