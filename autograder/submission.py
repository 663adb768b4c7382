"""Find the student's files. (The dataclasses only; the search follows.)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.slicing import Chunk


@dataclass(frozen=True)
class WantedFile:
    """A file that the homework asks for: the module's name, the file's usual name, and names that it defines."""

    module: str
    path: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundFile:
    """A file that was found for a module. `path` is relative to the submission; `notes` are for the student."""

    module: str
    path: str
    chunks: tuple[Chunk, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Problem:
    """Why there is no file for a module: one to three plain sentences for the student."""

    module: str
    message: str


@dataclass(frozen=True)
class Submission:
    """What was found, per module, in the order of the homework."""

    modules: Mapping[str, FoundFile | Problem]


def find_submission(place: Path, wanted: Sequence[WantedFile]) -> Submission:
    """The files of a submission. (Exact names only, for now.)"""
    modules: dict[str, FoundFile | Problem] = {}
    for want in wanted:
        try:
            text = (place / want.path).read_text()
        except OSError:
            modules[want.module] = Problem(want.module, f"There is no {want.path} in the submission. Hand it in.")
        else:
            modules[want.module] = FoundFile(want.module, want.path, (Chunk(want.path, text),))
    return Submission(modules)
