"""Submissions whose code is alike, apart from what the template gave."""

from __future__ import annotations

from dataclasses import dataclass

from autograder.submission import FoundFile


@dataclass(frozen=True)
class Lines:
    """Lines of a file, counted from 1 in `code_of` it, both ends included."""

    start: int
    end: int


@dataclass(frozen=True)
class Piece:
    """A piece of code that stands in both files of a pair."""

    first: Lines
    second: Lines


@dataclass(frozen=True)
class AlikePair:
    """Two handins whose code for one file of the homework is alike.

    Attributes:
        first: a handin's id.
        second: the other's.
        share_first: the share of the first one's own code that stands in the second's too, from 0 to 1.
        share_second: the same for the second one.
        file: the module that the files are for, as in `FoundFile.module`.
        pieces: what stands in both, from the first file's top.
    """

    first: str
    second: str
    share_first: float
    share_second: float
    file: str
    pieces: tuple[Piece, ...]


def code_of(found: FoundFile) -> str:
    """A file's code as one text, its cells one after the other: what the lines of a `Piece` are counted in."""
    return "".join(chunk.text if chunk.text.endswith("\n") else chunk.text + "\n" for chunk in found.chunks)
