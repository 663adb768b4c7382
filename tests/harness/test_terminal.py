"""The terminal shows the same feedback, without colour and at 80 columns, and no hidden grader."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from autograder.feedback import Feedback, GraderResult, PlannedGrader
from autograder.pictures import Picture, encode_png
from autograder.terminal import Entry, render_terminal

PARTS = {"4.a": "Discriminator", "4.d": "Discriminator loss"}


def grader(
    number: str, score: float, feedback: Feedback, visibility: Any = "visible", title: str = "A title"
) -> GraderResult:
    return GraderResult(number, number, title, score, 4.0, visibility, (), feedback)


PASSED = grader("4.a.1", 4.0, Feedback("passed", "Right."))
FAILED = grader(
    "4.a.2",
    0.0,
    Feedback(
        "failed",
        "`DNet` returned None.",
        expected="logits of shape [16, 1]",
        actual="None",
        help="A function without `return` returns None.",
        where="hw3_gan.py, line 31, in forward: x = self.fc(x)",
        notes=("Your file asked for CUDA.",),
        pictures=(Picture("Your figure", encode_png(np.zeros((1, 1), np.uint8))),),
    ),
)
PARTLY = grader("4.d.1", 1.5, Feedback("failed", "The sign is wrong."))
FAULTY = grader("4.d.2", 0.0, Feedback("faulty", "KeyError: 'secret'", staff=("a traceback",)))
HIDDEN = grader("4.d.1.hidden", 4.0, Feedback("failed", "Secret headline."), "after_published", "Secret title")
MISSING = PlannedGrader("4.d.3", "4.d.3", "Last", 3.0)
ALL: list[Entry] = [PASSED, FAILED, PARTLY, HIDDEN, FAULTY, MISSING]


def rendered(entries: Sequence[Entry], width: int = 80, **options: Any) -> str:
    file = io.StringIO()
    console = Console(file=file, width=width, no_color=True, force_terminal=False)
    render_terminal(entries, console, parts=PARTS, **options)
    return file.getvalue()


def squeezed(text: str) -> str:
    return " ".join(text.split())


def test_what_a_student_sees() -> None:
    text = rendered(ALL, title="CS 446 homework 3", notes=["A note about all of it."])
    assert max(cell_len(line) for line in text.split("\n")) <= 80
    words = squeezed(text)
    for expected in (
        "CS 446 homework 3",
        "A note about all of it.",
        "4.a Discriminator 4 / 8",
        "4.d Discriminator loss 1.5 / 11",
        "passed 4.a.1 A title 4 / 4",
        "partly 4.d.1 A title 1.5 / 4",
        "not graded 4.d.2 A title 0 / 4",
        "not reached 4.d.3 Last 0 / 3",
        "failed 4.a.2 `DNet` returned None.",
        "Expected logits of shape [16, 1]",
        "Actual None",
        "Where hw3_gan.py, line 31, in forward: x = self.fc(x)",
        "Help A function without `return` returns None.",
        "Note Your file asked for CUDA.",
        "Pictures Your figure",
        "This grader broke; your code is not to blame.",
        "5.5 / 19 points 1 passed, 1 partly, 1 failed, 1 not graded, 1 not reached",
        "1 hidden grader, worth 4 points, not shown here",
    ):
        assert expected in words
    for secret in ("Secret", "secret", "hidden)", "traceback", "4.d.1.hidden"):
        assert secret not in text


def test_staff_see_hidden_graders_and_faults() -> None:
    words = squeezed(rendered(ALL, staff=True))
    for expected in (
        "4.d.1.hidden Secret title (after published) 4 / 4",
        "Secret headline.",
        "not graded 4.d.2 KeyError: 'secret'",
        "Staff a traceback",
        "not reached 4.d.3 Not reached",
        "9.5 / 23 points",
    ):
        assert expected in words
    assert "not shown here" not in words


def test_all_right_is_short() -> None:
    lines = [line for line in rendered([PASSED]).split("\n") if line.strip()]
    assert [squeezed(line) for line in lines] == [
        "4.a Discriminator 4 / 4",
        "passed 4.a.1 A title 4 / 4",
        "4 / 4 points 1 passed",
    ]


def test_no_graders_is_no_crash() -> None:
    assert "no graders" in rendered([])


def test_a_students_text_is_neither_markup_nor_escape_sequence() -> None:
    text = rendered(
        [grader("4.a", 0, Feedback("failed", "[bold]x[/bold] \x1b[31mred\x1b[0m\x07 [/]", actual="[/red]"))]
    )
    assert "[bold]x[/bold] red [/]" in text
    assert "[/red]" in text
    assert "\x1b" not in text
    assert "\x07" not in text


def test_a_long_message_leaves_room() -> None:
    long = "\n".join(f"line {i}" for i in range(500))
    text = rendered([grader("4.a", 0, Feedback("failed", "x", actual=long))])
    assert len(text.split("\n")) < 40
    assert "characters cut]" in text


any_text = st.text(st.characters(exclude_categories=()), max_size=60)


@settings(max_examples=50, deadline=None)
@given(number=any_text, title=any_text, texts=st.tuples(*[any_text] * 5), width=st.integers(40, 120))
def test_any_text_fits_and_can_be_printed(number: str, title: str, texts: tuple[str, ...], width: int) -> None:
    entry = GraderResult("x", number, title, 0.0, 1.0, "visible", (), Feedback("failed", *texts))
    text = rendered([entry], width=width, title=title, notes=[texts[0]])
    text.encode("utf-8")
    assert max(cell_len(line) for line in text.split("\n")) <= width
