"""What a grader has to say about a submission: the one model behind results.json and the terminal.

Everything here is plain text. A student's code can put anything into it, so whoever shows it
passes it through `plain` and then escapes it for its own medium. Text between `backticks` is
shown as code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, Union

from autograder.pictures import Picture

Verdict = Literal["passed", "failed", "faulty"]
Visibility = Literal["visible", "hidden", "after_due_date", "after_published"]
JSON: TypeAlias = Union["Mapping[str, JSON]", "Sequence[JSON]", str, int, float, bool, None]

MAX_TEXT = 2_000  # characters of one text: about a screenful, and more than any message needs
MAX_LINES = 40


@dataclass(frozen=True)
class Feedback:
    """What a student reads about one grader.

    Attributes:
        verdict: "failed" is the student's fault, "faulty" the grader's.
        headline: one sentence. For a faulty grader it is staff's: the student reads that the
            fault is not theirs, and nothing else.
        expected: what a right solution shows.
        actual: what this one showed.
        help: what to do next.
        where: a place in the student's file, `hw3_gan.py, line 31, in forward: x = self.fc(x)`.
        notes: further lines for the student.
        pictures: pictures for the student.
        staff: lines for staff alone. They reach extra_data and the staff's terminal, no student.
    """

    verdict: Verdict
    headline: str
    expected: str = ""
    actual: str = ""
    help: str = ""
    where: str = ""
    notes: tuple[str, ...] = ()
    pictures: tuple[Picture, ...] = ()
    staff: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlannedGrader:
    """A grader that is going to run, as results.json shows it before it has."""

    id: str
    number: str
    title: str
    max_score: float
    visibility: Visibility = "visible"
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class GraderResult:
    """A grader that has run.

    Attributes:
        id: unique among the graders of a homework.
        number: the question number of the handout, `4.a.2`.
        title: the grader's docstring.
        score: points earned, rounded to 2 places and kept within [0, max_score] where it is shown.
        max_score: points that can be earned.
        seconds: wall time of the grader.
        extra: for `extra_data`: anything that JSON holds; never shown to a student.
        leaderboard: numbers by name for Gradescope's leaderboard; a hidden grader's are dropped.
        credit: the share of the points that the score stands for, between 0 and 1.
    """

    id: str
    number: str
    title: str
    score: float
    max_score: float
    visibility: Visibility
    tags: tuple[str, ...]
    feedback: Feedback
    seconds: float = 0.0
    extra: Mapping[str, JSON] = field(default_factory=dict)
    leaderboard: Mapping[str, float] = field(default_factory=dict)
    credit: float = 0.0

    @property
    def planned(self) -> PlannedGrader:
        return PlannedGrader(self.id, self.number, self.title, self.max_score, self.visibility, self.tags)


# Escape sequences of terminals: OSC (titles, links), DCS and its kin, CSI (colours, cursor), the rest.
_ESCAPE_SEQUENCES = re.compile(
    r"(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b[PX^_]|[\x90\x98\x9e\x9f])[^\x1b\x9c\n]*(?:\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
)
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")
# Control characters, and the marks that reorder or hide text on the screen.
_INVISIBLE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
)
# Accents stacked upon one letter paint over the lines above and below it.
_STACKED_MARKS = re.compile(
    "([\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3})[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+"
)


def plain(text: str, limit: int = MAX_TEXT, lines: int = MAX_LINES) -> str:
    """The text without terminal escapes, control characters, reordering marks and lone surrogates.

    It may have `limit` characters and `lines` lines; what is over is cut, and a mark in the
    text's place says how many characters went. The result can be encoded as UTF-8.
    """
    head = text[: 4 * limit]
    cut = len(text) - len(head)
    if not (head.isascii() and head.replace("\n", "").isprintable()):
        head = _LINE_ENDS.sub("\n", _ESCAPE_SEQUENCES.sub("", head)).replace("\t", "    ")
        head = _SURROGATES.sub("\ufffd", _INVISIBLE.sub("", head))
        head = _STACKED_MARKS.sub(r"\1", head)
    head = "\n".join(line.rstrip() for line in head.split("\n")).strip("\n")
    kept = "\n".join(head.split("\n", lines)[:lines])[:limit]
    cut += len(head) - len(kept)
    return f"{kept.rstrip()} … [{cut:,} characters cut]" if cut else kept


_CODE = re.compile(r"`([^`\n]+)`")


def code_pieces(text: str) -> list[tuple[bool, str]]:
    """The text as (is code, piece) pairs: code stands between backticks."""
    pieces = _CODE.split(text)
    return [(index % 2 == 1, piece) for index, piece in enumerate(pieces) if piece]


def place_pieces(where: str) -> list[tuple[bool, str]]:
    """A place in a file as (is code, piece) pairs: what follows the first colon is the student's line."""
    place, colon, code = where.partition(": ")
    return [(False, place + colon), (True, code)] if code else [(False, place)]
