"""The marks of graders that gradescope-utils does not have."""

from __future__ import annotations

import pytest

from autograder.marks import twin


def test_a_twin_marks_the_function_and_leaves_it_as_it_is() -> None:
    def grader() -> str:
        return "called"

    marked = twin(2.5)(grader)
    assert marked is grader
    assert marked() == "called"
    assert marked.__twin__ == 2.5  # type: ignore[attr-defined]


@pytest.mark.parametrize("points", [0, -1])
def test_a_twin_is_worth_something(points: float) -> None:
    with pytest.raises(ValueError, match="positive number of points"):
        twin(points)
