"""Answer cells: where the written questions of a notebook are answered.

An answer cell is a markdown cell that begins with a line like `**Answer 1.a**`. In a reference it holds a model answer,
marked by lines that a rendered notebook does not show; the template has a placeholder in its place:

    **Answer 1.a**

    <!-- BEGIN SOLUTION -->
    Because tanh ends there.        ->  *Write your answer here.*
    <!-- END SOLUTION -->
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from autograder.errors import UserError

PLACEHOLDER = "*Write your answer here.*"

_BEGIN = "<!-- BEGIN SOLUTION -->"
_END = "<!-- END SOLUTION -->"
_LIKE_A_MARKER = re.compile(r"\s*<!--\W*(begin|end)[\s_-]*solution", re.IGNORECASE)
_TITLE = re.compile(r"\s*\*\*Answer ([^*\n]+?)\*\*[ \t]*(?:\n|$)")


@dataclass(frozen=True)
class ModelAnswer:
    """The lines of a model answer's markers, counted from 1."""

    begin: int
    end: int


def answered_question(text: str) -> str:
    """The question that a template's markdown cell is for, such as "1.a bonus 1"; "" where it is no answer cell."""
    title = _TITLE.match(text)
    return title.group(1).strip() if title else ""


def without_model_answers(text: str, where: Callable[[int], str]) -> str:
    """A markdown cell with a placeholder for each model answer.

    Args:
        text: the cell's source.
        where: says, in an error, where a line of the cell is.

    Raises:
        UserError: for markers that do not pair up, and for a model answer that has no text.
    """
    lines = text.split("\n")
    for answer in reversed(model_answers(text, where)):
        lines[answer.begin - 1 : answer.end] = [PLACEHOLDER]
    return "\n".join(lines)


def model_answers(text: str, where: Callable[[int], str]) -> list[ModelAnswer]:
    """The model answers of a markdown cell, in order. Arguments and errors are those of `without_model_answers`."""
    lines = text.split("\n")
    answers = []
    begin = 0
    for number, line in enumerate(lines, start=1):
        if not _LIKE_A_MARKER.match(line):
            continue
        if line.strip() not in (_BEGIN, _END):
            raise UserError(
                f"this looks like a marker of a model answer but is none: {line.strip()[:80]}",
                where=where(number),
                remedy=f"Write exactly `{_BEGIN}` or `{_END}`, on a line of its own.",
            )
        if line.strip() == _END:
            if not begin:
                raise UserError(
                    "a model answer ends here that never began",
                    where=where(number),
                    remedy=f"Put `{_BEGIN}` before the answer, or delete this marker.",
                )
            _check_text(lines[begin : number - 1], where(begin))
            answers.append(ModelAnswer(begin, number))
            begin = 0
        elif begin:
            raise UserError(
                f"a model answer begins inside the one that began on line {begin}",
                where=where(number),
                remedy="End the first one before this line, or delete this marker.",
            )
        else:
            begin = number
    if begin:
        raise UserError("this model answer never ends", where=where(begin), remedy=f"Put `{_END}` after the answer.")
    return answers


def _check_text(lines: Sequence[str], where: str) -> None:
    if not any(line.strip() for line in lines):
        raise UserError("this model answer has no text", where=where, remedy="Write one, or delete its markers.")
