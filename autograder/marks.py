"""Decorators of graders that gradescope-utils does not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

GraderFunction = TypeVar("GraderFunction", bound=Callable[..., Any])


def twin(points: float) -> Callable[[GraderFunction], GraderFunction]:
    """Give a visible grader a hidden twin: the same code, other seed, `points` of its own.

    The twin's number is the grader's number with `.hidden` appended. It catches answers
    that were fitted to the visible inputs, and costs its author one line.
    """
    if points <= 0:
        raise ValueError(f"@twin({points}): a hidden twin needs a positive number of points")

    def mark(function: GraderFunction) -> GraderFunction:
        function.__twin__ = points  # type: ignore[attr-defined]
        return function

    return mark
