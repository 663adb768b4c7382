"""What own_mistakes.py decides by itself: which cells a patched notebook has, and what is wrong with grades."""

from __future__ import annotations

import pytest
from own_mistakes import cells_of, faults
from report_recount import Result, Test

from autograder.variants import Variant

CELLS = ["import torch", "def f(x):\n    return x\n\n\ndef g(x):\n    return f(x)", "print(1)"]
MISTAKE = Variant("half forgotten", "misconception", ("1.a",))
READING = Variant("averaged", "reading", ("1.a",))


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("return x\n", "return 2 * x\n", 1),
        ("import torch", "import torch\n\nx = 1", 1),
        ("print(1)", "print(2)\n\nprint(3)", 1),
        ("import torch\n\ndef f(x)", "def f(y)", 2),
        ("print(1)", "print(1)", 0),
    ],
)
def test_a_patched_notebook_keeps_its_other_cells(old: str, new: str, changed: int) -> None:
    text = "\n\n".join(CELLS).replace(old, new)
    cells = cells_of(text + "\n", CELLS)
    assert "\n\n".join(cells) == text
    assert len(set(CELLS) - set(cells)) <= changed


def graded(*given: tuple[str, float, tuple[str, ...]]) -> Result:
    """Results of graders 1.a, 1.a.hidden and 1.b: (verdict, score of 2, what it shows)."""
    numbers = ("1.a", "1.a.hidden", "1.b")
    tests = [Test(number, one[0], one[1], 2.0, 0.1, 0.1, one[2]) for number, one in zip(numbers, given, strict=True)]
    return Result(sum(test.score for test in tests), 1.0, tuple(tests))


RIGHT = ("passed", 2.0, ("reference",))
NAMED = ("failed", 0.0, ("half forgotten",))
UNNAMED = ("failed", 0.0, ())
OTHER = ("failed", 0.0, ("another mistake",))
HALF = ("failed", 2.0, ("half forgotten",))
BROKEN = ("faulty", 0.0, ())


@pytest.mark.parametrize(
    ("variant", "result", "expected"),
    [
        (READING, graded(RIGHT, RIGHT, RIGHT), []),
        (READING, graded(RIGHT, RIGHT, UNNAMED), ["1.b failed with 0 of 2"]),
        (READING, graded(RIGHT, ("passed", 1.5, ()), RIGHT), ["1.a.hidden passed with 1.5 of 2"]),
        (READING, graded(RIGHT, BROKEN, RIGHT), ["1.a.hidden is faulty"]),
        (MISTAKE, graded(NAMED, NAMED, RIGHT), []),
        (MISTAKE, graded(NAMED, UNNAMED, RIGHT), []),
        (MISTAKE, graded(UNNAMED, UNNAMED, RIGHT), ["is named by no grader"]),
        (MISTAKE, graded(NAMED, RIGHT, RIGHT), ["passes 1.a.hidden, which it should fail"]),
        (MISTAKE, graded(NAMED, NAMED, UNNAMED), ["fails 1.b, which it does not name"]),
        (MISTAKE, graded(NAMED, OTHER, RIGHT), ["is taken for another mistake by 1.a.hidden"]),
        (MISTAKE, graded(HALF, HALF, RIGHT), ["loses no points"]),
        (MISTAKE, graded(NAMED, BROKEN, RIGHT), ["1.a.hidden is faulty"]),
    ],
)
def test_what_is_wrong_with_grades(variant: Variant, result: Result, expected: list[str]) -> None:
    assert faults(variant, result) == expected
