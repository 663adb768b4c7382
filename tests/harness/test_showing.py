"""`autograder show`: the homework in a table, one grader or variant in full, a results.json as text."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from made_up import failed, seen, together
from rich.console import Console
from tiny_homework import TinyHomework

from autograder.errors import UserError
from autograder.feedback import Feedback, GraderResult, PlannedGrader
from autograder.gradescope import ResultsFile
from autograder.observation import Header, Observation
from autograder.showing import _entry_lines, _text_of_html, show_grader, show_homework, show_results


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=120, no_color=True, force_terminal=False)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_homework(recorded_tiny: TinyHomework, console: Console) -> None:
    show_homework(recorded_tiny.load(), console)
    lines = shown(console).splitlines()
    assert lines[0].startswith("Tiny homework")
    rows = [line.split() for line in lines if line.startswith("1.")]
    assert [(row[0], row[1], row[2]) for row in rows] == [
        ("1.a", "3", "visible"), ("1.a.hidden", "2", "hidden"), ("1.b", "3", "visible"), ("1.c", "2", "visible"),
    ]  # fmt: skip
    assert "Readings (1)" in lines
    assert "Misconceptions (3)" in lines
    assert "  mean over the batch  1.a" in lines
    assert "recorded with torch" in lines[-1]


@pytest.mark.parametrize("which", ["1.a", "test_tiny.test_energy"])
def test_a_grader_by_number_or_id(recorded_tiny: TinyHomework, console: Console, which: str) -> None:
    show_grader(recorded_tiny.load(), which, console)
    text = shown(console)
    assert "1.a energy is half the mean square.  test_tiny.test_energy\n" in text
    assert "3 points, visible, at most 5 s, " in text
    assert "def batch_of(rng, width):" in text
    assert "\nreference\n  energy (close) float32 [5]: " in text
    assert "\nreading summed over the features\n" in text
    assert "\nmisconception mean over the batch\n  energy (close) float32 [3]: " in text


def test_a_variant_by_name(recorded_tiny: TinyHomework, console: Console) -> None:
    homework = recorded_tiny.load()
    show_grader(homework, "factor one half forgotten", console)
    show_grader(homework, "summed over the features", console)
    assert shown(console).splitlines() == [
        "misconception factor one half forgotten",
        "The energy has a factor of one half.",
        "earns 50% and fails 1.a, 1.a.hidden",
        "reading summed over the features",
        "The handout does not say how.",
        "accepted on 1.a, 1.a.hidden",
    ]


@pytest.mark.parametrize(
    ("which", "remedy"), [("1", "Perhaps 1.a, 1.a.hidden, 1.b, 1.c?"), ("z", "`autograder show tiny` lists them.")]
)
def test_what_is_not_there(recorded_tiny: TinyHomework, console: Console, which: str, remedy: str) -> None:
    with pytest.raises(UserError, match="no grader and no variant is called") as caught:
        show_grader(recorded_tiny.load(), which, console)
    assert caught.value.remedy == remedy


def test_text_that_looks_like_markup_is_shown_as_it_is(recorded_tiny: TinyHomework, console: Console) -> None:
    path = recorded_tiny.load().expectations / "manifest.json"
    for old in ("energy is half the mean square.", "mean over the batch", "Axis 0 is the batch."):
        path.write_text(path.read_text().replace(old, f"{old}[red]x[/]"))
    show_homework(recorded_tiny.load(), console)
    show_grader(recorded_tiny.load(), "mean over the batch[red]x[/]", console)
    assert shown(console).count("[red]x[/]") == 5


def test_every_kind_of_entry_has_a_line() -> None:
    observation = together(
        a=seen(np.arange(6.0).reshape(2, 3)), b=seen(np.float32(0.5)), c=seen("[1]", "exact"), d=seen("NoneType")
    )
    observation = Observation(Header(entries=observation.entries, failure=failed()), observation.arrays)
    assert _entry_lines(observation) == [
        "a (close) float64 [2, 3]: 0, 1, 2, 3, …",
        "b (close) float32 a single number: 0.5",
        "c (exact) [1]",
        "d (close) NoneType",
        "stopped: ValueError: no",
    ]


# --- results.json ---------------------------------------------------------------------------------------------------


def written(path: Path, *feedbacks: Feedback) -> Path:
    plan = [PlannedGrader(f"g{index}", f"1.{index}", "A [title]", 2.0) for index in range(len(feedbacks) + 1)]
    file = ResultsFile(path, plan)
    file.start()
    for index, feedback in enumerate(feedbacks):
        file.record(GraderResult(f"g{index}", f"1.{index}", "A [title]", 1.5, 2.0, "visible", (), feedback))
    return path


def test_results_as_text(tmp_path: Path, console: Console) -> None:
    told = Feedback("failed", "`x` has [other] values & so on.", expected="1 < 2", help="Look.", notes=("A note.",))
    show_results(written(tmp_path / "results.json", told), console)
    text = shown(console)
    assert "1.0 A [title]: 1.5/2 visible\n" in text
    assert "x has [other] values & so on." in text
    assert "1 < 2" in text
    assert "Look." in text
    assert "1.1 A [title] (not reached): 0/2 visible" in text


@pytest.mark.parametrize("content", [None, "{}", "not json", '{"score": "ten"}'])
def test_another_file_is_a_user_error(tmp_path: Path, console: Console, content: str | None) -> None:
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    with pytest.raises(UserError, match=r"not a results\.json of this autograder"):
        show_results(tmp_path / "results.json", console)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a</p><p>b</p>", "a\nb"),
        ("a<br/>b", "a\nb"),
        ("<code>x &lt; y</code> &amp;#27;[2J", "x < y &#27;[2J"),
        ("<style>p {}</style>x<img src='data:x'>", "x"),
        ("  <div> \n </div> ", ""),
    ],
)
def test_the_text_of_our_html(html: str, text: str) -> None:
    assert _text_of_html(html) == text


def test_a_terminal_is_not_driven_by_what_a_student_wrote(tmp_path: Path, console: Console) -> None:
    hostile = Feedback("failed", "\x1b[2J\x1b]0;title\x07&#27;[31m \u202egnp.exe", actual="\x9b31m")
    show_results(written(tmp_path / "results.json", hostile), console)
    text = shown(console)
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(text)
    assert "&#27;[31m" in text
