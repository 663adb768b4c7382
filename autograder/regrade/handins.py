"""What a class handed in: from an export of Gradescope, Canvas or another system to one handin per student or group."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Person:
    """Someone who handed in, as the export calls them; "" for what it does not tell."""

    name: str
    sid: str = ""
    email: str = ""


@dataclass(frozen=True)
class Handin:
    """One submission of one student or group.

    Attributes:
        id: unique in the class, a safe file name, the same in every run.
        people: who handed it in; several for a group, never empty.
        place: a folder, a zip or a file, as `find_submission` takes it; None where there is nothing to grade.
        submitted: when, as the export tells it.
        attempt: which attempt it is, where there are several ("2 of 3").
        earlier_score: what the export gives as its score.
        notes: for staff, one plain sentence each.
        problem: why there is nothing to grade. Such a handin has no score, which is not a score of 0.
    """

    id: str
    people: tuple[Person, ...]
    place: Path | None
    submitted: str = ""
    attempt: str = ""
    earlier_score: float | None = None
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def name(self) -> str:
        """The people's names in words."""
        return " and ".join(person.name for person in self.people)


@dataclass(frozen=True)
class Intake:
    """A class's handins, in order, and sentences on what is strange with the class as a whole."""

    handins: tuple[Handin, ...]
    notes: tuple[str, ...] = ()


Attempts = Literal["latest", "all"]


@contextlib.contextmanager
def take_in(place: Path, *, attempts: Attempts = "latest") -> Iterator[Intake]:
    """The handins of a class; what had to be unpacked for them is there until the context ends."""
    raise NotImplementedError
    yield
